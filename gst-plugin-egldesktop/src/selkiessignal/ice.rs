//! STUN and TURN servers: as browsers read them, as webrtcbin reads them; and our own addresses.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::settings::{Settings, TurnProtocol};

/// How long a credential is good for, as Selkies has it.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// The configured servers.
pub(super) struct IceServers {
    /// `host:port`
    stun: Option<String>,
    turn: Option<Turn>,
}

struct Turn {
    /// `host:port`
    authority: String,
    protocol: TurnProtocol,
    tls: bool,
    credentials: Credentials,
}

enum Credentials {
    /// coTURN's `use-auth-secret`: user names that expire, passwords made of them (draft-uberti-behave-turn-rest).
    SharedSecret(String),
    LongTerm {
        username: String,
        password: String,
    },
}

/// Why the settings make no configuration.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum IceError {
    #[error("stun-server {0:?} is not of the form stun://host:port")]
    Stun(String),
    #[error("turn-host is set, but neither turn-shared-secret nor turn-username and turn-password")]
    NoCredentials,
}

impl IceServers {
    pub(super) fn new(settings: &Settings) -> Result<Self, IceError> {
        let stun = match &settings.stun_server {
            None => None,
            Some(uri) => {
                let authority = uri.strip_prefix("stun://").filter(|rest| rest.contains(':') && !rest.contains('/'));
                Some(authority.ok_or_else(|| IceError::Stun(uri.clone()))?.to_owned())
            }
        };
        let turn = settings.turn_host.as_ref().map(|host| Turn::new(host, settings)).transpose()?;
        Ok(Self { stun, turn })
    }

    /// The `RTCConfiguration` of a browser, with the extra fields that Selkies' TURN REST service has.
    pub(super) fn rtc_configuration(&self, user: &str, now: SystemTime) -> Value {
        let mut servers = Vec::new();
        if let Some(stun) = &self.stun {
            servers.push(json!({ "urls": [format!("stun:{stun}")] }));
        }
        if let Some(turn) = &self.turn {
            let (username, credential) = turn.credentials.at(user, now);
            let url = format!("{}:{}?transport={}", turn.scheme(), turn.authority, turn.transport());
            servers.push(json!({ "urls": [url], "username": username, "credential": credential }));
        }
        json!({
            "lifetimeDuration": format!("{}s", LIFETIME.as_secs()),
            "blockStatus": "NOT_BLOCKED",
            "iceTransportPolicy": "all",
            "iceServers": servers,
        })
    }

    /// `stun://host:port` for webrtcbin.
    pub(super) fn stun_uri(&self) -> Option<String> {
        self.stun.as_ref().map(|stun| format!("stun://{stun}"))
    }

    /// `turn://user:password@host:port?transport=…` for webrtcbin.
    pub(super) fn turn_uri(&self, user: &str, now: SystemTime) -> Option<String> {
        let turn = self.turn.as_ref()?;
        let (username, credential) = turn.credentials.at(user, now);
        let quote = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let (username, credential) = (quote(&username), quote(&credential));
        Some(format!("{}://{username}:{credential}@{}?transport={}", turn.scheme(), turn.authority, turn.transport()))
    }
}

impl Turn {
    fn new(host: &str, settings: &Settings) -> Result<Self, IceError> {
        let credentials = match (&settings.turn_shared_secret, &settings.turn_username, &settings.turn_password) {
            (_, Some(username), Some(password)) => {
                Credentials::LongTerm { username: username.clone(), password: password.clone() }
            }
            (Some(secret), _, _) => Credentials::SharedSecret(secret.clone()),
            _ => return Err(IceError::NoCredentials),
        };
        let literal_v6 = host.contains(':') && !host.starts_with('[');
        let host = if literal_v6 { format!("[{host}]") } else { host.to_owned() };
        Ok(Self {
            authority: format!("{host}:{}", settings.turn_port),
            protocol: settings.turn_protocol,
            tls: settings.turn_tls,
            credentials,
        })
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "turns" } else { "turn" }
    }

    fn transport(&self) -> &'static str {
        match self.protocol {
            TurnProtocol::Udp => "udp",
            TurnProtocol::Tcp => "tcp",
        }
    }
}

