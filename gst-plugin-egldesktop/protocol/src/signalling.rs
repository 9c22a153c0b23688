//! Frames of the signalling WebSocket.
//!
//! A browser says `HELLO <uid> [<base64 of a JSON object>]`, the server answers `HELLO` and then makes the offer;
//! from there on both sides exchange `{"sdp": …}` and `{"ice": …}`. Browsers of Selkies 1.5 and later open one connection
//! for video and the data channel (uid 1) and a second one for sound (uid 3); older ones have one for all of it, and
//! send no JSON object.

use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// The longest `HELLO` frame that is looked at, in bytes.
const MAX_HELLO: usize = 8 * 1024;

/// What a browser wants to have on this connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media {
    /// The picture, and with it the data channel for input.
    pub video: bool,
    /// Sound.
    pub audio: bool,
}

/// Which client speaks: decides how the ambiguous messages of [`crate::input`] are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A client of selkies-gstreamer.
    Selkies,
    /// A client that names its media in `HELLO`, as egldesktop's own does.
    Extended,
}

/// How picture, sound and messages travel.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// By WebRTC; the WebSocket is for signalling.
    #[default]
    WebRtc,
    /// Over the WebSocket itself, see [`crate::transport`]. Extension.
    WebSocket,
}

/// The first frame of a browser.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// What the connection carries.
    pub media: Media,
    /// Whose dialect of the data channel it speaks.
    pub dialect: Dialect,
    /// Size of the browser's window in device pixels, if it told.
    pub window: Option<(u32, u32)>,
    /// `devicePixelRatio` of the browser, if it told.
    pub scale: Option<f64>,
    /// Whether it wants to control the desktop; a browser that does not say so does.
    pub wants_control: bool,
    /// What the browser can receive, if it told.
    pub codecs: Option<Codecs>,
    /// How it wants to have it.
    pub transport: Transport,
    /// The page that the connection belongs to, where it may have several: 16 to 64 letters and digits of its own choice.
    pub page: Option<String>,
}

/// The codecs of a browser, as MIME types of `RTCRtpReceiver.getCapabilities`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Codecs(Vec<String>);

impl Codecs {
    /// Whether this is among them, such as `video/H264`; MIME types are alike in any case.
    pub fn contains(&self, mime_type: &str) -> bool {
        self.0.iter().any(|known| known.eq_ignore_ascii_case(mime_type))
    }
}

/// Why a frame was refused. The text may be shown to the peer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SignallingError {
    /// The first frame is not `HELLO <uid> [<meta>]`.
    #[error("invalid protocol")]
    NotHello,
    /// The uid is none of those that Selkies' browsers use.
    #[error("invalid peer uid")]
    Uid,
    /// The part after the uid is not base64 of a JSON object with the known types.
    #[error("invalid metadata")]
    Meta,
    /// A later frame is neither `{"sdp": …}` nor `{"ice": …}`.
    #[error("invalid message")]
    Message,
}

#[derive(Deserialize)]
struct Meta {
    res: Option<String>,
    scale: Option<f64>,
    /// Extension: the media wanted on this one connection.
    media: Option<Vec<String>>,
    /// Extension: false for a browser that was only watching when it lost its connection.
    control: Option<bool>,
    /// Extension: the MIME types that the browser can receive.
    codecs: Option<Codecs>,
    /// Extension: see [`Transport`].
    #[serde(default)]
    transport: Transport,
    /// Extension: see [`Hello::page`].
    page: Option<String>,
}

/// Parses `WIDTHxHEIGHT`, in pixels; both from 1 to 16384.
pub fn parse_size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|side| (1..=16384).contains(side));
    Some((side(width)?, side(height)?))
}

impl Hello {
    /// Parses the first frame of a connection.
    pub fn parse(frame: &str) -> Result<Self, SignallingError> {
        if frame.len() > MAX_HELLO {
            return Err(SignallingError::NotHello);
        }
        let mut words = frame.split_ascii_whitespace();
        if words.next() != Some("HELLO") {
            return Err(SignallingError::NotHello);
        }
        let uid = words.next().ok_or(SignallingError::Uid)?;
        let meta = words.next().map(Meta::decode).transpose()?;
        if words.next().is_some() {
            return Err(SignallingError::NotHello);
        }

        let named = meta.as_ref().and_then(|meta| meta.media.as_deref());
        let (media, dialect) = match (named, uid) {
            (Some(named), _) => {
                let has = |kind| named.iter().any(|name| name == kind);
                (Media { video: has("video"), audio: has("audio") }, Dialect::Extended)
            }
            (None, "1") => (Media { video: true, audio: meta.is_none() }, Dialect::Selkies),
            (None, "3") => (Media { video: false, audio: true }, Dialect::Selkies),
            (None, _) => return Err(SignallingError::Uid),
        };
        if !media.video && !media.audio {
            return Err(SignallingError::Meta);
        }
        let page = meta.as_ref().and_then(|meta| meta.page.clone());
        if page.as_deref().is_some_and(|page| !is_page(page)) {
            return Err(SignallingError::Meta);
        }
        Ok(Self {
            media,
            dialect,
            transport: meta.as_ref().map(|meta| meta.transport).unwrap_or_default(),
            page,
            window: meta.as_ref().and_then(|meta| parse_size(meta.res.as_deref()?)),
            scale: meta.as_ref().and_then(|meta| meta.scale).filter(|scale| scale.is_finite()),
            wants_control: meta.as_ref().and_then(|meta| meta.control).unwrap_or(true),
            codecs: meta.and_then(|meta| meta.codecs),
        })
    }
}

