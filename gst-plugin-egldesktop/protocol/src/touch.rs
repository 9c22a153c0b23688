//! Fingers and pens: an extension of Selkies' protocol, for a desktop that has said by the `system` messages
//! `touch,True` and `pen,True` that programs on it see them as such. To others, browsers send them as a mouse.

use std::collections::BTreeMap;

use crate::held::Action;

/// Fingers that one browser can have on the screen; their numbers are below it.
pub const MAX_FINGERS: u8 = 10;
/// How far a pen can lean to any side, in degrees.
const MAX_TILT: f64 = 90.0;

/// One finger at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Finger {
    /// Chosen by the browser when the finger comes down; below [`MAX_FINGERS`].
    pub id: u8,
    /// Pixels of the video, from the left.
    pub x: f64,
    /// Pixels of the video, from the top.
    pub y: f64,
    /// From 0 to 1.
    pub pressure: f64,
}

/// What a finger does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TouchMessage {
    /// `td,id,x,y,pressure`: it comes down.
    Down(Finger),
    /// `tm,id,x,y,pressure`: it moves, or presses harder; repeated each second while it is down.
    Motion(Finger),
    /// `tu,id`: it goes up.
    Up(u8),
    /// `tc`: all fingers of this browser go up, since its system has taken the gesture for itself.
    Cancel,
}

/// `pen,x,y,pressure,tilt-x,tilt-y,buttons`: a pen at one moment; repeated each second while it touches.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pen {
    /// Pixels of the video, from the left.
    pub x: f64,
    /// Pixels of the video, from the top.
    pub y: f64,
    /// From 0 to 1.
    pub pressure: f64,
    /// To the right and towards the user, in degrees from -90 to 90.
    pub tilt: (f64, f64),
    /// Of the [`pen_button`]s.
    pub buttons: u8,
}

/// The bits of [`Pen::buttons`].
pub mod pen_button {
    /// The tip, or the eraser, touches the screen.
    pub const CONTACT: u8 = 1 << 0;
    /// The button at the side.
    pub const BARREL: u8 = 1 << 1;
    /// It is upside down.
    pub const ERASER: u8 = 1 << 2;
    /// It is near enough to the screen to be seen.
    pub const NEAR: u8 = 1 << 3;
    /// All of them.
    pub const ALL: u8 = CONTACT | BARREL | ERASER | NEAR;
}

/// What is to be done with a finger on the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Put it down.
    Down,
    /// Move it.
    Motion,
    /// Take it up.
    Up,
}

impl TouchMessage {
    /// Parses what follows one of the verbs `td`, `tm`, `tu` and `tc`; `None` where it does not fit.
    pub(crate) fn parse(verb: &str, fields: &str) -> Option<Self> {
        match verb {
            "td" => Finger::parse(fields).map(Self::Down),
            "tm" => Finger::parse(fields).map(Self::Motion),
            "tu" => id(fields).map(Self::Up),
            _ => fields.is_empty().then_some(Self::Cancel),
        }
    }
}

impl Finger {
    fn parse(fields: &str) -> Option<Self> {
        let mut fields = fields.split(',');
        let finger = Self {
            id: id(fields.next()?)?,
            x: coordinate(fields.next()?)?,
            y: coordinate(fields.next()?)?,
            pressure: finite(fields.next()?)?.clamp(0.0, 1.0),
        };
        fields.next().is_none().then_some(finger)
    }
}

impl Pen {
    /// Parses what follows the verb; `None` where it does not fit.
    pub(crate) fn parse(fields: &str) -> Option<Self> {
        let mut fields = fields.split(',');
        let pen = Self {
            x: coordinate(fields.next()?)?,
            y: coordinate(fields.next()?)?,
            pressure: finite(fields.next()?)?.clamp(0.0, 1.0),
            tilt: (tilt(fields.next()?)?, tilt(fields.next()?)?),
            buttons: fields.next()?.parse().ok().filter(|buttons| buttons & !pen_button::ALL == 0)?,
        };
        fields.next().is_none().then_some(pen)
    }

    /// Out of sight, at the place where it was.
    fn gone(self) -> Self {
        Self { pressure: 0.0, buttons: 0, ..self }
    }
}

/// The fingers and the pen of one browser.
#[derive(Debug, Default)]
pub(crate) struct Contacts {
    fingers: BTreeMap<u8, Finger>,
    /// While it is near.
    pen: Option<Pen>,
}

impl Contacts {
    pub(crate) fn touch(&mut self, message: TouchMessage) -> Vec<Action> {
        match message {
            TouchMessage::Down(finger) => {
                // One that is down already has lost its release.
                let lifted = self.fingers.insert(finger.id, finger).map(|before| act(before, Phase::Up));
                lifted.into_iter().chain([act(finger, Phase::Down)]).collect()
            }
            // One that is not down was let go of for a browser that had fallen silent.
            TouchMessage::Motion(finger) => match self.fingers.get_mut(&finger.id) {
                Some(known) if *known != finger => {
                    *known = finger;
                    vec![act(finger, Phase::Motion)]
                }
                _ => Vec::new(),
            },
            TouchMessage::Up(id) => self.fingers.remove(&id).map(|finger| act(finger, Phase::Up)).into_iter().collect(),
            TouchMessage::Cancel => self.release_fingers(),
        }
    }

