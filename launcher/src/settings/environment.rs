//! Reading variables of the table out of an environment, checked.

use std::{collections::BTreeMap, ffi::OsString, fmt};

use super::table::{Kind, Variable};

/// A snapshot of the environment. Taking one keeps everything after it pure.
#[derive(Clone)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    /// By the name of the variable: what holds where it is not set. Checked, in canonical spelling.
    saved: BTreeMap<&'static str, String>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum SettingError {
    #[error("{name} is not valid UTF-8")]
    NotUtf8 { name: String },
    #[error("{name} is \"{value}\", but must be {expected}")]
    Invalid { name: String, value: String, expected: String },
}

/// Passwords are in it.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.variables.len())
    }
}

impl Environment {
    pub(crate) fn capture() -> Self {
        Self { variables: std::env::vars_os().collect(), saved: BTreeMap::new() }
    }

    /// The same, with what viewers changed in earlier runs.
    pub(crate) fn with_saved(mut self, saved: BTreeMap<&'static str, String>) -> Self {
        self.saved = saved;
        self
    }

    /// What a viewer changed this variable to, where the environment does not set it.
    pub(crate) fn saved(&self, variable: &Variable) -> Option<&str> {
        let is_set = !matches!(self.find(variable), Ok(None));
        self.saved.get(variable.name).filter(|_| !is_set).map(String::as_str)
    }

    /// The first of the variable's names that is set, with its value. An empty value counts as not set, because
    /// `NAME=` is what a container manifest writes for "nothing here".
    pub(crate) fn find(&self, variable: &Variable) -> Result<Option<(&'static str, &str)>, SettingError> {
        for name in variable.names() {
            if let Some(value) = self.raw(name)? {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// The value that is set, or saved, or the default; checked against the variable's kind, in that kind's canonical spelling.
    pub(crate) fn text(&self, variable: &Variable) -> Result<Option<String>, SettingError> {
        let Some((name, value)) = self.find(variable)? else {
            return Ok(self.saved(variable).or(variable.default).map(str::to_owned));
        };
        canonical(variable.kind, value).map(Some).map_err(|expected| SettingError::Invalid {
            name: name.to_owned(),
            value: if variable.secret { "…".to_owned() } else { value.to_owned() },
            expected,
        })
    }

    /// A variable outside the table that means what it means to every program, such as `USER`.
    pub(crate) fn raw(&self, name: &str) -> Result<Option<&str>, SettingError> {
        match self.variables.get(&OsString::from(name)) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => value.to_str().map(Some).ok_or_else(|| SettingError::NotUtf8 { name: name.to_owned() }),
        }
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables, saved: BTreeMap::new() }
    }
}

/// The value as the rest of the program wants it, or what it should have been.
pub(super) fn canonical(kind: Kind, value: &str) -> Result<String, String> {
    let lower = value.to_ascii_lowercase();
    match kind {
        Kind::Text => Ok(value.to_owned()),
        Kind::Boolean if lower == "true" || lower == "false" => Ok(lower),
        Kind::Boolean => Err("true or false".to_owned()),
        Kind::Number { min, max } => match value.parse::<u32>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
            _ => Err(format!("a whole number from {min} to {max}")),
        },
        Kind::Decimal { min, max } => match value.parse::<f64>() {
            Ok(number) if (f64::from(min)..=f64::from(max)).contains(&number) => Ok(number.to_string()),
            _ => Err(format!("a number from {min} to {max}")),
        },
        Kind::Choice(choices) if choices.contains(&lower.as_str()) => Ok(lower),
        Kind::Choice(choices) => Err(choices.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table;
    use super::*;

    #[test]
    fn the_name_wins_over_its_alias_and_an_empty_value_is_none() {
        let both = Environment::from([("SELKIES_PORT", "1"), ("LISTEN_PORT", "2")]);
        assert_eq!(both.text(&table::PORT).unwrap().unwrap(), "1");
        let empty = Environment::from([("SELKIES_PORT", ""), ("LISTEN_PORT", "2")]);
        assert_eq!(empty.text(&table::PORT).unwrap().unwrap(), "2");
        let none = Environment::from([("SELKIES_PORT", ""), ("LISTEN_PORT", "")]);
        assert_eq!(none.text(&table::PORT).unwrap().unwrap(), "8080");
    }

    #[test]
    fn what_was_saved_stands_between_the_environment_and_the_default() {
        let saved = || BTreeMap::from([(table::FRAMERATE.name, "30".to_owned())]);
        let read = |environment: Environment| environment.with_saved(saved()).text(&table::FRAMERATE).unwrap().unwrap();
        assert_eq!(read(Environment::from([])), "30");
        assert_eq!(read(Environment::from([("WEBRTC_FRAMERATE", "25")])), "25");
    }

    #[test]
    fn booleans_are_true_or_false_in_any_case() {
        for (value, expected) in [("true", "true"), ("True", "true"), ("FALSE", "false")] {
            let environment = Environment::from([("ENABLE_AUDIO", value)]);
            assert_eq!(environment.text(&table::AUDIO).unwrap().unwrap(), expected);
        }
        let error = Environment::from([("ENABLE_AUDIO", "yes")]).text(&table::AUDIO).unwrap_err();
        assert_eq!(error.to_string(), "ENABLE_AUDIO is \"yes\", but must be true or false");
    }

    #[test]
    fn numbers_are_checked_and_the_error_names_the_alias_that_was_used() {
        for value in ["-1", "65536", "8080.0", "http", " 80"] {
            let error = Environment::from([("LISTEN_PORT", value)]).text(&table::PORT).unwrap_err();
            assert!(error.to_string().starts_with("LISTEN_PORT is "), "{error}");
            assert!(error.to_string().contains("from 0 to 65535"), "{error}");
        }
    }

    #[test]
    fn a_value_that_is_not_utf8_is_an_error_that_names_the_variable() {
        use std::os::unix::ffi::OsStringExt;
        let variables = [("PASSWD".into(), OsString::from_vec(vec![0xff]))].into();
        let environment = Environment { variables, saved: BTreeMap::new() };
        let error = environment.text(&table::PASSWD).unwrap_err();
        assert_eq!(error.to_string(), "PASSWD is not valid UTF-8");
    }

    #[test]
    fn every_default_is_a_valid_value() {
        for variable in table::TABLE {
            if let Some(default) = variable.default {
                assert_eq!(canonical(variable.kind, default).as_deref(), Ok(default), "{}", variable.name);
            }
        }
    }
}
