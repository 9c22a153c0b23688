//! What the desktop tells whoever shows it: out-of-band events downstream, so that a frame that an encoder holds back
//! never delays them.

use std::sync::Arc;

use selkies_protocol::clipboard::{Format, Part};

/// Name of the structure of a cursor; fields `serial` (uint), `png` (buffer; none for a hidden cursor), `hot-x` and
/// `hot-y` (uint, pixels).
const CURSOR: &str = "egldesktop-cursor";
/// Name of the structure of clipboard content; fields as in [`write_parts`].
const CLIPBOARD: &str = "egldesktop-clipboard";
/// Name of the structure that acknowledges clipboard content; field `transaction` (uint64).
const CLIPBOARD_TAKEN: &str = "egldesktop-clipboard-taken";
/// Name of the structure of the size of the screen; fields `width` and `height` (uint, pixels).
const SCREEN: &str = "egldesktop-screen";
/// Name of the structure of the devices that programs on the desktop see; fields `touch`, `pen`, `wheel`
/// and `gamepads` (boolean).
const DEVICES: &str = "egldesktop-devices";

/// Devices that programs on the desktop see, beside keyboard and mouse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Devices {
    /// A touch screen; without one, a finger is a mouse to them.
    pub touch: bool,
    /// A pen with pressure and tilt; without one, it is a mouse to them.
    pub pen: bool,
    /// A wheel that turns by parts of a tick.
    pub wheel: bool,
    /// Gamepads, as soon as a browser has one.
    pub gamepads: bool,
}
/// Name of the structure of a rumble; fields `pad`, `strong`, `weak` (uint, of 65535) and `duration` (uint, ms).
const RUMBLE: &str = "egldesktop-gamepad-rumble";

/// Something that happened on the desktop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DesktopEvent {
    /// The pointer looks like this now.
    Cursor {
        /// The same serial is the same image.
        serial: u32,
        /// The image as PNG; empty when there is no pointer to see.
        png: Vec<u8>,
        /// The pixel that points, from the left and the top.
        hotspot: (u16, u16),
    },
    /// This was copied.
    Clipboard(Arc<[Part]>),
    /// The content of that transaction is what the desktop pastes from now on.
    ClipboardTaken(u64),
    /// The screen has this size now, in pixels.
    Screen {
        /// From the left to the right.
        width: u32,
        /// From the top to the bottom.
        height: u32,
    },
    /// Programs see these devices now.
    Devices(Devices),
    /// A program makes a gamepad rumble, until the next of these.
    Rumble {
        /// Which of the desktop's, from 0.
        pad: u8,
        /// The strong motor, of 65535.
        strong: u16,
        /// The weak motor, of 65535.
        weak: u16,
        /// At most this long, in milliseconds.
        duration: u32,
    },
}

impl DesktopEvent {
    /// The event to push downstream.
    pub fn to_event(&self) -> gst::Event {
        let structure = match self {
            Self::Cursor { serial, png, hotspot: (x, y) } => gst::Structure::builder(CURSOR)
                .field("serial", serial)
                .field("hot-x", u32::from(*x))
                .field("hot-y", u32::from(*y))
                .field_if("png", gst::Buffer::from_slice(png.clone()), !png.is_empty())
                .build(),
            Self::Clipboard(parts) => {
                let mut structure = gst::Structure::new_empty(CLIPBOARD);
                write_parts(&mut structure, parts);
                structure
            }
            Self::ClipboardTaken(transaction) => {
                gst::Structure::builder(CLIPBOARD_TAKEN).field("transaction", transaction).build()
            }
            Self::Screen { width, height } => {
                gst::Structure::builder(SCREEN).field("width", width).field("height", height).build()
            }
            Self::Devices(Devices { touch, pen, wheel, gamepads }) => gst::Structure::builder(DEVICES)
                .field("touch", touch)
                .field("pen", pen)
                .field("wheel", wheel)
                .field("gamepads", gamepads)
                .build(),
            Self::Rumble { pad, strong, weak, duration } => gst::Structure::builder(RUMBLE)
                .field("pad", u32::from(*pad))
                .field("strong", u32::from(*strong))
                .field("weak", u32::from(*weak))
                .field("duration", duration)
                .build(),
        };
        gst::event::CustomDownstreamOob::new(structure)
    }

