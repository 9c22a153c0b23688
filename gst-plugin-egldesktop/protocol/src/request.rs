//! What a browser asks of the session on the data channel: control of the desktop, bitrates, and what it measures.
//! Everything that is no request is [`crate::input`].

use crate::signalling::parse_size;
use crate::statistics::{Medium, Statistics};

/// The highest number of a viewer; numbers count up from 1.
const MAX_ID: u64 = u32::MAX as u64;

/// The longest name of an encoder, in bytes.
const MAX_NAME: usize = 64;

/// A request, parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// `_control,…`: who controls the desktop. Extension.
    Control(ControlRequest),
    /// `_transport,use`: of the connections of this page, this is the one it shows and acts through from now on. Extension.
    UseConnection,
    /// `_alive`: answer at once, so that the page knows that the connection still works. Extension.
    IsAlive,
    /// `vb,<kbit/s>`, `ab,<bit/s>` or `_arg_fps,<n>`.
    Tune(Tune),
    /// `_encoder,<name>`: another encoder shall run. Extension.
    Encoder(String),
    /// `_arg_resize,true,<width>x<height>` or `_arg_resize,false,…`: whether browsers give the screen their size.
    EnableResize {
        /// Whether they do.
        on: bool,
        /// That of the browser's window, in pixels.
        window: Option<(u32, u32)>,
    },
    /// `_stats_video,<json>` or `_stats_audio,<json>`: what the browser measures of its connection.
    Statistics(Statistics),
    /// `_f,<n>`: frames per second that the browser shows.
    Framerate(f64),
    /// `_l,<ms>`: delay that the browser sees, in milliseconds.
    Latency(f64),
}

/// Something about who controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlRequest {
    /// `_control,take`: give me control.
    Take,
    /// `_control,ask`: may I have control? Who controls decides.
    Ask,
    /// `_control,refuse,<id>`: no, to this viewer, who has asked.
    Refuse(u64),
    /// `_control,give,<id>`: give it to this viewer.
    Give(u64),
    /// `_control,kick,<id>`: end the session of this viewer.
    Kick(u64),
}

/// A setting of the encoders to change while they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tune {
    /// kbit/s, 100 to 1 000 000.
    VideoBitrate(u32),
    /// bit/s, 6000 to 510 000 (RFC 6716 §2.1.1).
    AudioBitrate(u32),
    /// Most frames per second, 1 to 480.
    Framerate(u32),
}

/// The verb is one of a request, but what follows does not fit.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("malformed {0:?} message")]
pub struct RequestError(&'static str);

impl Request {
    /// Parses one message; `None` where it is no request.
    pub fn parse(text: &str) -> Option<Result<Self, RequestError>> {
        let (verb, rest) = text.split_once(',').unwrap_or((text, ""));
        let (verb, parsed) = match verb {
            "_control" => ("_control", ControlRequest::parse(rest).map(Self::Control)),
            "_transport" => ("_transport", (rest == "use").then_some(Self::UseConnection)),
            "_alive" => ("_alive", rest.is_empty().then_some(Self::IsAlive)),
            "vb" => ("vb", within(rest, 100, 1_000_000).map(|rate| Self::Tune(Tune::VideoBitrate(rate)))),
            "ab" => ("ab", within(rest, 6_000, 510_000).map(|rate| Self::Tune(Tune::AudioBitrate(rate)))),
            "_arg_fps" => ("_arg_fps", within(rest, 1, 480).map(|rate| Self::Tune(Tune::Framerate(rate)))),
            "_encoder" => ("_encoder", encoder(rest).map(Self::Encoder)),
            "_arg_resize" => ("_arg_resize", enable_resize(rest)),
            "_stats_video" => ("_stats_video", Statistics::parse(Medium::Video, rest).map(Self::Statistics)),
            "_stats_audio" => ("_stats_audio", Statistics::parse(Medium::Audio, rest).map(Self::Statistics)),
            "_f" => ("_f", measured(rest).map(Self::Framerate)),
            "_l" => ("_l", measured(rest).map(Self::Latency)),
            _ => return None,
        };
        Some(parsed.ok_or(RequestError(verb)))
    }
}

impl ControlRequest {
    fn parse(text: &str) -> Option<Self> {
        let id = |text: &str| text.parse().ok().filter(|id| (1..=MAX_ID).contains(id));
        match text.split_once(',').unwrap_or((text, "")) {
            ("take", "") => Some(Self::Take),
            ("ask", "") => Some(Self::Ask),
            ("refuse", whom) => id(whom).map(Self::Refuse),
            ("give", to) => id(to).map(Self::Give),
            ("kick", whom) => id(whom).map(Self::Kick),
            _ => None,
        }
    }
}

/// Selkies' clients send what a list in the page holds, which may be a number with a point.
fn within(text: &str, min: u32, max: u32) -> Option<u32> {
    let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite())?;
    (f64::from(min)..=f64::from(max)).contains(&number).then_some(number as u32)
}

