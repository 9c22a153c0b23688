//! What a browser says of its gamepads on the data channel: the `js` messages of Selkies after 1.3.
//!
//! Buttons and axes are numbered as in the [standard gamepad] of browsers.
//!
//! [standard gamepad]: https://www.w3.org/TR/gamepad/#remapping

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::input::InputError;

/// How many gamepads a desktop has; Selkies' interposer knows as many.
pub const MAX_PADS: u8 = 4;
/// The most axes that a pad may have: as many as joydev has room for (`ABS_CNT`, linux/input-event-codes.h).
pub const MAX_AXES: u8 = 64;
/// The most buttons that a pad may have; browsers name 17.
pub const MAX_BUTTONS: u8 = 64;
/// The longest name of a pad, in bytes: the interposer's field has 255, the last of them zero.
pub const MAX_NAME: usize = 254;

/// One message about a gamepad, parsed.
#[derive(Debug, Clone, PartialEq)]
pub struct GamepadMessage {
    /// Which pad, less than [`MAX_PADS`].
    pub pad: u8,
    /// What it says of it.
    pub event: GamepadEvent,
}

/// What becomes of a gamepad.
#[derive(Debug, Clone, PartialEq)]
pub enum GamepadEvent {
    /// `js,c,<pad>,<base64 of its name>,<axes>,<buttons>`: it is there.
    Connected {
        /// As the browser calls it, without control characters; at most [`MAX_NAME`] bytes.
        name: String,
        /// How many axes it has, at most [`MAX_AXES`].
        axes: u8,
        /// How many buttons it has, at most [`MAX_BUTTONS`].
        buttons: u8,
    },
    /// `js,d,<pad>`: it is gone.
    Disconnected,
    /// `js,b,<pad>,<button>,<value>`.
    Button {
        /// Less than [`MAX_BUTTONS`].
        button: u8,
        /// From 0 (released) to 1 (pressed); triggers have values in between.
        value: f64,
    },
    /// `js,a,<pad>,<axis>,<value>`.
    Axis {
        /// Less than [`MAX_AXES`].
        axis: u8,
        /// From −1 (left, up) to 1 (right, down).
        value: f64,
    },
    /// `js,h,<pad>`: it is still there (as in Selkies 2).
    Alive,
}

impl GamepadMessage {
    /// Parses one message. Values out of range are brought into it; a pad, button or axis that cannot be is an error.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let mut fields = text.split(',');
        match fields.next() {
            Some("js") => {
                Self::parse_fields(&mut fields).filter(|_| fields.next().is_none()).ok_or(InputError::Malformed("js"))
            }
            verb => Err(InputError::Unknown(verb.unwrap_or_default().chars().take(16).collect())),
        }
    }

    fn parse_fields<'a>(fields: &mut impl Iterator<Item = &'a str>) -> Option<Self> {
        let kind = fields.next()?;
        let pad = below(fields.next()?, MAX_PADS)?;
        let event = match kind {
            "c" => GamepadEvent::Connected {
                name: name(fields.next()?)?,
                axes: below(fields.next()?, MAX_AXES + 1)?,
                buttons: below(fields.next()?, MAX_BUTTONS + 1)?,
            },
            "d" => GamepadEvent::Disconnected,
            "b" => GamepadEvent::Button {
                button: below(fields.next()?, MAX_BUTTONS)?,
                value: within(fields.next()?, 0.0, 1.0)?,
            },
            "a" => {
                GamepadEvent::Axis { axis: below(fields.next()?, MAX_AXES)?, value: within(fields.next()?, -1.0, 1.0)? }
            }
            "h" => GamepadEvent::Alive,
            _ => return None,
        };
        Some(Self { pad, event })
    }
}

fn below(text: &str, limit: u8) -> Option<u8> {
    text.parse().ok().filter(|number| *number < limit)
}

fn within(text: &str, least: f64, most: f64) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite()).map(|value| value.clamp(least, most))
}