fn is_page(text: &str) -> bool {
    (16..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl Meta {
    fn decode(text: &str) -> Result<Self, SignallingError> {
        let json = base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| SignallingError::Meta)?;
        serde_json::from_slice(&json).map_err(|_| SignallingError::Meta)
    }
}

/// Offer or answer, as in `RTCSessionDescription`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdpKind {
    /// Always made by the server.
    Offer,
    /// Always made by the browser.
    Answer,
}

/// A frame of the session itself, the same in both directions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PeerMessage {
    /// `{"sdp": {"type": "offer", "sdp": "v=0…"}}`
    Sdp {
        /// Who made it.
        #[serde(rename = "type")]
        kind: SdpKind,
        /// The description (RFC 8866).
        sdp: String,
    },
    /// `{"ice": {"candidate": "candidate:…", "sdpMLineIndex": 0}}`
    Ice {
        /// The candidate-attribute (RFC 8839 §5.1); empty for the end of candidates.
        candidate: String,
        /// Index of the m-line it belongs to.
        #[serde(rename = "sdpMLineIndex", default)]
        mline: Option<u32>,
    },
}

impl PeerMessage {
    /// Parses a frame of an established session.
    pub fn parse(frame: &str) -> Result<Self, SignallingError> {
        serde_json::from_str(frame).map_err(|_| SignallingError::Message)
    }

