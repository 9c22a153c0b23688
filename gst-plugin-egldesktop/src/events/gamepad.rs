//! The event of a gamepad: a custom upstream event, since `GstNavigation` knows none.

/// Name of the structure; fields `pad` (uint), `event` (string: `connected`, `disconnected`, `released`, `button` or
/// `axis`), and, as far as the event has them, `name` (string), `number` (uint) and `value` (double).
pub(super) const GAMEPAD: &str = "egldesktop-gamepad";

/// What becomes of a gamepad. Buttons and axes are numbered as in the
/// [standard gamepad](https://www.w3.org/TR/gamepad/#remapping) of browsers.
#[derive(Debug, Clone, PartialEq)]
pub enum GamepadInput {
    /// It is there, and nothing on it is pressed.
    Connected {
        /// What its user's machine calls it.
        name: String,
    },
    /// It is gone.
    Disconnected,
    /// Everything on it is let go of.
    Released,
    /// A button.
    Button {
        /// Which.
        number: u8,
        /// From 0 to 1.
        value: f64,
    },
    /// An axis.
    Axis {
        /// Which.
        number: u8,
        /// From −1 to 1.
        value: f64,
    },
}

impl GamepadInput {
    pub(super) fn to_structure(&self, pad: u8) -> gst::Structure {
        let structure = gst::Structure::builder(GAMEPAD).field("pad", u32::from(pad));
        let numbered = |event: &str, number: u8, value: f64| {
            let structure = gst::Structure::builder(GAMEPAD).field("pad", u32::from(pad)).field("event", event);
            structure.field("number", u32::from(number)).field("value", value).build()
        };
        match self {
            Self::Connected { name } => structure.field("event", "connected").field("name", name).build(),
            Self::Disconnected => structure.field("event", "disconnected").build(),
            Self::Released => structure.field("event", "released").build(),
            Self::Button { number, value } => numbered("button", *number, *value),
            Self::Axis { number, value } => numbered("axis", *number, *value),
        }
    }

    /// Whoever sent the event: the numbers need not be of any pad that there is.
    pub(super) fn from_structure(structure: &gst::StructureRef) -> Option<(u8, Self)> {
        let byte = |field: &str| u8::try_from(structure.get::<u32>(field).ok()?).ok();
        let value = || structure.get::<f64>("value").ok().filter(|value| value.is_finite());
        let input = match structure.get::<&str>("event").ok()? {
            "connected" => Self::Connected { name: structure.get("name").unwrap_or_default() },
            "disconnected" => Self::Disconnected,
            "released" => Self::Released,
            "button" => Self::Button { number: byte("number")?, value: value()? },
            "axis" => Self::Axis { number: byte("number")?, value: value()? },
            _ => return None,
        };
        Some((byte("pad")?, input))
    }
}
