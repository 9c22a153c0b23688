//! The upstream events between `selkiessignal`, `desktopinput` and `egldesktopsrc`.
//!
//! What `GstNavigation` can say is said with it, so that any sink can control a desktop; the rest is a custom upstream
//! event with a structure of ours.

use gst_video::NavigationEvent;

/// Name of the structure of a relative motion; fields `dx` and `dy` (double, pixels).
const POINTER_RELATIVE: &str = "egldesktop-pointer-relative";
/// Name of the structure of text to type; field `text` (string).
const TEXT: &str = "egldesktop-text";
/// Name of the structure of a request for a picture, changed or not. Encoders keep force-key-unit events for
/// themselves, so a source that is silent while nothing changes needs a word of its own.
const REFRESH: &str = "egldesktop-refresh";

/// Name of the structure of the word that nobody watches at present; field `idle` (boolean).
const IDLE: &str = "egldesktop-idle";

/// Something that a user does.
#[derive(Debug, Clone, PartialEq)]
pub enum InputEvent {
    /// Pointer to this place, in pixels of the video. Navigation event.
    MoveTo {
        /// From the left.
        x: f64,
        /// From the top.
        y: f64,
    },
    /// Pointer by this much, in pixels of the screen. Custom event.
    MoveBy {
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
    },
    /// A button, by its X11 number. Navigation event.
    Button {
        /// 1 left, 2 middle, 3 right, 8 back, 9 forward.
        button: u8,
        /// Down or up.
        pressed: bool,
    },
    /// The wheel, in ticks. Navigation event.
    Scroll {
        /// Right is positive.
        dx: f64,
        /// Up is positive, as GStreamer's sinks have it.
        dy: f64,
    },
    /// A key, by the name of its X11 keysym (see [`key_name`]). Navigation event.
    Key {
        /// X11 keysym.
        keysym: u32,
        /// Down or up.
        pressed: bool,
    },
    /// Text to type. Custom event.
    Text(String),
}

impl InputEvent {
    /// The event to push upstream. `pointer` is where the pointer was last, in pixels of the video: navigation events
    /// of buttons and wheel carry it.
    pub fn to_event(&self, pointer: (f64, f64)) -> gst::Event {
        let (x, y) = pointer;
        match self {
            Self::MoveTo { x, y } => NavigationEvent::new_mouse_move(*x, *y).build(),
            Self::MoveBy { dx, dy } => {
                custom(gst::Structure::builder(POINTER_RELATIVE).field("dx", dx).field("dy", dy).build())
            }
            Self::Button { button, pressed: true } => {
                NavigationEvent::new_mouse_button_press((*button).into(), x, y).build()
            }
            Self::Button { button, pressed: false } => {
                NavigationEvent::new_mouse_button_release((*button).into(), x, y).build()
            }
            Self::Scroll { dx, dy } => NavigationEvent::new_mouse_scroll(x, y, *dx, *dy).build(),
            Self::Key { keysym, pressed: true } => NavigationEvent::new_key_press(&key_name(*keysym)).build(),
            Self::Key { keysym, pressed: false } => NavigationEvent::new_key_release(&key_name(*keysym)).build(),
            Self::Text(text) => custom(gst::Structure::builder(TEXT).field("text", text).build()),
        }
    }

    /// Parses an upstream event; `None` for events that are none of these. A button or touch event moves the pointer
    /// to where it says first, so there may be two.
    pub fn parse(event: &gst::EventRef) -> Option<Vec<Self>> {
        if let Ok(event) = NavigationEvent::parse(event) {
            return Self::from_navigation(event);
        }
        let structure = event.structure().filter(|_| event.type_() == gst::EventType::CustomUpstream)?;
        match structure.name().as_str() {
            POINTER_RELATIVE => {
                Some(vec![Self::MoveBy { dx: structure.get("dx").ok()?, dy: structure.get("dy").ok()? }])
            }
            TEXT => Some(vec![Self::Text(structure.get("text").ok()?)]),
            _ => None,
        }
    }

    fn from_navigation(event: NavigationEvent) -> Option<Vec<Self>> {
        let button = |button: i32, pressed| {
            u8::try_from(button).ok().filter(|button| *button > 0).map(|button| Self::Button { button, pressed })
        };
        Some(match event {
            NavigationEvent::KeyPress { key, .. } => vec![Self::Key { keysym: key_keysym(&key)?, pressed: true }],
            NavigationEvent::KeyRelease { key, .. } => vec![Self::Key { keysym: key_keysym(&key)?, pressed: false }],
            NavigationEvent::MouseMove { x, y, .. } => vec![Self::MoveTo { x, y }],
            NavigationEvent::MouseButtonPress { button: number, .. } => vec![button(number, true)?],
            NavigationEvent::MouseButtonRelease { button: number, .. } => vec![button(number, false)?],
            NavigationEvent::MouseScroll { delta_x, delta_y, .. } => vec![Self::Scroll { dx: delta_x, dy: delta_y }],
            NavigationEvent::TouchDown { x, y, identifier: 0, .. } => {
                vec![Self::MoveTo { x, y }, Self::Button { button: 1, pressed: true }]
            }
            NavigationEvent::TouchMotion { x, y, identifier: 0, .. } => vec![Self::MoveTo { x, y }],
            NavigationEvent::TouchUp { x, y, identifier: 0, .. } => {
                vec![Self::MoveTo { x, y }, Self::Button { button: 1, pressed: false }]
            }
            _ => return None,
        })
    }
}

