//! The properties of `selkiessignal` as plain values.

use gst::glib;

/// How browsers reach the TURN server.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstSelkiesTurnProtocol")]
#[repr(i32)]
pub enum TurnProtocol {
    /// Datagrams: less delay.
    #[default]
    #[enum_value(name = "UDP: less delay", nick = "udp")]
    Udp = 0,
    /// A stream: passes more firewalls.
    #[enum_value(name = "TCP: passes more firewalls", nick = "tcp")]
    Tcp = 1,
}

pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
pub(super) const DEFAULT_TURN_PORT: u32 = 3478;
/// kbit/s, as Selkies has it.
pub(super) const DEFAULT_BITRATE: u32 = 8000;
/// Frames per second, as Selkies has it.
pub(super) const DEFAULT_FRAMERATE: u32 = 60;

/// What is wanted of the encoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// kbit/s
    pub(super) bitrate: u32,
    /// Frames per second.
    pub(super) framerate: u32,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { bitrate: DEFAULT_BITRATE, framerate: DEFAULT_FRAMERATE }
    }
}

/// No `Debug`: it holds secrets.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) listen: String,
    pub(super) basic_auth: bool,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) web_root: Option<String>,
    pub(super) stun_server: Option<String>,
    pub(super) turn_host: Option<String>,
    pub(super) turn_port: u32,
    pub(super) turn_protocol: TurnProtocol,
    pub(super) turn_tls: bool,
    pub(super) turn_username: Option<String>,
    pub(super) turn_password: Option<String>,
    pub(super) turn_shared_secret: Option<String>,
    pub(super) turn_separator: String,
    pub(super) turn_rest_uri: Option<String>,
    pub(super) turn_rest_username: Option<String>,
    pub(super) turn_rest_username_header: String,
    pub(super) turn_rest_protocol_header: String,
    pub(super) turn_rest_tls_header: String,
    pub(super) cloudflare_turn: bool,
    pub(super) cloudflare_turn_token_id: Option<String>,
    pub(super) cloudflare_turn_api_token: Option<String>,
    pub(super) rtc_config_file: Option<String>,
    pub(super) port_range: Option<String>,
    pub(super) announced_addresses: Option<String>,
    pub(super) congestion_control: bool,
    pub(super) fec_percentage: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN.into(),
            basic_auth: true,
            user: "user".into(),
            password: None,
            web_root: None,
            stun_server: None,
            turn_host: None,
            turn_port: DEFAULT_TURN_PORT,
            turn_protocol: TurnProtocol::default(),
            turn_tls: false,
            turn_username: None,
            turn_password: None,
            turn_shared_secret: None,
            turn_separator: ":".into(),
            turn_rest_uri: None,
            turn_rest_username: None,
            turn_rest_username_header: "x-auth-user".into(),
            turn_rest_protocol_header: "x-turn-protocol".into(),
            turn_rest_tls_header: "x-turn-tls".into(),
            cloudflare_turn: false,
            cloudflare_turn_token_id: None,
            cloudflare_turn_api_token: None,
            rtc_config_file: None,
            port_range: None,
            announced_addresses: None,
            congestion_control: true,
            fec_percentage: 0,
        }
    }
}
