//! The properties of `selkiessignal` as plain values.

use gst::glib;
use selkies_protocol::signalling::Transport;

use super::access::AccessSettings;

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

/// Which way files may go.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstSelkiesFilesPolicy")]
#[repr(i32)]
pub enum FilesPolicy {
    /// In both directions.
    #[default]
    #[enum_value(name = "In both directions", nick = "upload,download")]
    Both = 0,
    /// Not at all.
    #[enum_value(name = "Not at all", nick = "false")]
    Off = 1,
    /// From the browser to the desktop only.
    #[enum_value(name = "From the browser to the desktop only", nick = "upload")]
    Upload = 2,
    /// From the desktop to the browser only.
    #[enum_value(name = "From the desktop to the browser only", nick = "download")]
    Download = 3,
}

impl FilesPolicy {
    /// Whether the desktop takes files.
    pub(super) fn inwards(self) -> bool {
        matches!(self, Self::Both | Self::Upload)
    }

    /// Whether the desktop gives files.
    pub(super) fn outwards(self) -> bool {
        matches!(self, Self::Both | Self::Download)
    }
}

/// Which way the clipboard is shared.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstSelkiesClipboardPolicy")]
#[repr(i32)]
pub enum ClipboardPolicy {
    /// In both directions.
    #[default]
    #[enum_value(name = "In both directions", nick = "true")]
    Both = 0,
    /// Not at all.
    #[enum_value(name = "Not at all", nick = "false")]
    Off = 1,
    /// From the browser to the desktop only.
    #[enum_value(name = "From the browser to the desktop only", nick = "in")]
    In = 2,
    /// From the desktop to the browser only.
    #[enum_value(name = "From the desktop to the browser only", nick = "out")]
    Out = 3,
}

impl ClipboardPolicy {
    /// Whether the desktop takes what browsers copied.
    pub(super) fn inwards(self) -> bool {
        matches!(self, Self::Both | Self::In)
    }

    /// Whether browsers are told what the desktop copied.
    pub(super) fn outwards(self) -> bool {
        matches!(self, Self::Both | Self::Out)
    }

    /// As it is set.
    pub(super) fn nick(self) -> &'static str {
        match self {
            Self::Both => "true",
            Self::Off => "false",
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// How picture and sound travel to browsers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstSelkiesTransportPolicy")]
#[repr(i32)]
pub enum TransportPolicy {
    /// By WebRTC where it connects, over the WebSocket elsewhere.
    #[default]
    #[enum_value(name = "By WebRTC where it connects, over the WebSocket elsewhere", nick = "auto")]
    Auto = 0,
    /// By WebRTC only.
    #[enum_value(name = "By WebRTC only", nick = "webrtc")]
    WebRtc = 1,
    /// Over the WebSocket only.
    #[enum_value(name = "Over the WebSocket only", nick = "websocket")]
    WebSocket = 2,
}

impl TransportPolicy {
    /// Whether browsers get what they ask for.
    pub(super) fn offers(self, transport: Transport) -> bool {
        !matches!((self, transport), (Self::WebRtc, Transport::WebSocket) | (Self::WebSocket, Transport::WebRtc))
    }

    /// As it is set.
    pub(super) fn nick(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::WebRtc => "webrtc",
            Self::WebSocket => "websocket",
        }
    }
}

/// What browsers may do to the desktop, whoever they are.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Permissions {
    pub(super) clipboard: ClipboardPolicy,
    /// Switch whether browsers give the screen the size and the scale of their window.
    pub(super) resize_switch: bool,
}

/// Who controls the desktop when a second one comes who may.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstSelkiesControlPolicy")]
#[repr(i32)]
pub enum ControlPolicy {
    /// The one who came last, or asked last; the others watch.
    #[default]
    #[enum_value(name = "Who comes or asks last; the others watch", nick = "takeover")]
    Takeover = 0,
    /// The one who came first, until it leaves or gives control away.
    #[enum_value(name = "Who came first, until giving control away or leaving", nick = "first")]
    First = 1,
    /// Everybody at once.
    #[enum_value(name = "Everybody at once", nick = "shared")]
    Shared = 2,
}

/// What viewers change while it runs. Numbers are 0 where they are not known, and cannot be changed from here.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tuning {
    /// kbit/s
    pub(super) video_bitrate: u32,
    /// bit/s
    pub(super) audio_bitrate: u32,
    /// Most frames per second.
    pub(super) framerate: u32,
    /// Whether browsers give the screen the size and the scale of their window.
    pub(super) resize: bool,
}

impl Tuning {
    /// What the network has to carry at most, in bit/s.
    pub(super) fn most(&self) -> u64 {
        // As Selkies has it.
        const DEFAULT: u32 = 8000;
        u64::from(if self.video_bitrate > 0 { self.video_bitrate } else { DEFAULT }) * 1000
    }
}

pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
pub(super) const DEFAULT_TURN_PORT: u32 = 3478;
pub(super) const DEFAULT_TURN_REST_HEADERS: &str = "x-auth-user,x-turn-protocol,x-turn-tls";

/// No `Debug`: it holds secrets.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) access: AccessSettings,
    pub(super) listen: String,
    pub(super) basic_auth: bool,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) view_password: Option<String>,
    pub(super) control_policy: ControlPolicy,
    pub(super) transport: TransportPolicy,
    pub(super) base_path: Option<String>,
    pub(super) tls_certificate: Option<String>,
    pub(super) tls_key: Option<String>,
    pub(super) metrics_listen: Option<String>,
    pub(super) statistics_dir: Option<String>,
    pub(super) signalling_uri: Option<String>,
    pub(super) web_root: Option<String>,
    pub(super) files_path: Option<String>,
    pub(super) file_transfers: FilesPolicy,
    pub(super) app_name: Option<String>,
    pub(super) app_short_name: Option<String>,
    pub(super) app_start_url: Option<String>,
    pub(super) vnc_server: Option<String>,
    pub(super) vnc_client: Option<String>,
    pub(super) clipboard: ClipboardPolicy,
    pub(super) resize_switch: bool,
    pub(super) notice: Option<String>,
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
    pub(super) turn_rest_headers: String,
    pub(super) cloudflare_turn: bool,
    pub(super) cloudflare_turn_token_id: Option<String>,
    pub(super) cloudflare_turn_api_token: Option<String>,
    pub(super) rtc_config_file: Option<String>,
    pub(super) port_range: Option<String>,
    pub(super) announced_addresses: Option<String>,
    pub(super) congestion_control: bool,
    pub(super) audio_channels: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access: AccessSettings::default(),
            listen: DEFAULT_LISTEN.into(),
            basic_auth: true,
            user: "user".into(),
            password: None,
            view_password: None,
            control_policy: ControlPolicy::default(),
            transport: TransportPolicy::default(),
            base_path: None,
            tls_certificate: None,
            tls_key: None,
            metrics_listen: None,
            statistics_dir: None,
            signalling_uri: None,
            web_root: None,
            files_path: None,
            file_transfers: FilesPolicy::default(),
            app_name: None,
            app_short_name: None,
            app_start_url: None,
            vnc_server: None,
            vnc_client: None,
            clipboard: ClipboardPolicy::default(),
            resize_switch: false,
            notice: None,
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
            turn_rest_headers: DEFAULT_TURN_REST_HEADERS.into(),
            cloudflare_turn: false,
            cloudflare_turn_token_id: None,
            cloudflare_turn_api_token: None,
            rtc_config_file: None,
            port_range: None,
            announced_addresses: None,
            congestion_control: true,
            audio_channels: 2,
        }
    }
}