/// The event that asks the source for a picture at once.
pub fn refresh() -> gst::Event {
    custom(gst::Structure::new_empty(REFRESH))
}

/// Whether this is [`refresh`].
pub fn is_refresh(event: &gst::EventRef) -> bool {
    event.structure().is_some_and(|structure| structure.name() == REFRESH)
}

/// The event that tells the source that nobody watches, or that somebody does again. A source that knows it sends
/// nothing in between, unless a picture is asked for.
pub fn idle(idle: bool) -> gst::Event {
    custom(gst::Structure::builder(IDLE).field("idle", idle).build())
}

/// What [`idle`] says; `None` for other events.
pub fn parse_idle(event: &gst::EventRef) -> Option<bool> {
    event.structure().filter(|structure| structure.name() == IDLE)?.get("idle").ok()
}

fn custom(structure: gst::Structure) -> gst::Event {
    gst::event::CustomUpstream::new(structure)
}

/// The key of a navigation event for a keysym: the name that `XKeysymToString` has for it (`a`, `Return`), else
/// `U` and the code point in hexadecimal digits, else `0x` and the keysym.
pub fn key_name(keysym: u32) -> String {
    let keysym = xkeysym::Keysym::new(keysym);
    match (plain_name(keysym), keysym.key_char()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(char)) => format!("U{:04X}", u32::from(char)),
        (None, None) => format!("{:#x}", keysym.raw()),
    }
}

/// The keysym for the key of a navigation event: everything that [`key_name`] prints, and single characters.
pub fn key_keysym(name: &str) -> Option<u32> {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    /// The crate knows names by keysym only. Lower numbers win: they are what keyboards send.
    static NAMES: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
        let vendor = 0x1008_0000..0x1009_0000;
        let unicode = 0x0100_0000..0x0101_0000;
        let all = (1..0x1_0000).chain(unicode).chain(vendor);
        let names = all.rev().filter_map(|raw| Some((plain_name(xkeysym::Keysym::new(raw))?, raw)));
        names.collect()
    });

    if let Some(&keysym) = NAMES.get(name) {
        return Some(keysym);
    }
    let mut chars = name.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Some(xkeysym::Keysym::from_char(only).raw()).filter(|keysym| *keysym != 0);
    }
    if let Some(char) = name.strip_prefix('U').and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
        return char::from_u32(char).map(|char| xkeysym::Keysym::from_char(char).raw());
    }
    let keysym = u32::from_str_radix(name.strip_prefix("0x")?, 16).ok()?;
    (1..=0x1fff_ffff).contains(&keysym).then_some(keysym)
}

/// The crate prints the C name of the constant.
fn plain_name(keysym: xkeysym::Keysym) -> Option<&'static str> {
    let name = keysym.name()?;
    Some(name.strip_prefix("XK_").or_else(|| name.split_once("XK_").map(|(_, rest)| rest)).unwrap_or(name))
        .filter(|name| *name != "NoSymbol" && *name != "VoidSymbol")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_xlib() {
        for (keysym, name) in [(0x61, "a"), (0xff0d, "Return"), (0xffe1, "Shift_L"), (0xdf, "ssharp"), (0x20, "space")]
        {
            assert_eq!(key_name(keysym), name);
        }
        assert_eq!(key_name(0x0100_65e5), "U65E5");
    }

    #[test]
    fn every_key_survives_the_event() {
        gst::init().unwrap();
        for keysym in [0x61, 0x41, 0xdf, 0xff0d, 0xfe03, 0x6d1, 0x0100_65e5, 0x1008_ff11, 0xffe9] {
            let sent = InputEvent::Key { keysym, pressed: true };
            assert_eq!(InputEvent::parse(&sent.to_event((0.0, 0.0))), Some(vec![sent]), "{keysym:#x}");
        }
    }

    #[test]
    fn keys_that_other_sinks_send() {
        assert_eq!(key_keysym("ß"), Some(0xdf));
        assert_eq!(key_keysym("U42F"), Some(0x6f1));
        assert_eq!(key_keysym("0xff0d"), Some(0xff0d));
        for bad in ["", "nonsense", "0x", "0xffffffff", "UD800"] {
            assert_eq!(key_keysym(bad), None, "{bad}");
        }
    }

    #[test]
    fn other_events_survive() {
        gst::init().unwrap();
        for sent in [
            InputEvent::MoveTo { x: 1.0, y: 2.0 },
            InputEvent::MoveBy { dx: -0.5, dy: 2.0 },
            InputEvent::Button { button: 9, pressed: true },
            InputEvent::Button { button: 1, pressed: false },
            InputEvent::Scroll { dx: 0.0, dy: -2.0 },
            InputEvent::Text("日, ß".into()),
        ] {
            assert_eq!(InputEvent::parse(&sent.to_event((3.0, 4.0))), Some(vec![sent]));
        }
        assert!(is_refresh(&refresh()));
        assert_eq!(InputEvent::parse(&refresh()), None);
        assert_eq!([true, false].map(|on| parse_idle(&idle(on))), [Some(true), Some(false)]);
        assert_eq!(parse_idle(&refresh()), None);
        assert_eq!(InputEvent::parse(&gst::event::Reconfigure::new()), None);
    }
}