impl Credentials {
    /// User name and password to use from `now` on.
    fn at(&self, user: &str, now: SystemTime) -> (String, String) {
        match self {
            Self::LongTerm { username, password } => (username.clone(), password.clone()),
            Self::SharedSecret(secret) => {
                let expiry = (now + LIFETIME).duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                // The colon separates the two parts.
                let username = format!("{expiry}:{}", user.replace(':', "-"));
                let password = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes())
                    .map(|mac| mac.chain_update(username.as_bytes()).finalize().into_bytes())
                    .map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes))
                    // HMAC takes keys of any length (RFC 2104).
                    .unwrap_or_default();
                (username, password)
            }
        }
    }
}

/// The addresses to offer a viewer that talks to us from `peer`. libnice leaves the loopback out, so that a browser on
/// the same machine finds no way without a network; and it is only offered to such a browser.
pub(super) fn local_addresses(peer: IpAddr) -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces
        .into_iter()
        .filter(|interface| !interface.is_link_local())
        .filter(|interface| !interface.is_loopback() || peer.to_canonical().is_loopback())
        .map(|interface| interface.ip())
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings { turn_host: Some("turn.example".into()), ..Settings::default() }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_configured() {
        let ice = IceServers::new(&Settings::default()).unwrap();
        assert_eq!(ice.rtc_configuration("u", at(0))["iceServers"], json!([]));
        assert_eq!(ice.stun_uri(), None);
        assert_eq!(ice.turn_uri("u", at(0)), None);
    }

    #[test]
    fn shared_secret_as_coturn_checks_it() {
        let ice = IceServers::new(&Settings { turn_shared_secret: Some("north".into()), ..settings() }).unwrap();
        let config = ice.rtc_configuration("a:b", at(1_000_000));
        let server = &config["iceServers"][0];
        assert_eq!(server["urls"], json!(["turn:turn.example:3478?transport=udp"]));
        assert_eq!(server["username"], "1086400:a-b");
        // printf 1086400:a-b | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(server["credential"], "yc1HaAXA2+0aLgs7yu/Iio9d+Fs=");
    }

    #[test]
    fn long_term_credentials_are_quoted_for_webrtcbin() {
        let ice = IceServers::new(&Settings {
            turn_username: Some("a@b".into()),
            turn_password: Some("p:/w".into()),
            turn_protocol: TurnProtocol::Tcp,
            turn_tls: true,
            turn_port: 5349,
            turn_host: Some("2001:db8::1".into()),
            ..Settings::default()
        })
        .unwrap();
        let expected = "turns://a%40b:p%3A%2Fw@[2001:db8::1]:5349?transport=tcp";
        assert_eq!(ice.turn_uri("x", at(0)).as_deref(), Some(expected));
        assert_eq!(ice.rtc_configuration("x", at(0))["iceServers"][0]["credential"], "p:/w");
    }

    #[test]
    fn half_a_configuration_is_an_error() {
        assert_eq!(IceServers::new(&settings()).err(), Some(IceError::NoCredentials));
        for bad in ["stun:x:1", "x:1", "stun://x", "stun://x:1/y"] {
            let settings = Settings { stun_server: Some(bad.into()), ..Settings::default() };
            assert_eq!(IceServers::new(&settings).err(), Some(IceError::Stun(bad.into())));
        }
    }

    #[test]
    fn the_loopback_is_for_browsers_on_this_machine() {
        let offered = |peer: &str| local_addresses(peer.parse().unwrap());
        assert!(offered("127.0.0.1").contains(&"127.0.0.1".parse().unwrap()));
        assert!(offered("::ffff:127.0.0.1").contains(&"127.0.0.1".parse().unwrap()));
        assert!(offered("192.0.2.1").iter().all(|address| !address.is_loopback()));
    }
}