    /// Parses a downstream event; `None` for events that are none of these.
    pub fn parse(event: &gst::EventRef) -> Option<Self> {
        let structure = event.structure().filter(|_| event.type_() == gst::EventType::CustomDownstreamOob)?;
        match structure.name().as_str() {
            CURSOR => Some(Self::Cursor {
                serial: structure.get("serial").ok()?,
                png: read_bytes(structure, "png").unwrap_or_default(),
                hotspot: (
                    structure.get::<u32>("hot-x").ok()?.try_into().ok()?,
                    structure.get::<u32>("hot-y").ok()?.try_into().ok()?,
                ),
            }),
            CLIPBOARD => Some(Self::Clipboard(read_parts(structure).into())),
            CLIPBOARD_TAKEN => Some(Self::ClipboardTaken(structure.get("transaction").ok()?)),
            SCREEN => Some(Self::Screen { width: structure.get("width").ok()?, height: structure.get("height").ok()? }),
            DEVICES => Some(Self::Devices(Devices {
                touch: structure.get("touch").ok()?,
                pen: structure.get("pen").ok()?,
                wheel: structure.get("wheel").ok()?,
                gamepads: structure.get("gamepads").ok()?,
            })),
            RUMBLE => Some(Self::Rumble {
                pad: structure.get::<u32>("pad").ok()?.try_into().ok()?,
                strong: structure.get::<u32>("strong").ok()?.try_into().ok()?,
                weak: structure.get::<u32>("weak").ok()?.try_into().ok()?,
                duration: structure.get("duration").ok()?,
            }),
            _ => None,
        }
    }
}

/// Fields `text`, `html` and `png` (buffer), of the formats that there are.
pub(super) fn write_parts(structure: &mut gst::StructureRef, parts: &[Part]) {
    for part in parts {
        structure.set(field_name(part.format()), gst::Buffer::from_slice(part.data().to_vec()));
    }
}

/// The formats that there are and that are what they say.
pub(super) fn read_parts(structure: &gst::StructureRef) -> Vec<Part> {
    let part = |format| Part::new(format, read_bytes(structure, field_name(format))?).ok();
    Format::ALL.into_iter().filter_map(part).collect()
}

fn field_name(format: Format) -> &'static str {
    match format {
        Format::Text => "text",
        Format::Html => "html",
        Format::Png => "png",
    }
}

fn read_bytes(structure: &gst::StructureRef, field: &str) -> Option<Vec<u8>> {
    let buffer = structure.get::<gst::Buffer>(field).ok()?;
    let map = buffer.map_readable().ok()?;
    Some(map.to_vec())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn parts() -> Vec<Part> {
        vec![
            Part::new(Format::Text, "日".into()).unwrap(),
            Part::new(Format::Html, "<p>日</p>".into()).unwrap(),
            Part::new(Format::Png, b"\x89PNG\r\n\x1a\n".into()).unwrap(),
        ]
    }

    #[test]
    fn every_event_survives() {
        gst::init().unwrap();
        for sent in [
            DesktopEvent::Cursor { serial: 3, png: vec![1, 2], hotspot: (4, 5) },
            DesktopEvent::Cursor { serial: 3, png: vec![], hotspot: (0, 0) },
            DesktopEvent::Clipboard(parts().into()),
            DesktopEvent::ClipboardTaken(u64::MAX),
            DesktopEvent::Screen { width: 1366, height: 768 },
            DesktopEvent::Devices(Devices { touch: true, pen: false, wheel: true, gamepads: true }),
            DesktopEvent::Rumble { pad: 3, strong: 65535, weak: 1, duration: 65535 },
        ] {
            assert_eq!(DesktopEvent::parse(&sent.to_event()), Some(sent));
        }
        assert_eq!(DesktopEvent::parse(&gst::event::Eos::new()), None);
    }
}
