//! `${NAME}` in the values of a pipeline file.

use std::collections::BTreeMap;

use crate::{
    password::Access,
    settings::{Settings, Tls, Value, table},
};

/// What `${NAME}` can stand for: every variable of the table, and what only the launcher knows.
#[derive(Debug, Clone)]
pub(crate) struct Variables(BTreeMap<&'static str, Value>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ExpandError {
    #[error("unknown variable ${{{0}}}; `egldesktop --help` and pipelines/README.md list them all")]
    Unknown(String),
    #[error("\"${{\" without its \"}}\"")]
    Unterminated,
    #[error("\"$\" must be followed by \"{{NAME}}\", or by another \"$\" to mean itself")]
    LoneDollar,
}

impl Variables {
    /// The display and the sound server are known only once they run; until then `when_running` stands in their place.
    pub(crate) fn new(settings: &Settings, access: &Access, when_running: &str) -> Self {
        // A variable that is not set is empty, and an empty property is not set: so its element's default holds.
        let mut values: BTreeMap<_, _> =
            table::TABLE.iter().map(|variable| (variable.name, Value::public(""))).collect();
        values.extend(settings.values.iter().map(|(name, value)| (*name, value.clone())));

        let password = access.password().map_or("", |password| password.expose());
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let tls = |part: fn(&Tls) -> Option<String>| settings.tls.as_ref().and_then(part).unwrap_or_default();
        values.extend([
            (table::USER.name, Value::public(&settings.user)),
            (table::PASSWORD.name, Value::new(password, true)),
            ("LISTEN", Value::public(settings.listen.to_string())),
            ("METRICS_LISTEN", Value::public(settings.metrics.map(|it| it.to_string()).unwrap_or_default())),
            ("TLS_CERTIFICATE", Value::public(tls(|tls| Some(tls.certificate.clone())))),
            ("TLS_KEY", Value::public(tls(|tls| tls.key.clone()))),
            ("STUN_SERVER", Value::public(settings.stun_server.clone().unwrap_or_default())),
            ("CPUS", Value::public(cpus.to_string())),
            (table::DISPLAY.name, Value::public(when_running)),
            (table::PULSE_SERVER.name, Value::public(when_running)),
        ]);
        Self(values)
    }

    pub(crate) fn set_display(&mut self, display: &str) {
        self.0.insert(table::DISPLAY.name, Value::public(display));
    }

    pub(crate) fn set_pulse_server(&mut self, server: &str) {
        self.0.insert(table::PULSE_SERVER.name, Value::public(server));
    }

    /// The text with every `${NAME}` replaced, once: what a value holds is never expanded again.
    pub(crate) fn expand(&self, text: &str) -> Result<Value, ExpandError> {
        let mut expanded = String::with_capacity(text.len());
        let mut secret = false;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                expanded.push('$');
                rest = after;
            } else if let Some(after) = after.strip_prefix('{') {
                let (name, after) = after.split_once('}').ok_or(ExpandError::Unterminated)?;
                let value = self.0.get(name).ok_or_else(|| ExpandError::Unknown(name.to_owned()))?;
                expanded.push_str(value.expose());
                secret |= value.secret;
                rest = after;
            } else {
                return Err(ExpandError::LoneDollar);
            }
        }
        expanded.push_str(rest);
        Ok(Value::new(expanded, secret))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Environment;

    fn variables() -> Variables {
        let settings =
            Settings::read(&Environment::from([("PASSWD", "a${USER}$$b"), ("SELKIES_FRAMERATE", "30")])).unwrap();
        let access = Access::of(&settings).unwrap();
        Variables::new(&settings, &access, "")
    }

    fn expand(text: &str) -> Result<String, ExpandError> {
        variables().expand(text).map(|value| value.expose().to_owned())
    }

    #[test]
    fn names_are_replaced_wherever_they_stand() {
        assert_eq!(
            expand("video/x-raw,max-framerate=${SELKIES_FRAMERATE}/1").unwrap(),
            "video/x-raw,max-framerate=30/1"
        );
        assert_eq!(expand("${SELKIES_FRAMERATE}${SELKIES_FRAMERATE}").unwrap(), "3030");
        assert_eq!(expand("nothing").unwrap(), "nothing");
        assert_eq!(expand("[${SELKIES_TURN_HOST}]").unwrap(), "[]");
        assert_eq!(expand("$${x}").unwrap(), "${x}");
    }

    #[test]
    fn a_value_is_never_expanded_again() {
        assert_eq!(expand("${BASIC_AUTH_PASSWORD}").unwrap(), "a${USER}$$b");
    }

    #[test]
    fn what_holds_a_secret_is_a_secret() {
        let value = variables().expand("x${BASIC_AUTH_PASSWORD}y").unwrap();
        assert!(value.secret && !value.shown().contains('a'));
        assert!(!variables().expand("${BASIC_AUTH_USER}").unwrap().secret);
    }

    #[test]
    fn mistakes_are_errors() {
        assert_eq!(expand("${NOPE}"), Err(ExpandError::Unknown("NOPE".to_owned())));
        assert_eq!(expand("${NOPE").unwrap_err(), ExpandError::Unterminated);
        assert_eq!(expand("5$").unwrap_err(), ExpandError::LoneDollar);
        assert_eq!(expand("$HOME").unwrap_err(), ExpandError::LoneDollar);
        assert!(expand("${NOPE}").unwrap_err().to_string().starts_with("unknown variable ${NOPE};"));
    }
}
