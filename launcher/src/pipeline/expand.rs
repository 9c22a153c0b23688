//! `${NAME}` in the values of a pipeline file.

use std::{collections::BTreeMap, path::Path};

use super::file::{Declaration, Default};
use crate::{
    password::Access,
    settings::{Environment, SettingError, Settings, Tls, Value, table},
};

/// What `${NAME}` can stand for: every variable of the table, those that files declare, and what only the launcher knows.
#[derive(Debug, Clone)]
pub(crate) struct Variables {
    entries: BTreeMap<String, Entry>,
    environment: Environment,
}

/// A variable's value and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) source: Source,
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    /// The environment, under this name.
    Environment(String),
    /// A viewer changed it in an earlier run.
    Saved,
    /// The launcher found it out.
    Launcher,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Environment(name) => write!(f, "environment: {name}"),
            Self::Saved => f.write_str("saved, as a viewer changed it"),
            Self::Launcher => f.write_str("found by the launcher"),
        }
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ExpandError {
    #[error("unknown variable ${{{0}}}; `egldesktop --help` and pipelines/README.md list them all")]
    Unknown(String),
    #[error("\"${{\" without its \"}}\"")]
    Unterminated,
    #[error("\"$\" must be followed by \"{{NAME}}\", or by another \"$\" to mean itself")]
    LoneDollar,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum DeclareError {
    #[error("\"{0}\" is a variable of the launcher already")]
    Taken(String),
    #[error(transparent)]
    Setting(#[from] SettingError),
    #[error("the default of {name} is \"{value}\", but must be {expected}")]
    Default { name: String, value: String, expected: String },
}

/// What Opus makes of the sound. Copies of lost packets exist only in the part of it that is made for voice, which the one
/// with the least delay (2.5 instead of 6.5 ms) does not have.
const fn sound_type(loss: u32) -> &'static str {
    if loss > 0 { "generic" } else { "restricted-lowdelay" }
}

impl Variables {
    /// The display and the sound server are known only once they run; until then `when_running` stands in their place.
    pub(crate) fn new(environment: &Environment, settings: &Settings, access: &Access, when_running: &str) -> Self {
        // A variable that is not set is empty, and an empty property is not set: so its element's default holds.
        let from_table = table::TABLE.iter().map(|variable| {
            let value = settings.values.get(variable.name).cloned().unwrap_or_else(|| Value::public(""));
            let source = match environment.find(variable) {
                Ok(Some((name, _))) => Source::Environment(name.to_owned()),
                _ if environment.saved(variable).is_some() => Source::Saved,
                _ => Source::Default,
            };
            (variable.name.to_owned(), Entry { value, source })
        });
        let mut this = Self { entries: from_table.collect(), environment: environment.clone() };

        let password = access.password().map_or("", |password| password.expose());
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let tls = |part: fn(&Tls) -> Option<String>| settings.tls.as_ref().and_then(part).unwrap_or_default();
        for (name, value) in [
            (table::USER.name, Value::public(&settings.user)),
            (table::PASSWORD.name, Value::new(password, true)),
            ("LISTEN", Value::public(settings.listen.to_string())),
            ("METRICS_LISTEN", Value::public(settings.metrics.map(|it| it.to_string()).unwrap_or_default())),
            ("STATISTICS_DIR", Value::public(settings.statistics.clone().unwrap_or_default())),
            ("TLS_CERTIFICATE", Value::public(tls(|tls| Some(tls.certificate.clone())))),
            ("TLS_KEY", Value::public(tls(|tls| tls.key.clone()))),
            ("STUN_SERVER", Value::public(settings.stun_server.clone().unwrap_or_default())),
            ("SOUND_TYPE", Value::public(sound_type(settings.audio_loss))),
            ("CPUS", Value::public(cpus.to_string())),
            // Linux numbers the render nodes of its GPUs from 128 on.
            ("RENDER_NODE", Value::public((128 + settings.gpu).to_string())),
            ("NOTICE", Value::public("")),
            ("ENCODER_NAME", Value::public("")),
            ("RESIZE_SWITCH", Value::public(settings.resize_switch.to_string())),
            ("VNC_SERVER", Value::public("")),
            ("VNC_CLIENT", Value::public("")),
            (table::DISPLAY.name, Value::public(when_running)),
            (table::PULSE_SERVER.name, Value::public(when_running)),
        ] {
            this.put(name, value);
        }
        this
    }

    fn put(&mut self, name: &str, value: Value) {
        self.entries.insert(name.to_owned(), Entry { value, source: Source::Launcher });
    }

    pub(crate) fn set_display(&mut self, display: &str) {
        self.put(table::DISPLAY.name, Value::public(display));
    }

    pub(crate) fn set_pulse_server(&mut self, server: &str) {
        self.put(table::PULSE_SERVER.name, Value::public(server));
    }

    /// Whether viewers are heard: where they may be, and programs can record them.
    pub(crate) fn set_microphone(&mut self, on: bool) {
        self.put(table::MICROPHONE.name, Value::public(on.to_string()));
    }

    /// What makes gamepads, and where its sockets are.
    pub(crate) fn set_gamepads(&mut self, backend: &str, folder: &str) {
        self.put(table::GAMEPADS.name, Value::public(backend));
        self.put(table::JS_SOCKET_PATH.name, Value::public(folder));
    }

    /// Where browsers come back to, once it is known.
    pub(crate) fn set_listen(&mut self, address: &str) {
        self.put("LISTEN", Value::public(address));
    }

    /// The socket of the VNC server, and the folder of its client.
    pub(crate) fn set_vnc(&mut self, socket: &Path, client: &Path) {
        self.put("VNC_SERVER", Value::public(format!("unix:{}", socket.display())));
        self.put("VNC_CLIENT", Value::public(client.display().to_string()));
    }

    /// The encoder that runs, by the name of its file.
    pub(crate) fn set_encoder(&mut self, name: &str) {
        self.put("ENCODER_NAME", Value::public(name));
    }

    /// What viewers have to be told, such as that another encoder runs than the one that was named.
    pub(crate) fn set_notice(&mut self, notice: &str) {
        self.put("NOTICE", Value::public(notice));
    }

    /// A variable that changes while the desktop runs.
    pub(crate) fn set_number(&mut self, variable: &table::Variable, number: u32) {
        self.put(variable.name, Value::public(number.to_string()));
    }

    /// Adds a variable that a file declares, with what the environment says.
    pub(crate) fn declare(&mut self, name: &str, declaration: &Declaration) -> Result<(), DeclareError> {
        let of_launcher = self.entries.get(name).is_some_and(|entry| entry.source == Source::Launcher);
        if of_launcher || table::TABLE.iter().any(|variable| variable.name == name) {
            return Err(DeclareError::Taken(name.to_owned()));
        }
        let (value, source) = match self.environment.raw(name)? {
            Some(value) => (value.to_owned(), Source::Environment(name.to_owned())),
            None => {
                let default = match &declaration.default {
                    Some(Default::Number(number)) => number.to_string(),
                    Some(Default::Text(text)) => text.clone(),
                    None => String::new(),
                };
                (default, Source::Default)
            }
        };
        if let Some(expected) = declaration.refuses(&value) {
            let (name, value) = (name.to_owned(), value);
            return Err(match source {
                Source::Environment(_) => SettingError::Invalid { name, value, expected }.into(),
                _ => DeclareError::Default { name, value, expected },
            });
        }
        self.entries.insert(name.to_owned(), Entry { value: Value::public(value), source });
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The value of a variable that is a whole number by its kind.
    pub(crate) fn number(&self, name: &str) -> Result<u32, String> {
        let text = self.entries.get(name).map_or("", |entry| entry.value.expose());
        text.parse().map_err(|_| format!("{name} is not a whole number"))
    }

    /// In seconds; none when there shall be no keyframes but those that are asked for.
    pub(crate) fn keyframe_distance(&self) -> Result<Option<f64>, String> {
        let name = table::KEYFRAME_DISTANCE.name;
        let text = self.entries.get(name).map_or("", |entry| entry.value.expose());
        let seconds: f64 = text.parse().map_err(|_| format!("{name} is not a number"))?;
        Ok((seconds >= 0.0).then_some(seconds))
    }

    /// The names of the variables that a text mentions.
    pub(crate) fn names(text: &str) -> Vec<String> {
        text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())).collect()
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
                let entry = self.entries.get(name).ok_or_else(|| ExpandError::Unknown(name.to_owned()))?;
                expanded.push_str(entry.value.expose());
                secret |= entry.value.secret;
                rest = after;
            } else {
                return Err(ExpandError::LoneDollar);
            }
        }
        expanded.push_str(rest);
        Ok(Value::new(expanded, secret))
    }
}

