//! Messages that a browser sends on the data channel: comma-separated text, first field the verb.

use crate::clipboard::ClipboardMessage;
use crate::gamepad::GamepadMessage;
use crate::signalling::parse_size;
use crate::touch::{Pen, TouchMessage};
use crate::wheel::Turn;

/// The longest text that one `co,end,` message may type, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;
/// The most keys that one `kh,` message may list; more than any hand holds.
pub const MAX_HELD_KEYS: usize = 64;
/// The most wheel ticks in one message; Selkies' clients send at most 10.
pub const MAX_TICKS: u32 = 10;

/// One message of a browser, parsed.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// `m,x,y,mask[,magnitude]` or `m2,dx,dy,mask[,magnitude]`.
    Mouse(Mouse),
    /// `kd,keysym`: a key goes down. X11 keysym.
    KeyDown(u32),
    /// `ku,keysym`: a key goes up.
    KeyUp(u32),
    /// `kr`: release every key.
    KeyReset,
    /// `kh,keysym,…`: the keys that are down at this moment (as in Selkies 2).
    KeysHeld(Vec<u32>),
    /// `co,end,text`: type this text (as in Selkies 2; input methods).
    Text(String),
    /// `kl,caps,num` (extension): whether Caps Lock and Num Lock are on at the browser, as 0 or 1.
    Locks {
        /// Caps Lock.
        caps: bool,
        /// Num Lock.
        num: bool,
    },
    /// `cw`, `cr`, `cws` …: see [`crate::clipboard`].
    Clipboard(ClipboardMessage),
    /// `r,WIDTHxHEIGHT`: the screen should have this size, in pixels.
    Resize {
        /// Even, as Selkies rounds it: up.
        width: u32,
        /// Even, too.
        height: u32,
    },
    /// `s,ratio`: the browser's `devicePixelRatio`.
    Scale(f64),
    /// `td`, `tm`, `tu`, `tc` (extension): see [`crate::touch`].
    Touch(TouchMessage),
    /// `pen` (extension): see [`crate::touch`].
    Pen(Pen),
    /// `ws` (extension): see [`crate::wheel`].
    Turn(Turn),
    /// `js,…`: see [`crate::gamepad`].
    Gamepad(GamepadMessage),
    /// `pong,<time>`: answer to a `ping`; seconds since 1970 on the client's clock, or the server's own time again.
    Pong(f64),
}

/// Position, buttons and wheel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mouse {
    /// Whether `x` and `y` are a motion rather than a position.
    pub relative: bool,
    /// Pixels of the video, from the left.
    pub x: f64,
    /// Pixels of the video, from the top.
    pub y: f64,
    /// Bit 0 left, 1 middle, 2 right, 3 and 4 wheel down and up (or back and forward), 6 and 7 wheel left and right.
    pub mask: u8,
    /// Wheel ticks of a message that sets a wheel bit; absent before Selkies 1.6.
    pub magnitude: Option<u32>,
}

/// Why a message was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum InputError {
    /// A verb that is not known here.
    #[error("unknown message {0:?}")]
    Unknown(String),
    /// The fields do not fit the verb.
    #[error("malformed {0:?} message")]
    Malformed(&'static str),
}

impl ClientMessage {
    /// Parses one message.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let (verb, rest) = text.split_once(',').unwrap_or((text, ""));
        match verb {
            "m" => Mouse::parse(rest, false).map(Self::Mouse).ok_or(InputError::Malformed("m")),
            "m2" => Mouse::parse(rest, true).map(Self::Mouse).ok_or(InputError::Malformed("m2")),
            "kd" => keysym(rest).map(Self::KeyDown).ok_or(InputError::Malformed("kd")),
            "ku" => keysym(rest).map(Self::KeyUp).ok_or(InputError::Malformed("ku")),
            "kr" => Ok(Self::KeyReset),
            "kh" => held(rest).map(Self::KeysHeld).ok_or(InputError::Malformed("kh")),
            "co" => match rest.strip_prefix("end,") {
                Some(text) if text.len() <= MAX_TEXT => Ok(Self::Text(text.to_owned())),
                _ => Err(InputError::Malformed("co")),
            },
            "kl" => locks(rest).ok_or(InputError::Malformed("kl")),
            "r" => resize(rest).ok_or(InputError::Malformed("r")),
            "s" => finite(rest).map(Self::Scale).ok_or(InputError::Malformed("s")),
            "cr" | "cw" | "cb" | "cws" | "cwd" | "cwe" | "cbs" | "cbd" | "cbe" => {
                ClipboardMessage::parse(verb, rest).map(Self::Clipboard).ok_or(InputError::Malformed("clipboard"))
            }
            "td" | "tm" | "tu" | "tc" => {
                TouchMessage::parse(verb, rest).map(Self::Touch).ok_or(InputError::Malformed("touch"))
            }
            "pen" => Pen::parse(rest).map(Self::Pen).ok_or(InputError::Malformed("pen")),
            "ws" => Turn::parse(rest).map(Self::Turn).ok_or(InputError::Malformed("ws")),
            "js" => GamepadMessage::parse(text).map(Self::Gamepad),
            "pong" => finite(rest).map(Self::Pong).ok_or(InputError::Malformed("pong")),
            // Bounded: the verb ends up in a log line.
            _ => Err(InputError::Unknown(verb.chars().take(16).collect())),
        }
    }
}

