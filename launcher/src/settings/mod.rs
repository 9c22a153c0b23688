//! Environment → typed settings. What is wrong with a value is said here, once, by the name of its variable.

mod environment;
pub(crate) mod help;
mod saved;
mod secret;
pub(crate) mod table;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

pub(crate) use environment::{Environment, SettingError};
pub(crate) use saved::Saved;
pub(crate) use secret::{Secret, Value};

use table::{TABLE, Variable};

/// Everything the environment says.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: Listen,
    /// Where `/metrics` is served without a password.
    pub(crate) metrics: Option<SocketAddr>,
    /// Where what browsers measure is written.
    pub(crate) statistics: Option<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) display: Option<String>,
    pub(crate) screen: Screen,
    pub(crate) encoder: String,
    /// A viewer chose it in an earlier run, and nobody has named another since.
    pub(crate) encoder_is_saved: bool,
    /// Those that viewers may choose from; all that work, where it is not set.
    pub(crate) encoders: Option<Vec<String>>,
    /// Whether software may stand in for an encoder that cannot work.
    pub(crate) encoder_fallback: bool,
    pub(crate) gpu: u32,
    /// Whether viewers may switch whether browsers give the screen its size.
    pub(crate) resize_switch: bool,
    /// What VirtualGL is to draw with.
    pub(crate) vgl_display: Option<String>,
    /// The folder with noVNC, where that is the front page.
    pub(crate) novnc: Option<PathBuf>,
    /// The second password, for those who may watch only.
    pub(crate) view_password: Option<Secret>,
    pub(crate) audio: bool,
    pub(crate) audio_channels: u32,
    /// In per cent of the packets.
    pub(crate) audio_loss: u32,
    /// What nothing follows from any more.
    pub(crate) video_loss: u32,
    /// Whether viewers may be heard.
    pub(crate) microphone: bool,
    pub(crate) pulse_server: Option<String>,
    /// What makes gamepads.
    pub(crate) gamepads: String,
    /// The joystick interposer that is named.
    pub(crate) interposer: Option<PathBuf>,
    pub(crate) js_socket_path: Option<PathBuf>,
    pub(crate) runtime_dir: Option<PathBuf>,
    pub(crate) pipelines: Option<PathBuf>,
    pub(crate) stun_server: Option<String>,
    pub(crate) basic_auth: bool,
    pub(crate) user: String,
    /// The password that is set, and the variable it comes from.
    pub(crate) password: Option<(Secret, &'static str)>,
    /// Every variable of the table that has a value, for the pipeline files.
    pub(crate) values: BTreeMap<&'static str, Value>,
}

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    Inet(SocketAddr),
    Unix(String),
}

impl Listen {
    /// Whether only this machine can connect.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Inet(address) => address.ip().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{path}"),
        }
    }
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tls {
    pub(crate) certificate: String,
    /// In the file of the certificate, where there is none.
    pub(crate) key: Option<String>,
}

/// The private screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) depth: u32,
    pub(crate) dpi: u32,
    pub(crate) refresh: u32,
}

