//! The events between `selkiessignal`, `desktopinput` and `egldesktopsrc`.
//!
//! What `GstNavigation` can say is said with it, so that any sink can control a desktop; the rest is a custom upstream
//! event with a structure of ours. What the desktop tells, cursor, clipboard and size, goes downstream out of band: see
//! [`DesktopEvent`].

mod desktop;
mod gamepad;
mod keys;

use gst_video::NavigationEvent;
use selkies_protocol::clipboard::Part;
use selkies_protocol::touch::{Pen, Phase};

pub use desktop::{DesktopEvent, Devices};
pub use gamepad::GamepadInput;
pub use keys::{key_keysym, key_name};

/// Name of the structure of a relative motion; fields `dx` and `dy` (double, pixels).
const POINTER_RELATIVE: &str = "egldesktop-pointer-relative";
/// Name of the structure of text to type; field `text` (string).
const TEXT: &str = "egldesktop-text";
/// Name of the structure of lock states; fields `caps` and `num` (boolean).
const LOCKS: &str = "egldesktop-locks";
/// Name of the structure of a wanted screen size; fields `width` and `height` (uint, pixels).
const RESIZE: &str = "egldesktop-resize";
/// Name of the structure of a wanted scale; field `ratio` (double).
const SCALE: &str = "egldesktop-scale";
/// Name of the structure of clipboard content; fields as in [`desktop::write_parts`], and `transaction` (uint64).
const CLIPBOARD: &str = "egldesktop-clipboard";
/// Name of the structure of a pen; fields `x`, `y` (double, pixels of the video), `pressure` (double, 0 to 1), `tilt-x`,
/// `tilt-y` (double, degrees) and `buttons` (uint, see [`selkies_protocol::touch::pen_button`]).
const PEN: &str = "egldesktop-pen";
/// Name of the structure of a request for [`DesktopEvent`]s; field `clipboard` (boolean).
const REPORT: &str = "egldesktop-report";
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
    /// Caps Lock and Num Lock as they are on the user's keyboard. Custom event.
    Locks {
        /// Caps Lock is on.
        caps: bool,
        /// Num Lock is on.
        num: bool,
    },
    /// The screen should have this size, in pixels. Custom event.
    Resize {
        /// From the left to the right.
        width: u32,
        /// From the top to the bottom.
        height: u32,
    },
    /// Everything should be drawn this many times as large as usual. Custom event.
    Scale(f64),
    /// What the desktop shall paste from now on. Custom event.
    Clipboard {
        /// Each format once.
        parts: Vec<Part>,
        /// Comes back in [`DesktopEvent::ClipboardTaken`].
        transaction: u64,
    },
    /// A finger on a touch screen. Navigation event.
    Touch {
        /// What it does.
        phase: Phase,
        /// Chosen by the sender when the finger comes down.
        identifier: u32,
        /// Pixels of the video, from the left.
        x: f64,
        /// Pixels of the video, from the top.
        y: f64,
        /// From 0 to 1; 0 when it goes up.
        pressure: f64,
    },
    /// All fingers go up. Navigation event.
    TouchCancel,
    /// A pen; its place is in pixels of the video. Custom event.
    Pen(Pen),
    /// Somebody new listens: tell the cursor and the size of the screen now. Custom event.
    Report {
        /// Whether what is copied is to be told as well, from now on.
        clipboard: bool,
    },
    /// A gamepad. Custom event.
    Gamepad {
        /// Which of the desktop's, from 0.
        pad: u8,
        /// What becomes of it.
        input: GamepadInput,
    },
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
            Self::Locks { caps, num } => {
                custom(gst::Structure::builder(LOCKS).field("caps", caps).field("num", num).build())
            }
            Self::Resize { width, height } => {
                custom(gst::Structure::builder(RESIZE).field("width", width).field("height", height).build())
            }
            Self::Scale(ratio) => custom(gst::Structure::builder(SCALE).field("ratio", ratio).build()),
            Self::Clipboard { parts, transaction } => {
                let mut structure = gst::Structure::builder(CLIPBOARD).field("transaction", transaction).build();
                desktop::write_parts(&mut structure, parts);
                custom(structure)
            }
            Self::Touch { phase: Phase::Down, identifier, x, y, pressure } => {
                NavigationEvent::new_touch_down(*identifier, *x, *y, *pressure).build()
            }
            Self::Touch { phase: Phase::Motion, identifier, x, y, pressure } => {
                NavigationEvent::new_touch_motion(*identifier, *x, *y, *pressure).build()
            }
            Self::Touch { phase: Phase::Up, identifier, x, y, .. } => {
                NavigationEvent::new_touch_up(*identifier, *x, *y).build()
            }
            Self::TouchCancel => NavigationEvent::new_touch_cancel().build(),
            Self::Pen(pen) => custom(
                gst::Structure::builder(PEN)
                    .field("x", pen.x)
                    .field("y", pen.y)
                    .field("pressure", pen.pressure)
                    .field("tilt-x", pen.tilt.0)
                    .field("tilt-y", pen.tilt.1)
                    .field("buttons", u32::from(pen.buttons))
                    .build(),
            ),
            Self::Report { clipboard } => custom(gst::Structure::builder(REPORT).field("clipboard", clipboard).build()),
            Self::Gamepad { pad, input } => custom(input.to_structure(*pad)),
        }
    }

    /// Parses an upstream event; `None` for events that are none of these.
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
            LOCKS => Some(vec![Self::Locks { caps: structure.get("caps").ok()?, num: structure.get("num").ok()? }]),
            RESIZE => {
                Some(vec![Self::Resize { width: structure.get("width").ok()?, height: structure.get("height").ok()? }])
            }
            SCALE => Some(vec![Self::Scale(structure.get("ratio").ok()?)]),
            CLIPBOARD => Some(vec![Self::Clipboard {
                parts: desktop::read_parts(structure),
                transaction: structure.get("transaction").ok()?,
            }]),
            PEN => Some(vec![Self::Pen(Pen {
                x: structure.get("x").ok()?,
                y: structure.get("y").ok()?,
                pressure: structure.get("pressure").ok()?,
                tilt: (structure.get("tilt-x").ok()?, structure.get("tilt-y").ok()?),
                buttons: structure.get::<u32>("buttons").ok()?.try_into().ok()?,
            })]),
            REPORT => Some(vec![Self::Report { clipboard: structure.get("clipboard").ok()? }]),
            gamepad::GAMEPAD => {
                let (pad, input) = GamepadInput::from_structure(structure)?;
                Some(vec![Self::Gamepad { pad, input }])
            }
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
            NavigationEvent::TouchDown { identifier, x, y, pressure, .. } => {
                vec![Self::Touch { phase: Phase::Down, identifier, x, y, pressure }]
            }
            NavigationEvent::TouchMotion { identifier, x, y, pressure, .. } => {
                vec![Self::Touch { phase: Phase::Motion, identifier, x, y, pressure }]
            }
            NavigationEvent::TouchUp { identifier, x, y, .. } => {
                vec![Self::Touch { phase: Phase::Up, identifier, x, y, pressure: 0.0 }]
            }
            NavigationEvent::TouchCancel { .. } => vec![Self::TouchCancel],
            // Each finger is told to programs at once.
            NavigationEvent::TouchFrame { .. } => Vec::new(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_the_event() {
        gst::init().unwrap();
        for keysym in [0x61, 0x41, 0xdf, 0xff0d, 0xfe03, 0x6d1, 0x0100_65e5, 0x1008_ff11, 0xffe9] {
            let sent = InputEvent::Key { keysym, pressed: true };
            assert_eq!(InputEvent::parse(&sent.to_event((0.0, 0.0))), Some(vec![sent]), "{keysym:#x}");
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
            InputEvent::Locks { caps: true, num: false },
            InputEvent::Resize { width: 1366, height: 768 },
            InputEvent::Scale(1.25),
            InputEvent::Clipboard { parts: desktop::tests::parts(), transaction: u64::MAX },
            InputEvent::Report { clipboard: true },
            InputEvent::Touch { phase: Phase::Down, identifier: 7, x: 1.0, y: 2.0, pressure: 0.5 },
            InputEvent::Touch { phase: Phase::Motion, identifier: 7, x: 1.5, y: 2.0, pressure: 1.0 },
            InputEvent::Touch { phase: Phase::Up, identifier: 7, x: 1.5, y: 2.0, pressure: 0.0 },
            InputEvent::TouchCancel,
            InputEvent::Pen(Pen { x: 1.0, y: 2.0, pressure: 0.5, tilt: (-30.0, 12.0), buttons: 9 }),
            InputEvent::Gamepad { pad: 3, input: GamepadInput::Connected { name: "Päd".into() } },
            InputEvent::Gamepad { pad: 0, input: GamepadInput::Released },
            InputEvent::Gamepad { pad: 0, input: GamepadInput::Disconnected },
            InputEvent::Gamepad { pad: 0, input: GamepadInput::Button { number: 16, value: 0.5 } },
            InputEvent::Gamepad { pad: 0, input: GamepadInput::Axis { number: 3, value: -1.0 } },
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
