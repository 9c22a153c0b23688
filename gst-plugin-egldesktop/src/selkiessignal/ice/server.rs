//! ICE servers as values: parsed from an `RTCConfiguration`, printed for browsers and for webrtcbin.

use std::fmt;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::credentials::LIFETIME;

/// More servers than this only slow a browser down.
const MAX_SERVERS: usize = 16;
const MAX_URLS: usize = 16;

/// What both ends use to find a way to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Configuration {
    pub(super) servers: Vec<Server>,
    pub(in super::super) policy: Policy,
    /// How long the credentials are good for.
    pub(super) lifetime: Duration,
}

impl Default for Configuration {
    fn default() -> Self {
        Self { servers: Vec::new(), policy: Policy::default(), lifetime: LIFETIME }
    }
}

/// `iceTransportPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum Policy {
    #[default]
    All,
    /// Through TURN servers only.
    Relay,
}

/// An `RTCIceServer`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) urls: Vec<Url>,
    /// User name and password.
    pub(super) login: Option<(String, String)>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let login = self.login.as_ref().map(|_| "…");
        f.debug_struct("Server").field("urls", &self.urls).field("login", &login).finish()
    }
}

/// `stun:host:port` (RFC 7064) or `turn:host:port?transport=udp` (RFC 7065).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) turn: bool,
    pub(super) tls: bool,
    /// An IPv6 address without its brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tcp: bool,
}

/// Why an `RTCConfiguration` can't be used. The text holds no credentials.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(in super::super) enum ConfigurationError {
    #[error("this is no RTCConfiguration, a JSON object with \"iceServers\": {0}")]
    Syntax(String),
    #[error("\"{0}\" is not of the form stun:host:port or turn:host:port?transport=udp")]
    Url(String),
    #[error("a TURN server without \"username\" and \"credential\"")]
    NoLogin,
    #[error("more than {MAX_SERVERS} servers, or {MAX_URLS} addresses of one")]
    TooMany,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawConfiguration {
    ice_servers: OneOrMany<RawServer>,
    #[serde(default)]
    ice_transport_policy: Option<Policy>,
    /// Seconds with an `s` behind, as Google's services print durations.
    #[serde(default)]
    lifetime_duration: Option<String>,
}

#[derive(Deserialize)]
struct RawServer {
    urls: OneOrMany<String>,
    username: Option<String>,
    credential: Option<String>,
}

/// Cloudflare has one server where others have a list, and browsers allow one URL for a list of URLs.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(values) => values,
            Self::One(value) => vec![value],
        }
    }
}

impl Configuration {
    /// Parses the JSON of an `RTCConfiguration`.
    pub(in super::super) fn parse(text: &[u8]) -> Result<Self, ConfigurationError> {
        // Only where: what serde quotes may be a password.
        let syntax = |error: serde_json::Error| {
            ConfigurationError::Syntax(format!("line {}, column {}", error.line(), error.column()))
        };
        let raw: RawConfiguration = serde_json::from_slice(text).map_err(syntax)?;
        let servers = raw.ice_servers.into_vec();
        if servers.len() > MAX_SERVERS {
            return Err(ConfigurationError::TooMany);
        }
        let seconds = raw.lifetime_duration.and_then(|text| text.trim_end_matches('s').parse().ok());
        Ok(Self {
            servers: servers.into_iter().map(Server::from_raw).collect::<Result<_, _>>()?,
            policy: raw.ice_transport_policy.unwrap_or_default(),
            lifetime: seconds.map_or(LIFETIME, Duration::from_secs),
        })
    }

    /// As a browser reads it, with the extra fields that Selkies' TURN REST service has.
    pub(in super::super) fn to_json(&self) -> Value {
        let servers = self.servers.iter().map(|server| {
            let urls: Vec<_> = server.urls.iter().map(Url::to_string).collect();
            match &server.login {
                Some((username, credential)) => json!({ "urls": urls, "username": username, "credential": credential }),
                None => json!({ "urls": urls }),
            }
        });
        json!({
            "lifetimeDuration": format!("{}s", self.lifetime.as_secs()),
            "blockStatus": "NOT_BLOCKED",
            "iceTransportPolicy": match self.policy { Policy::All => "all", Policy::Relay => "relay" },
            "iceServers": servers.collect::<Vec<_>>(),
        })
    }

    /// `stun://host:port` of the first STUN server: webrtcbin takes one.
    pub(in super::super) fn stun_uri(&self) -> Option<String> {
        let url = self.urls().map(|(url, _)| url).find(|url| !url.turn && !url.tls)?;
        Some(format!("stun://{}", url.authority()))
    }

    /// `turn://user:password@host:port?transport=…` of all TURN servers, for webrtcbin. They hold passwords: not for
    /// logs.
    pub(in super::super) fn turn_uris(&self) -> Vec<String> {
        let quote = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let turn = self.urls().filter(|(url, _)| url.turn);
        turn.filter_map(|(url, login)| {
            let (username, password) = login.as_ref()?;
            let scheme = if url.tls { "turns" } else { "turn" };
            let (username, password) = (quote(username), quote(password));
            Some(format!("{scheme}://{username}:{password}@{}?transport={}", url.authority(), url.transport()))
        })
        .collect()
    }

    fn urls(&self) -> impl Iterator<Item = (&Url, &Option<(String, String)>)> {
        self.servers.iter().flat_map(|server| server.urls.iter().map(|url| (url, &server.login)))
    }
}