/// The `btoa` of browsers takes Latin-1; clients that want more encode UTF-8.
fn name(encoded: &str) -> Option<String> {
    // Base64 has four characters for three bytes.
    if encoded.len() > MAX_NAME.div_ceil(3) * 4 {
        return None;
    }
    let bytes = STANDARD.decode(encoded).ok()?;
    let text =
        String::from_utf8(bytes).unwrap_or_else(|error| error.as_bytes().iter().copied().map(char::from).collect());
    let text: String = text.chars().filter(|character| !character.is_control()).collect();
    (text.len() <= MAX_NAME).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(text: &str) -> Option<GamepadEvent> {
        GamepadMessage::parse(text).ok().map(|message| message.event)
    }

    #[test]
    fn the_life_of_a_pad() {
        let connected = GamepadEvent::Connected { name: "Pad".into(), axes: 4, buttons: 17 };
        assert_eq!(GamepadMessage::parse("js,c,3,UGFk,4,17"), Ok(GamepadMessage { pad: 3, event: connected }));
        assert_eq!(event("js,b,0,6,0.5"), Some(GamepadEvent::Button { button: 6, value: 0.5 }));
        assert_eq!(event("js,a,0,1,-0.25"), Some(GamepadEvent::Axis { axis: 1, value: -0.25 }));
        assert_eq!(event("js,h,0"), Some(GamepadEvent::Alive));
        assert_eq!(event("js,d,0"), Some(GamepadEvent::Disconnected));
    }

    #[test]
    fn names_are_text() {
        let name = |encoded: &str| match event(&format!("js,c,0,{encoded},4,17")) {
            Some(GamepadEvent::Connected { name, .. }) => Some(name),
            _ => None,
        };
        assert_eq!(name(&STANDARD.encode([b'P', 0xe4, b'd'])), Some("Päd".into()), "Latin-1");
        assert_eq!(name(&STANDARD.encode("Päd")), Some("Päd".into()), "UTF-8");
        assert_eq!(name(&STANDARD.encode("a\n\0\x1b[1m")), Some("a[1m".into()), "it ends up in logs");
        assert_eq!(name(&STANDARD.encode("x".repeat(MAX_NAME))), Some("x".repeat(MAX_NAME)));
        assert_eq!(name(&STANDARD.encode("x".repeat(MAX_NAME + 1))), None);
        assert_eq!(name("not base64!"), None);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for bad in [
            "js",
            "js,",
            "js,d",
            "js,d,4",
            "js,d,-1",
            "js,d,0,0",
            "js,x,0",
            "js,b,0,64,1",
            "js,b,0,1",
            "js,b,0,1,NaN",
            "js,a,0,0,inf",
            "js,a,0,64,0",
            "js,c,0,UGFk,65,17",
            "js,c,0,UGFk,4,65",
            "js,c,0,UGFk,4",
            "js,c,4,17",
        ] {
            assert_eq!(GamepadMessage::parse(bad), Err(InputError::Malformed("js")), "{bad}");
        }
        assert_eq!(GamepadMessage::parse("kd,65"), Err(InputError::Unknown("kd".into())));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(js,[cdbah],)?.*") {
            let _ = GamepadMessage::parse(&text);
        }

        #[test]
        fn every_value_comes_into_its_range(pad in 0..MAX_PADS, number in 0..MAX_BUTTONS, value in -1e9..1e9) {
            let button = GamepadEvent::Button { button: number, value: f64::clamp(value, 0.0, 1.0) };
            prop_assert_eq!(
                GamepadMessage::parse(&format!("js,b,{pad},{number},{value}")),
                Ok(GamepadMessage { pad, event: button })
            );
            let axis = GamepadEvent::Axis { axis: number, value: f64::clamp(value, -1.0, 1.0) };
            prop_assert_eq!(
                GamepadMessage::parse(&format!("js,a,{pad},{number},{value}")),
                Ok(GamepadMessage { pad, event: axis })
            );
        }
    }
}