/// The name of a pipeline file.
fn encoder(text: &str) -> Option<String> {
    let fits = (1..=MAX_NAME).contains(&text.len());
    (fits && text.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))).then(|| text.to_owned())
}

fn enable_resize(text: &str) -> Option<Request> {
    let (on, window) = text.split_once(',').unwrap_or((text, ""));
    let on = match on {
        _ if on.eq_ignore_ascii_case("true") => true,
        _ if on.eq_ignore_ascii_case("false") => false,
        _ => return None,
    };
    // Without a window there is still the switch.
    Some(Request::EnableResize { on, window: parse_size(window) })
}

fn measured(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value| (0.0..1e6).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<Request> {
        Request::parse(text).and_then(Result::ok)
    }

    #[test]
    fn control() {
        assert_eq!(parse("_control,take"), Some(Request::Control(ControlRequest::Take)));
        assert_eq!(parse("_control,ask"), Some(Request::Control(ControlRequest::Ask)));
        assert_eq!(parse("_control,refuse,2"), Some(Request::Control(ControlRequest::Refuse(2))));
        assert_eq!(parse("_control,give,7"), Some(Request::Control(ControlRequest::Give(7))));
        assert_eq!(parse("_control,kick,1"), Some(Request::Control(ControlRequest::Kick(1))));
        for bad in [
            "_control",
            "_control,take,1",
            "_control,ask,1",
            "_control,refuse",
            "_control,give,0",
            "_control,kick,-1",
            "_control,kick,99999999999",
        ] {
            assert_eq!(Request::parse(bad), Some(Err(RequestError("_control"))), "{bad}");
        }
    }

    #[test]
    fn tuning_has_bounds() {
        assert_eq!(parse("vb,8000"), Some(Request::Tune(Tune::VideoBitrate(8000))));
        assert_eq!(parse("ab,64000.0"), Some(Request::Tune(Tune::AudioBitrate(64000))));
        assert_eq!(parse("_arg_fps,30"), Some(Request::Tune(Tune::Framerate(30))));
        for bad in ["vb,99", "vb,1000001", "vb,NaN", "vb,", "ab,5999", "ab,-1", "_arg_fps,0", "_arg_fps,481"] {
            assert!(matches!(Request::parse(bad), Some(Err(_))), "{bad}");
        }
    }

    #[test]
    fn resizing_can_be_switched() {
        let on = Request::EnableResize { on: true, window: Some((1366, 768)) };
        assert_eq!(parse("_arg_resize,true,1366x768"), Some(on));
        for off in ["_arg_resize,false,1366x768", "_arg_resize,False", "_arg_resize,false,0x1"] {
            assert!(matches!(parse(off), Some(Request::EnableResize { on: false, .. })), "{off}");
        }
        assert_eq!(parse("_arg_resize,true,99999x1"), Some(Request::EnableResize { on: true, window: None }));
        assert_eq!(Request::parse("_arg_resize,1366x768"), Some(Err(RequestError("_arg_resize"))));
    }

    #[test]
    fn an_encoder_has_a_name() {
        assert_eq!(parse("_encoder,x264enc"), Some(Request::Encoder("x264enc".to_owned())));
        let long = format!("_encoder,{}", "x".repeat(MAX_NAME + 1));
        for bad in ["_encoder", "_encoder,", "_encoder,../x", "_encoder,a b", &long] {
            assert_eq!(Request::parse(bad), Some(Err(RequestError("_encoder"))), "{bad}");
        }
    }

    #[test]
    fn a_sign_of_life() {
        assert_eq!(parse("_alive"), Some(Request::IsAlive));
        assert_eq!(Request::parse("_alive,1"), Some(Err(RequestError("_alive"))));
    }

    #[test]
    fn what_browsers_measure() {
        assert_eq!(parse("_f,59.9"), Some(Request::Framerate(59.9)));
        assert_eq!(parse("_l,12"), Some(Request::Latency(12.0)));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(_control,|vb,|_arg_|_encoder,|_f,)?.*") {
            let _ = Request::parse(&text);
        }
    }
}
