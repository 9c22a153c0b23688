//! What goes over a socket after the configuration.

use super::{EV_FF, FF_GAIN};

/// `struct js_event`, 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsEvent {
    /// Milliseconds since some time.
    pub time: u32,
    /// 0 or 1 of a button; −32767 to 32767 of an axis.
    pub value: i16,
    /// [`super::JS_EVENT_BUTTON`] or [`super::JS_EVENT_AXIS`], and [`super::JS_EVENT_INIT`] or not.
    pub kind: u8,
    /// Which button or axis.
    pub number: u8,
}

impl JsEvent {
    /// Size of the structure.
    pub const BYTES: usize = 8;

    /// The structure.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let ([a, b, c, d], [e, f]) = (self.time.to_ne_bytes(), self.value.to_ne_bytes());
        [a, b, c, d, e, f, self.kind, self.number]
    }

    /// The reverse.
    pub fn from_bytes([a, b, c, d, e, f, kind, number]: [u8; Self::BYTES]) -> Self {
        Self { time: u32::from_ne_bytes([a, b, c, d]), value: i16::from_ne_bytes([e, f]), kind, number }
    }
}

/// `sizeof(long)` of a program: how long the times in its `struct input_event` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LongSize {
    /// A program of 32 bits.
    Four,
    /// A program of 64 bits.
    Eight,
}

impl LongSize {
    /// That of this program.
    pub const OURS: Self = if size_of::<usize>() == 4 { Self::Four } else { Self::Eight };

    /// From the byte that the library sends.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    /// The byte that the library sends.
    pub fn to_byte(self) -> u8 {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// Size of `struct input_event`.
    pub fn event_bytes(self) -> usize {
        2 * usize::from(self.to_byte()) + 8
    }
}

/// `struct input_event`, 16 or 24 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputEvent {
    /// Seconds since 1970.
    pub seconds: i64,
    /// And microseconds.
    pub microseconds: i64,
    /// `EV_…`
    pub kind: u16,
    /// Which of these.
    pub code: u16,
    /// Its value.
    pub value: i32,
}

impl InputEvent {
    /// Appends the structure as programs with this `long` have it.
    pub fn write(self, long: LongSize, bytes: &mut Vec<u8>) {
        for time in [self.seconds, self.microseconds] {
            match long {
                LongSize::Four => bytes.extend((time as i32).to_ne_bytes()),
                LongSize::Eight => bytes.extend(time.to_ne_bytes()),
            }
        }
        bytes.extend(self.kind.to_ne_bytes());
        bytes.extend(self.code.to_ne_bytes());
        bytes.extend(self.value.to_ne_bytes());
    }

    /// The reverse; `None` where the length is not that of the structure.
    pub fn read(long: LongSize, bytes: &[u8]) -> Option<Self> {
        if bytes.len() != long.event_bytes() {
            return None;
        }
        let (times, rest) = bytes.split_at(2 * usize::from(long.to_byte()));
        let (seconds, microseconds) = times.split_at(times.len() / 2);
        let time = |bytes: &[u8]| match long {
            LongSize::Four => Some(i32::from_ne_bytes(bytes.try_into().ok()?).into()),
            LongSize::Eight => Some(i64::from_ne_bytes(bytes.try_into().ok()?)),
        };
        let [a, b, c, d, e, f, g, h] = rest.try_into().ok()?;
        Some(Self {
            seconds: time(seconds)?,
            microseconds: time(microseconds)?,
            kind: u16::from_ne_bytes([a, b]),
            code: u16::from_ne_bytes([c, d]),
            value: i32::from_ne_bytes([e, f, g, h]),
        })
    }
}