    pub(crate) fn pen(&mut self, pen: Pen) -> Vec<Action> {
        let pen = if pen.buttons & pen_button::NEAR == 0 { pen.gone() } else { pen };
        let before = std::mem::replace(&mut self.pen, (pen.buttons != 0).then_some(pen));
        if before.map_or(pen.buttons == 0, |before| before == pen) { Vec::new() } else { vec![Action::Pen(pen)] }
    }

    pub(crate) fn release_all(&mut self) -> Vec<Action> {
        let mut actions = self.release_fingers();
        actions.extend(self.pen.take().map(|pen| Action::Pen(pen.gone())));
        actions
    }

    fn release_fingers(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.fingers).into_values().map(|finger| act(finger, Phase::Up)).collect()
    }
}

fn act(finger: Finger, phase: Phase) -> Action {
    Action::Touch(phase, finger)
}

fn id(text: &str) -> Option<u8> {
    text.parse().ok().filter(|id| *id < MAX_FINGERS)
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// X coordinates are 16 bits wide, whatever a client says.
fn coordinate(text: &str) -> Option<f64> {
    finite(text).map(|value| value.clamp(f64::from(i16::MIN), f64::from(i16::MAX)))
}

fn tilt(text: &str) -> Option<f64> {
    finite(text).map(|value| value.clamp(-MAX_TILT, MAX_TILT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FINGER: Finger = Finger { id: 3, x: 10.0, y: 20.5, pressure: 0.5 };

    #[test]
    fn fingers_are_parsed_and_bounded() {
        assert_eq!(TouchMessage::parse("td", "3,10,20.5,0.5"), Some(TouchMessage::Down(FINGER)));
        assert_eq!(TouchMessage::parse("tm", "3,10,20.5,0.5"), Some(TouchMessage::Motion(FINGER)));
        assert_eq!(TouchMessage::parse("tu", "3"), Some(TouchMessage::Up(3)));
        assert_eq!(TouchMessage::parse("tc", ""), Some(TouchMessage::Cancel));
        let Some(TouchMessage::Down(far)) = TouchMessage::parse("td", "0,1e9,-1e9,7") else { panic!() };
        assert_eq!((far.x, far.y, far.pressure), (32767.0, -32768.0, 1.0));
        for bad in ["", "10,1,1,1", "-1,1,1,1", "1,1,1", "1,1,1,1,1", "1,NaN,1,1", "1,1,inf,1", "1,1,1,x"] {
            assert_eq!(TouchMessage::parse("td", bad), None, "{bad}");
        }
        assert_eq!(TouchMessage::parse("tu", "10"), None);
        assert_eq!(TouchMessage::parse("tc", "1"), None);
    }

    #[test]
    fn pens_are_parsed_and_bounded() {
        let pen = Pen { x: 1.0, y: 2.0, pressure: 0.25, tilt: (-30.0, 90.0), buttons: 9 };
        assert_eq!(Pen::parse("1,2,0.25,-30,120,9"), Some(pen));
        for bad in ["", "1,2,0,0,0", "1,2,0,0,0,16", "1,2,0,0,0,1,1", "1,2,NaN,0,0,1"] {
            assert_eq!(Pen::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_finger_that_is_not_down_neither_moves_nor_goes_up() {
        let mut contacts = Contacts::default();
        assert_eq!(contacts.touch(TouchMessage::Motion(FINGER)), []);
        assert_eq!(contacts.touch(TouchMessage::Up(3)), []);
        assert_eq!(contacts.touch(TouchMessage::Down(FINGER)), [act(FINGER, Phase::Down)]);
        // The repetition that keeps a connection alive is none for programs.
        assert_eq!(contacts.touch(TouchMessage::Motion(FINGER)), []);
        let again = [act(FINGER, Phase::Up), act(FINGER, Phase::Down)];
        assert_eq!(contacts.touch(TouchMessage::Down(FINGER)), again);
        assert_eq!(contacts.touch(TouchMessage::Cancel), [act(FINGER, Phase::Up)]);
        assert_eq!(contacts.touch(TouchMessage::Cancel), []);
    }

    #[test]
    fn a_pen_leaves_once() {
        let mut contacts = Contacts::default();
        let drawing = Pen { pressure: 1.0, buttons: pen_button::NEAR | pen_button::CONTACT, ..Pen::default() };
        let gone = Pen::default();
        assert_eq!(contacts.pen(gone), []);
        assert_eq!(contacts.pen(drawing), [Action::Pen(drawing)]);
        assert_eq!(contacts.pen(drawing), []);
        // Far away, it presses nothing, whatever the browser says.
        assert_eq!(contacts.pen(Pen { buttons: pen_button::CONTACT, ..drawing }), [Action::Pen(gone)]);
        assert_eq!(contacts.release_all(), []);
        contacts.pen(drawing);
        assert_eq!(contacts.release_all(), [Action::Pen(gone)]);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            for verb in ["td", "tm", "tu", "tc"] {
                let _ = TouchMessage::parse(verb, &text);
            }
            let _ = Pen::parse(&text);
        }
    }
}