impl Declaration {
    /// What the value should have been, where it is not.
    fn refuses(&self, value: &str) -> Option<String> {
        if (self.min, self.max) == (None, None) || value.is_empty() {
            return None;
        }
        let (min, max) = (self.min.unwrap_or(i64::MIN), self.max.unwrap_or(i64::MAX));
        let fits = value.parse::<i64>().is_ok_and(|number| (min..=max).contains(&number));
        (!fits).then(|| match (self.min, self.max) {
            (Some(min), Some(max)) => format!("a whole number from {min} to {max}"),
            (Some(min), None) => format!("a whole number from {min} on"),
            _ => format!("a whole number up to {max}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        let environment = Environment::from([("PASSWD", "a${USER}$$b"), ("WEBRTC_FRAMERATE", "30"), ("MINE", "7")]);
        let settings = Settings::read(&environment).unwrap();
        Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "")
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
        assert_eq!(Variables::names("a${X}b${Y}"), ["X", "Y"]);
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
        assert!(!format!("{:?}", variables()).contains("a${USER}"));
    }

    #[test]
    fn where_a_value_came_from_is_known() {
        let variables = variables();
        let source = |name| variables.get(name).unwrap().source.clone();
        assert_eq!(source("SELKIES_FRAMERATE"), Source::Environment("WEBRTC_FRAMERATE".to_owned()));
        assert_eq!(source("SELKIES_VIDEO_BITRATE"), Source::Default);
        assert_eq!(source("CPUS"), Source::Launcher);
    }

    #[test]
    fn a_file_can_declare_variables_with_defaults_and_bounds() {
        let declare = |name: &str, text: &str| {
            let mut variables = variables();
            let declared = variables.declare(name, &toml::from_str(&format!("meaning = 'x'\n{text}")).unwrap());
            declared.map(|()| variables.get(name).unwrap().value.expose().to_owned()).map_err(|error| error.to_string())
        };
        assert_eq!(declare("MINE", "default = 3").unwrap(), "7");
        assert_eq!(declare("OTHER", "default = 3").unwrap(), "3");
        assert_eq!(declare("OTHER", "default = 'fast'").unwrap(), "fast");
        assert_eq!(declare("OTHER", "min = 1").unwrap(), "");
        assert_eq!(
            declare("MINE", "min = 8\nmax = 9").unwrap_err(),
            "MINE is \"7\", but must be a whole number from 8 to 9"
        );
        assert!(declare("OTHER", "min = 4\ndefault = 3").unwrap_err().contains("must be a whole number from 4 on"));
        assert!(declare("SELKIES_PORT", "default = 3").unwrap_err().contains("already"));
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