impl Server {
    fn from_raw(raw: RawServer) -> Result<Self, ConfigurationError> {
        let urls = raw.urls.into_vec();
        if urls.len() > MAX_URLS {
            return Err(ConfigurationError::TooMany);
        }
        let urls = urls.iter().map(|url| Url::parse(url)).collect::<Result<Vec<_>, _>>()?;
        let login = raw.username.zip(raw.credential);
        if login.is_none() && urls.iter().any(|url| url.turn) {
            return Err(ConfigurationError::NoLogin);
        }
        Ok(Self { urls, login })
    }
}

impl Url {
    /// `host` may be a name or an address, with brackets or without.
    pub(super) fn stun(host: &str, port: u16) -> Self {
        Self { turn: false, tls: false, host: bare(host).into(), port, tcp: false }
    }

    pub(super) fn parse(text: &str) -> Result<Self, ConfigurationError> {
        let error = || ConfigurationError::Url(text.chars().take(128).collect());
        let (scheme, rest) = text.split_once(':').ok_or_else(error)?;
        let (turn, tls) = match scheme.to_ascii_lowercase().as_str() {
            "stun" => (false, false),
            "stuns" => (false, true),
            "turn" => (true, false),
            "turns" => (true, true),
            _ => return Err(error()),
        };
        let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
        let tcp = match query {
            "" => tls,
            "transport=udp" => false,
            "transport=tcp" => true,
            _ => return Err(error()),
        };
        // The colons of an IPv6 address are inside brackets.
        let end_of_host = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority[end_of_host..].rfind(':') {
            Some(at) => {
                let (host, port) = authority.split_at(end_of_host + at);
                (host, port[1..].parse().map_err(|_| error())?)
            }
            None => (authority, if tls { 5349 } else { 3478 }),
        };
        let host = bare(host);
        // What is not a name or an address would end up in URIs of ours.
        let valid = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || host.len() > 255 || port == 0 || !host.chars().all(valid) {
            return Err(error());
        }
        Ok(Self { turn, tls, host: host.into(), port, tcp })
    }

    /// Host and port, an IPv6 address in brackets.
    fn authority(&self) -> String {
        let Self { host, port, .. } = self;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }

    fn transport(&self) -> &'static str {
        if self.tcp { "tcp" } else { "udp" }
    }
}

/// The URL as browsers read it.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.turn { "turn" } else { "stun" };
        write!(f, "{scheme}{}:{}", if self.tls { "s" } else { "" }, self.authority())?;
        if self.turn { write!(f, "?transport={}", self.transport()) } else { Ok(()) }
    }
}

fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_all_forms() {
        for (text, printed) in [
            ("stun:stun.example", "stun:stun.example:3478"),
            ("stun:192.0.2.1:19302", "stun:192.0.2.1:19302"),
            ("stun:[2001:db8::1]:1", "stun:[2001:db8::1]:1"),
            ("turn:[2001:db8::1]?transport=tcp", "turn:[2001:db8::1]:3478?transport=tcp"),
            ("turn:t.example:80?transport=udp", "turn:t.example:80?transport=udp"),
            ("turns:t.example", "turns:t.example:5349?transport=tcp"),
            ("TURNS:t.example:443?transport=tcp", "turns:t.example:443?transport=tcp"),
        ] {
            assert_eq!(Url::parse(text).unwrap().to_string(), printed);
        }
        for bad in [
            "",
            "stun",
            "http:x",
            "turn:",
            "turn::1",
            "turn:x:0",
            "turn:x:99999",
            "turn:x?transport=sctp",
            "stun:a b",
            "stun:a@b",
        ] {
            assert_eq!(Url::parse(bad), Err(ConfigurationError::Url(bad.into())), "{bad}");
        }
    }

    #[test]
    fn a_file_as_google_and_as_cloudflare_write_it() {
        let google = br#"{"lifetimeDuration":"600s","blockStatus":"NOT_BLOCKED","iceTransportPolicy":"relay",
            "iceServers":[{"urls":["stun:a:1","stun:b:2"]},
            {"urls":["turn:c:3?transport=udp","turns:c:4?transport=tcp"],"username":"1:u@x","credential":"p/w"}]}"#;
        let google = Configuration::parse(google).unwrap();
        assert_eq!((google.policy, google.lifetime.as_secs()), (Policy::Relay, 600));
        assert_eq!(google.stun_uri().as_deref(), Some("stun://a:1"));
        let expected = ["turn://1%3Au%40x:p%2Fw@c:3?transport=udp", "turns://1%3Au%40x:p%2Fw@c:4?transport=tcp"];
        assert_eq!(google.turn_uris(), expected);

        let cloudflare = br#"{"iceServers":{"urls":"turn:t:1","username":"u","credential":"p","other":1}}"#;
        let cloudflare = Configuration::parse(cloudflare).unwrap();
        assert_eq!(cloudflare.turn_uris(), ["turn://u:p@t:1?transport=udp"]);
        assert_eq!(Configuration::parse(cloudflare.to_json().to_string().as_bytes()), Ok(cloudflare));
    }

    #[test]
    fn what_is_wrong_is_an_error_without_secrets() {
        for bad in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"iceServers":5}"#,
            r#"{"iceServers":[{"urls":["x:y"]}]}"#,
            r#"{"iceServers":[{"urls":["turn:x"],"username":"hunter2"}]}"#,
            r#"{"iceServers":[{"urls":["turn:x"],"username":"u","credential":{"hunter2":1}}]}"#,
        ] {
            let error = Configuration::parse(bad.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
        let many = json!({ "iceServers": vec![json!({ "urls": [] }); MAX_SERVERS + 1] });
        assert_eq!(Configuration::parse(many.to_string().as_bytes()), Err(ConfigurationError::TooMany));
        let secret = Server { urls: vec![], login: Some(("u".into(), "hunter2".into())) };
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