impl Mouse {
    fn parse(fields: &str, relative: bool) -> Option<Self> {
        let mut fields = fields.split(',');
        let mouse = Self {
            relative,
            x: coordinate(fields.next()?)?,
            y: coordinate(fields.next()?)?,
            mask: fields.next()?.parse().ok()?,
            magnitude: match fields.next() {
                Some(text) => Some(finite(text)?.clamp(0.0, MAX_TICKS.into()) as u32),
                None => None,
            },
        };
        fields.next().is_none().then_some(mouse)
    }
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// X coordinates are 16 bits wide, whatever a client says.
fn coordinate(text: &str) -> Option<f64> {
    finite(text).map(|value| value.clamp(f64::from(i16::MIN), f64::from(i16::MAX)))
}

/// Keysyms have 29 bits (X protocol, appendix A); 0 is NoSymbol.
fn keysym(text: &str) -> Option<u32> {
    text.parse().ok().filter(|keysym| (1..=0x1fff_ffff).contains(keysym))
}

fn locks(text: &str) -> Option<ClientMessage> {
    let flag = |text: &str| match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    };
    let (caps, num) = text.split_once(',')?;
    Some(ClientMessage::Locks { caps: flag(caps)?, num: flag(num)? })
}

fn resize(text: &str) -> Option<ClientMessage> {
    let (width, height) = parse_size(text)?;
    Some(ClientMessage::Resize { width: width.next_multiple_of(2), height: height.next_multiple_of(2) })
}

fn held(text: &str) -> Option<Vec<u32>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let keys: Option<Vec<u32>> = text.split(',').take(MAX_HELD_KEYS + 1).map(keysym).collect();
    keys.filter(|keys| keys.len() <= MAX_HELD_KEYS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mouse_of_each_age() {
        let expected = Mouse { relative: false, x: 10.0, y: 20.0, mask: 1, magnitude: None };
        assert_eq!(ClientMessage::parse("m,10,20,1"), Ok(ClientMessage::Mouse(expected)));
        let expected = Mouse { relative: true, x: -1.5, y: 0.25, mask: 8, magnitude: Some(3) };
        assert_eq!(ClientMessage::parse("m2,-1.5,0.25,8,3"), Ok(ClientMessage::Mouse(expected)));
    }

    #[test]
    fn mouse_is_bounded() {
        let Ok(ClientMessage::Mouse(mouse)) = ClientMessage::parse("m,1e9,-1e9,255,999") else { panic!() };
        assert_eq!((mouse.x, mouse.y, mouse.magnitude), (32767.0, -32768.0, Some(MAX_TICKS)));
        for bad in ["m", "m,1", "m,1,2", "m,1,2,256", "m,NaN,2,0", "m,inf,2,0", "m,1,2,0,x", "m,1,2,0,1,1"] {
            assert_eq!(ClientMessage::parse(bad), Err(InputError::Malformed("m")), "{bad}");
        }
    }

    #[test]
    fn keys() {
        assert_eq!(ClientMessage::parse("kd,65"), Ok(ClientMessage::KeyDown(65)));
        assert_eq!(ClientMessage::parse("ku,16777942"), Ok(ClientMessage::KeyUp(16777942)));
        assert_eq!(ClientMessage::parse("kr"), Ok(ClientMessage::KeyReset));
        assert_eq!(ClientMessage::parse("kh,1,2"), Ok(ClientMessage::KeysHeld(vec![1, 2])));
        assert_eq!(ClientMessage::parse("kh"), Ok(ClientMessage::KeysHeld(vec![])));
        for bad in ["kd,0", "kd,-1", "kd,536870912", "kd,"] {
            assert_eq!(ClientMessage::parse(bad), Err(InputError::Malformed("kd")), "{bad}");
        }
        let many = format!("kh{}", ",1".repeat(MAX_HELD_KEYS + 1));
        assert_eq!(ClientMessage::parse(&many), Err(InputError::Malformed("kh")));
    }

    #[test]
    fn text_keeps_its_commas_and_has_a_limit() {
        assert_eq!(ClientMessage::parse("co,end,a,ß,日"), Ok(ClientMessage::Text("a,ß,日".into())));
        let long = format!("co,end,{}", "x".repeat(MAX_TEXT + 1));
        assert_eq!(ClientMessage::parse(&long), Err(InputError::Malformed("co")));
    }

    #[test]
    fn screen_and_locks() {
        let resize = Ok(ClientMessage::Resize { width: 1366, height: 768 });
        assert_eq!(ClientMessage::parse("r,1365x767"), resize);
        assert_eq!(ClientMessage::parse("s,1.5"), Ok(ClientMessage::Scale(1.5)));
        assert_eq!(ClientMessage::parse("kl,1,0"), Ok(ClientMessage::Locks { caps: true, num: false }));
        for bad in ["r,0x768", "r,1366", "r,99999x1", "s,NaN", "kl,1", "kl,2,0"] {
            assert!(ClientMessage::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn unknown_verbs_are_cut_for_the_log() {
        assert_eq!(ClientMessage::parse(&"z".repeat(99)), Err(InputError::Unknown("z".repeat(16))));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = ClientMessage::parse(&text);
        }

        #[test]
        fn every_position_survives(x in -32768i32..=32767, y in -32768i32..=32767, mask: u8) {
            let parsed = ClientMessage::parse(&format!("m,{x},{y},{mask}"));
            prop_assert_eq!(parsed, Ok(ClientMessage::Mouse(Mouse {
                relative: false, x: x.into(), y: y.into(), mask, magnitude: None,
            })));
        }
    }
}
