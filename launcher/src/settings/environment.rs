//! Reading variables of the table out of an environment, checked.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt, fs,
    io::{self, Read as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::table::{self, Kind, Variable};

/// What is put behind the name of a secret for the name of a file with it.
const FILE: &str = "_FILE";
/// Larger files hold no password.
const MAX_SECRET: u64 = 64 * 1024;

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
    #[error("{name} and {name}_FILE are both set: which one is it?")]
    Twice { name: &'static str },
    #[error("{name}_FILE is {}: {reason}", path.display())]
    File { name: &'static str, path: PathBuf, reason: String },
}

/// Passwords are in it.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.variables.len())
    }
}

impl Environment {
    /// Secrets come out of the files that say so, as Docker and Kubernetes mount them.
    pub(crate) fn capture() -> Result<Self, SettingError> {
        Self { variables: std::env::vars_os().collect(), saved: BTreeMap::new() }.with_files()
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

    /// Puts the content of the file that `NAME_FILE` names in the place of `NAME`, for every secret.
    fn with_files(mut self) -> Result<Self, SettingError> {
        for name in table::secrets() {
            let Some(path) = self.variables.get(OsStr::new(&format!("{name}{FILE}"))).filter(|path| !path.is_empty())
            else {
                continue;
            };
            if self.variables.get(OsStr::new(name)).is_some_and(|value| !value.is_empty()) {
                return Err(SettingError::Twice { name });
            }
            let path = PathBuf::from(path);
            match read_secret(&path) {
                Ok(secret) => _ = self.variables.insert(name.into(), secret),
                Err(error) => return Err(SettingError::File { name, path, reason: error.to_string() }),
            }
        }
        Ok(self)
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

/// Without the line feed that editors put at the end.
fn read_secret(path: &Path) -> io::Result<OsString> {
    let mut secret = Vec::new();
    fs::File::open(path)?.take(MAX_SECRET).read_to_end(&mut secret)?;
    let end = secret.iter().rposition(|byte| !b"\r\n".contains(byte)).map_or(0, |last| last + 1);
    match OsStr::from_bytes(&secret[..end]) {
        // A random password in its place would lock out whoever wrote the file.
        empty if empty.is_empty() => Err(io::Error::other("the file is empty")),
        secret => Ok(secret.to_owned()),
    }
}

#[cfg(any(test, feature = "fuzz"))]
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
    fn a_secret_comes_out_of_a_file_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, " two words \r\n\n").unwrap();
        let path = path.to_str().unwrap();
        let read = |pairs: [(&str, &str); 2]| Environment::from(pairs).with_files();
        let found = read([("NOVNC_VIEWPASS_FILE", path), ("PASSWD", "b")]).unwrap();
        assert_eq!(found.text(&table::VIEW_PASSWORD).unwrap().as_deref(), Some(" two words "));
        let error = read([("PASSWD_FILE", path), ("PASSWD", "b")]).unwrap_err();
        assert_eq!(error, SettingError::Twice { name: "PASSWD" });
        // What is no secret has no such variable.
        assert_eq!(read([("TZ_FILE", path), ("PASSWD", "")]).unwrap().raw("TZ"), Ok(None));
    }

    #[test]
    fn a_file_without_a_secret_is_an_error_and_not_a_random_password() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        fs::write(&empty, "\n").unwrap();
        for path in [empty.as_path(), Path::new("/nonexistent/secret"), folder.path()] {
            let error = Environment::from([("PASSWD_FILE", path.to_str().unwrap())]).with_files().unwrap_err();
            assert!(error.to_string().starts_with(&format!("PASSWD_FILE is {}: ", path.display())), "{error}");
        }
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