impl Settings {
    pub(crate) fn read(environment: &Environment) -> Result<Self, SettingError> {
        let mut values = BTreeMap::new();
        for variable in TABLE {
            if let Some(value) = environment.text(variable)? {
                values.insert(variable.name, Value::new(value, variable.secret));
            }
        }
        let files_path = values.get(table::FILES_PATH.name).map_or("~/Desktop", Value::expose);
        if let Some(path) = below_home(files_path, environment.raw("HOME")?) {
            values.insert(table::FILES_PATH.name, Value::new(path, false));
        }
        let reader = Reader { environment, values: &values };
        let optional = |variable: &Variable| values.get(variable.name).map(|value| value.expose().to_owned());

        let address = reader.address(&table::ADDR)?;
        let listen = match optional(&table::UNIX_SOCKET) {
            Some(path) => Listen::Unix(path),
            None => Listen::Inet(SocketAddr::new(address, reader.port(&table::PORT)?)),
        };
        let metrics_port = reader.port(&table::METRICS_PORT)?;
        let metrics = reader.boolean(&table::METRICS)?.then(|| SocketAddr::new(address, metrics_port));
        let statistics = optional(&table::STATISTICS_DIR);
        let statistics = if reader.boolean(&table::STATISTICS)? { statistics } else { None };
        let certificate = reader.required(&table::HTTPS_CERT)?.to_owned();
        // The default certificate has its key elsewhere; one that is named may hold it.
        let is_default = table::HTTPS_CERT.default == Some(certificate.as_str());
        let default_key = is_default.then(|| "/etc/ssl/private/ssl-cert-snakeoil.key".to_owned());
        let key = optional(&table::HTTPS_KEY).or(default_key);
        let tls = reader.boolean(&table::HTTPS)?.then_some(Tls { certificate, key });
        let stun_port = reader.number(&table::STUN_PORT)?;
        // Nobody is asked whom nobody has named: not even for a public address.
        let stun_server = optional(&table::STUN_HOST).map(|host| stun_uri(&host, stun_port));
        let user = match optional(&table::USER) {
            Some(user) => user,
            None => environment.raw("USER")?.unwrap_or("user").to_owned(),
        };
        if user.contains(':') {
            return Err(
                reader.invalid(&table::USER, "a name without a colon (HTTP's basic authentication ends it there)")
            );
        }

        Ok(Self {
            listen,
            metrics,
            statistics,
            tls,
            display: optional(&table::DISPLAY),
            screen: Screen {
                width: reader.number(&table::WIDTH)?,
                height: reader.number(&table::HEIGHT)?,
                depth: reader.number(&table::DEPTH)?,
                dpi: reader.number(&table::DPI)?,
                refresh: reader.number(&table::REFRESH)?,
            },
            encoder: reader.required(&table::ENCODER)?.to_owned(),
            encoder_is_saved: environment.saved(&table::ENCODER).is_some(),
            encoders: optional(&table::ENCODERS).map(|text| list(&text)),
            encoder_fallback: reader.boolean(&table::ENCODER_FALLBACK)?,
            gpu: reader.number(&table::GPU)?,
            // Set to false, it is forbidden; not set, it is only off.
            resize_switch: reader.boolean(&table::RESIZE)? || environment.find(&table::RESIZE)?.is_none(),
            vgl_display: optional(&table::VGL_DISPLAY),
            novnc: reader.boolean(&table::NOVNC)?.then(|| optional(&table::NOVNC_ROOT).map(PathBuf::from)).flatten(),
            view_password: optional(&table::VIEW_PASSWORD).map(Secret::new),
            audio: reader.boolean(&table::AUDIO)?,
            audio_channels: reader.number(&table::AUDIO_CHANNELS)?,
            audio_loss: reader.number(&table::AUDIO_LOSS)?,
            video_loss: reader.number(&table::VIDEO_LOSS)?,
            microphone: reader.boolean(&table::MICROPHONE)?,
            pulse_server: optional(&table::PULSE_SERVER),
            gamepads: reader.required(&table::GAMEPADS)?.to_owned(),
            interposer: optional(&table::INTERPOSER).map(PathBuf::from),
            js_socket_path: optional(&table::JS_SOCKET_PATH).map(PathBuf::from),
            runtime_dir: environment.raw("XDG_RUNTIME_DIR")?.map(PathBuf::from),
            pipelines: optional(&table::PIPELINES).map(PathBuf::from),
            stun_server,
            basic_auth: reader.boolean(&table::BASIC_AUTH)?,
            user,
            password: password(environment)?,
            values: values.clone(),
        })
    }
}

/// What stands between commas; nothing for `none`.
fn list(text: &str) -> Vec<String> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty() && *entry != "none");
    entries.map(str::to_owned).collect()
}

/// The password that is set: its own variable first, then the one the old container used for everything.
fn password(environment: &Environment) -> Result<Option<(Secret, &'static str)>, SettingError> {
    for variable in [&table::PASSWORD, &table::PASSWD] {
        if let Some((name, value)) = environment.find(variable)? {
            return Ok(Some((Secret::new(value), name)));
        }
    }
    Ok(None)
}

/// `~` as shells read it; nothing where there is no home.
fn below_home(path: &str, home: Option<&str>) -> Option<String> {
    match path.strip_prefix("~/") {
        Some(rest) => home.filter(|home| !home.is_empty()).map(|home| format!("{}/{rest}", home.trim_end_matches('/'))),
        None => Some(path.to_owned()),
    }
}

fn stun_uri(host: &str, port: u32) -> String {
    // An IPv6 address has colons of its own.
    if host.contains(':') && !host.starts_with('[') {
        format!("stun://[{host}]:{port}")
    } else {
        format!("stun://{host}:{port}")
    }
}

/// Typed views of values whose spelling has been checked already.
struct Reader<'a> {
    environment: &'a Environment,
    values: &'a BTreeMap<&'static str, Value>,
}