/// What a program does with the motors of a pad. It writes the `struct input_event` of playing and gain itself; for what
/// it does by `ioctl`, the library sends records of the same shape with types that are none of Linux's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromProgram {
    /// `EVIOCSFF`: this effect is to be known by this number.
    Upload {
        /// Less than 16.
        id: u8,
        /// The strong motor, of 65535.
        strong: u16,
        /// The weak motor, of 65535.
        weak: u16,
        /// Milliseconds; 0 until it is stopped.
        length: u16,
    },
    /// `EVIOCRMFF`: it is gone.
    Erase(u8),
    /// `EV_FF`: the effect is to be played, or to be stopped.
    Play {
        /// Which.
        id: u8,
        /// Begin or end.
        on: bool,
    },
    /// `FF_GAIN`: how strong everything is, of 65535.
    Gain(u16),
}

/// How many effects a pad holds at once.
const EFFECTS: u16 = 16;
const UPLOAD: u16 = 0xf001;
const ERASE: u16 = 0xf002;

impl FromProgram {
    /// From what a program wrote; `None` for what means nothing here.
    pub fn from_event(event: InputEvent) -> Option<Self> {
        let id = u8::try_from(event.code).ok().filter(|_| event.code < EFFECTS);
        match (event.kind, event.code) {
            (EV_FF, FF_GAIN) => Some(Self::Gain(event.value.clamp(0, 0xffff) as u16)),
            (EV_FF, _) => Some(Self::Play { id: id?, on: event.value > 0 }),
            (UPLOAD, _) => Some(Self::Upload {
                id: id?,
                strong: (event.value as u32 >> 16) as u16,
                weak: event.value as u16,
                length: event.seconds as u16,
            }),
            (ERASE, _) => Some(Self::Erase(id?)),
            _ => None,
        }
    }

    /// The record.
    pub fn to_event(self) -> InputEvent {
        let event = |kind, code, value, seconds| InputEvent { seconds, microseconds: 0, kind, code, value };
        match self {
            Self::Upload { id, strong, weak, length } => {
                event(UPLOAD, id.into(), (u32::from(strong) << 16 | u32::from(weak)) as i32, length.into())
            }
            Self::Erase(id) => event(ERASE, id.into(), 0, 0),
            Self::Play { id, on } => event(EV_FF, id.into(), on.into(), 0),
            Self::Gain(gain) => event(EV_FF, FF_GAIN, gain.into(), 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_have_the_sizes_of_linux() {
        let event = InputEvent { seconds: 1, microseconds: 2, kind: 3, code: 0x10, value: -1 };
        let mut bytes = Vec::new();
        event.write(LongSize::Eight, &mut bytes);
        assert_eq!(bytes.len(), 24);
        assert_eq!(InputEvent::read(LongSize::Eight, &bytes), Some(event));
        assert_eq!(InputEvent::read(LongSize::Four, &bytes), None);
        bytes.clear();
        event.write(LongSize::Four, &mut bytes);
        assert_eq!(bytes.len(), 16);
        assert_eq!(bytes[8..], [&3u16.to_ne_bytes()[..], &16u16.to_ne_bytes(), &(-1i32).to_ne_bytes()].concat());
        assert_eq!(InputEvent::read(LongSize::Four, &bytes), Some(event));
        let event = JsEvent { time: 5, value: -32767, kind: 0x82, number: 7 };
        assert_eq!(JsEvent::from_bytes(event.to_bytes()), event);
    }

    #[test]
    fn what_programs_do_with_the_motors() {
        for sent in [
            FromProgram::Upload { id: 15, strong: 0xffff, weak: 0x1234, length: 65535 },
            FromProgram::Erase(3),
            FromProgram::Play { id: 0, on: true },
            FromProgram::Play { id: 15, on: false },
            FromProgram::Gain(0x8000),
        ] {
            assert_eq!(FromProgram::from_event(sent.to_event()), Some(sent));
        }
        for (kind, code) in [(EV_FF, 16), (UPLOAD, 16), (ERASE, 0xffff), (1, 0x130)] {
            let event = InputEvent { seconds: 0, microseconds: 0, kind, code, value: 1 };
            assert_eq!(FromProgram::from_event(event), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..30)) {
            for long in [LongSize::Four, LongSize::Eight] {
                let _ = InputEvent::read(long, &bytes).and_then(FromProgram::from_event);
            }
        }
    }
}