    /// The frame as it goes over the WebSocket.
    pub fn to_frame(&self) -> String {
        // A struct of strings and integers always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The answer to `SESSION <uid>`, which peers of a Selkies server say to call each other: the desktop (uid 0 and 2) is
/// in session with whoever said `HELLO`. `None` where the frame is none of these.
pub fn session_answer(frame: &str) -> Option<String> {
    let callee = frame.strip_prefix("SESSION ")?.trim();
    Some(match callee {
        "0" | "2" => "SESSION_OK".to_owned(),
        // Bounded: it goes back into a frame.
        _ => error_frame(&format!("peer '{}' not found", callee.chars().take(16).collect::<String>())),
    })
}

/// What a Selkies signalling server says to somebody who calls a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallAnswer {
    /// `HELLO`: it knows us.
    Hello,
    /// `SESSION_OK [<base64 of a JSON object>]`: the peer is there, and said this in its own `HELLO`.
    Session(Option<String>),
    /// `ERROR …`: it is not.
    Error(String),
}

impl CallAnswer {
    /// Parses a frame; `None` where it is none of these.
    pub fn parse(frame: &str) -> Option<Self> {
        let (word, rest) = frame.split_once(' ').unwrap_or((frame, ""));
        match word {
            "HELLO" => Some(Self::Hello),
            "SESSION_OK" => Some(Self::Session(Some(rest.trim().to_owned()).filter(|meta| !meta.is_empty()))),
            "ERROR" => Some(Self::Error(rest.chars().take(200).collect())),
            _ => None,
        }
    }
}

/// The frame that tells a browser why it gets no session.
pub fn error_frame(reason: &str) -> String {
    format!("ERROR {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(meta: &str) -> String {
        format!("HELLO 1 {}", base64::engine::general_purpose::STANDARD.encode(meta))
    }

    #[test]
    fn a_single_connection_before_selkies_1_5() {
        let all = Hello::parse("HELLO 1").unwrap();
        assert_eq!(all.media, Media { video: true, audio: true });
        assert_eq!(all.dialect, Dialect::Selkies);
    }

    #[test]
    fn two_connections_from_selkies_1_5_on() {
        let video = Hello::parse(&hello(r#"{"res":"640x480","scale":1}"#)).unwrap();
        assert_eq!(video.media, Media { video: true, audio: false });
        let audio = Hello::parse("HELLO 3").unwrap();
        assert_eq!(audio.media, Media { video: false, audio: true });
    }

    #[test]
    fn metadata_of_selkies_1_6() {
        let hello = Hello::parse(&hello(r#"{"res":"1920x1080","scale":1.5}"#)).unwrap();
        assert_eq!(hello.window, Some((1920, 1080)));
        assert_eq!(hello.scale, Some(1.5));
        assert_eq!(hello.dialect, Dialect::Selkies);
    }

    #[test]
    fn one_connection_for_both() {
        let hello = Hello::parse(&hello(r#"{"media":["video","audio"]}"#)).unwrap();
        assert_eq!(hello.media, Media { video: true, audio: true });
        assert_eq!(hello.dialect, Dialect::Extended);
        assert!(hello.wants_control);
    }

    #[test]
    fn a_watching_browser_says_so() {
        let hello = Hello::parse(&hello(r#"{"media":["video"],"control":false}"#)).unwrap();
        assert!(!hello.wants_control);
    }

    #[test]
    fn a_page_with_two_connections() {
        let both =
            Hello::parse(&hello(r#"{"media":["video"],"transport":"websocket","page":"0123456789abcdef"}"#)).unwrap();
        assert_eq!((both.transport, both.page.as_deref()), (Transport::WebSocket, Some("0123456789abcdef")));
        assert_eq!(Hello::parse("HELLO 1").unwrap().transport, Transport::WebRtc);
        for bad in [r#""transport":"pigeon""#, r#""page":"short""#, r#""page":"0123456789abcde/""#] {
            assert_eq!(
                Hello::parse(&hello(&format!("{{\"media\":[\"video\"],{bad}}}"))),
                Err(SignallingError::Meta),
                "{bad}"
            );
        }
    }

    #[test]
    fn answers_to_a_call() {
        assert_eq!(CallAnswer::parse("HELLO"), Some(CallAnswer::Hello));
        assert_eq!(CallAnswer::parse("SESSION_OK"), Some(CallAnswer::Session(None)));
        assert_eq!(CallAnswer::parse("SESSION_OK e30="), Some(CallAnswer::Session(Some("e30=".into()))));
        assert_eq!(CallAnswer::parse("ERROR peer '1' not found"), Some(CallAnswer::Error("peer '1' not found".into())));
        assert_eq!(CallAnswer::parse("{}"), None);
    }

    #[test]
    fn the_desktop_can_be_called() {
        assert_eq!(session_answer("SESSION 0").as_deref(), Some("SESSION_OK"));
        assert_eq!(session_answer("SESSION 9").as_deref(), Some("ERROR peer '9' not found"));
        assert_eq!(session_answer("{}"), None);
    }

    #[test]
    fn codecs_of_a_browser() {
        let hello = Hello::parse(&hello(r#"{"media":["video"],"codecs":["video/H264","audio/opus"]}"#)).unwrap();
        let codecs = hello.codecs.unwrap();
        assert!(codecs.contains("video/h264") && codecs.contains("audio/opus") && !codecs.contains("video/AV1"));
        assert_eq!(Hello::parse("HELLO 1").unwrap().codecs, None);
    }

    #[test]
    fn refuses_what_is_no_hello() {
        assert_eq!(Hello::parse(""), Err(SignallingError::NotHello));
        assert_eq!(Hello::parse("SESSION 1"), Err(SignallingError::NotHello));
        assert_eq!(Hello::parse("HELLO"), Err(SignallingError::Uid));
        assert_eq!(Hello::parse("HELLO 7"), Err(SignallingError::Uid));
        assert_eq!(Hello::parse("HELLO 1 !!"), Err(SignallingError::Meta));
        assert_eq!(Hello::parse(&hello(r#"{"media":[]}"#)), Err(SignallingError::Meta));
        assert_eq!(Hello::parse(&format!("HELLO 1 {}", "A".repeat(MAX_HELLO))), Err(SignallingError::NotHello));
    }

    #[test]
    fn sizes_have_bounds() {
        assert_eq!(parse_size("1x16384"), Some((1, 16384)));
        for bad in ["0x5", "16385x5", "5", "5x", "x5", "-5x5", "5x5x5"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }

    #[test]
    fn candidate_as_a_browser_prints_it() {
        let frame = r#"{"ice":{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host","sdpMid":"video0","sdpMLineIndex":1,"usernameFragment":"x"}}"#;
        assert_eq!(
            PeerMessage::parse(frame),
            Ok(PeerMessage::Ice { candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host".into(), mline: Some(1) })
        );
    }

    #[test]
    fn offer_as_selkies_clients_read_it() {
        let frame = PeerMessage::Sdp { kind: SdpKind::Offer, sdp: "v=0\r\n".into() }.to_frame();
        assert_eq!(frame, r#"{"sdp":{"type":"offer","sdp":"v=0\r\n"}}"#);
        assert!(PeerMessage::parse(&frame).is_ok());
        assert_eq!(PeerMessage::parse(r#"{"sdp":{"type":"rollback","sdp":""}}"#), Err(SignallingError::Message));
    }
}