impl Reader<'_> {
    fn required(&self, variable: &Variable) -> Result<&str, SettingError> {
        self.values.get(variable.name).map(Value::expose).ok_or_else(|| self.invalid(variable, "set"))
    }

    fn boolean(&self, variable: &Variable) -> Result<bool, SettingError> {
        self.required(variable)?.parse().map_err(|_| self.invalid(variable, "true or false"))
    }

    fn number(&self, variable: &Variable) -> Result<u32, SettingError> {
        self.required(variable)?.parse().map_err(|_| self.invalid(variable, "a whole number"))
    }

    fn port(&self, variable: &Variable) -> Result<u16, SettingError> {
        self.required(variable)?.parse().map_err(|_| self.invalid(variable, "a port"))
    }

    fn address(&self, variable: &Variable) -> Result<IpAddr, SettingError> {
        let text = self.required(variable)?;
        if text.eq_ignore_ascii_case("localhost") {
            return Ok(Ipv4Addr::LOCALHOST.into());
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        bare.parse().map_err(|_| self.invalid(variable, "an IP address, such as 127.0.0.1, 0.0.0.0 or ::"))
    }

    /// The error, by the name under which the value was really set.
    fn invalid(&self, variable: &Variable, expected: &str) -> SettingError {
        let set = self.environment.find(variable).ok().flatten();
        SettingError::Invalid {
            name: set.map_or(variable.name, |(name, _)| name).to_owned(),
            value: set.map_or("", |(_, value)| if variable.secret { "…" } else { value }).to_owned(),
            expected: expected.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Settings {
        Settings::read(&Environment::from(pairs)).unwrap()
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let settings = read([]);
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(settings.screen, Screen { width: 1920, height: 1080, depth: 24, dpi: 96, refresh: 60 });
        assert_eq!((settings.encoder.as_str(), settings.user.as_str()), ("auto", "user"));
        assert!(settings.audio && settings.basic_auth);
        assert_eq!(settings.password, None);
        assert_eq!(settings.stun_server, None);
        assert_eq!(settings.display, None);
    }

    #[test]
    fn the_old_containers_names_still_mean_what_they_meant() {
        let settings = read([
            ("LISTEN_HOST", "0.0.0.0"),
            ("DISPLAY_SIZEW", "1280"),
            ("SELKIES_ENCODER", "vp8enc"),
            ("SELKIES_ENABLE_BASIC_AUTH", "False"),
            ("SELKIES_BASIC_AUTH_USER", "ada"),
            ("TURN_HOST", "turn.example"),
            ("WEBRTC_VIDEO_BITRATE", "4000"),
        ]);
        assert_eq!(settings.listen.to_string(), "0.0.0.0:8080");
        assert_eq!(settings.screen.width, 1280);
        assert_eq!(settings.encoder, "vp8enc");
        assert!(!settings.basic_auth);
        assert_eq!(settings.user, "ada");
        assert_eq!(settings.values["SELKIES_TURN_HOST"].expose(), "turn.example");
        assert_eq!(settings.values["SELKIES_VIDEO_BITRATE"].expose(), "4000");
    }

    #[test]
    fn the_password_falls_back_to_passwd() {
        let both = read([("BASIC_AUTH_PASSWORD", "a"), ("PASSWD", "b")]).password.unwrap();
        assert_eq!((both.0.expose(), both.1), ("a", "BASIC_AUTH_PASSWORD"));
        let old = read([("SELKIES_BASIC_AUTH_PASSWORD", "a"), ("PASSWD", "b")]).password.unwrap();
        assert_eq!((old.0.expose(), old.1), ("a", "SELKIES_BASIC_AUTH_PASSWORD"));
        let fallback = read([("BASIC_AUTH_PASSWORD", ""), ("PASSWD", "b")]).password.unwrap();
        assert_eq!((fallback.0.expose(), fallback.1), ("b", "PASSWD"));
    }

    #[test]
    fn an_ipv6_address_may_come_in_brackets_and_prints_in_brackets() {
        assert_eq!(read([("SELKIES_ADDR", "::1")]).listen.to_string(), "[::1]:8080");
        assert_eq!(read([("SELKIES_ADDR", "[::]")]).listen.to_string(), "[::]:8080");
        assert_eq!(read([("SELKIES_ADDR", "localhost")]).listen.to_string(), "127.0.0.1:8080");
        let error = Settings::read(&Environment::from([("LISTEN_HOST", "example.org")])).unwrap_err();
        assert!(error.to_string().starts_with("LISTEN_HOST is \"example.org\""), "{error}");
    }

    #[test]
    fn a_stun_server_is_asked_only_when_it_is_named() {
        assert_eq!(read([("SELKIES_ADDR", "0.0.0.0")]).stun_server, None);
        let own = read([("SELKIES_STUN_HOST", "fd00::1"), ("SELKIES_STUN_PORT", "3478")]);
        assert_eq!(own.stun_server.as_deref(), Some("stun://[fd00::1]:3478"));
    }

    #[test]
    fn viewers_may_switch_resizing_unless_it_is_forbidden() {
        assert!(read([]).resize_switch && read([("SELKIES_ENABLE_RESIZE", "true")]).resize_switch);
        assert!(!read([("WEBRTC_ENABLE_RESIZE", "False")]).resize_switch);
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let settings = read([("PASSWD", "hunter2"), ("TURN_PASSWORD", "hunter2"), ("TURN_SHARED_SECRET", "hunter2")]);
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn a_colon_in_the_user_name_is_refused() {
        let error = Settings::read(&Environment::from([("BASIC_AUTH_USER", "a:b")])).unwrap_err();
        assert!(error.to_string().contains("BASIC_AUTH_USER"), "{error}");
    }
}
