//! An X-Box 360 pad as a browser's pad moves it. Pure.

use selkies_protocol::joystick::{AXES, BUTTONS, EV_ABS, EV_KEY, axis_range};

use crate::events::GamepadInput;

/// Something about the pad that is not as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A button: its place in [`BUTTONS`], and whether it is down.
    Button(u8, bool),
    /// An axis: its place in [`AXES`], and its value in the range of the axis.
    Axis(u8, i32),
}

impl Change {
    /// Type, code and value of the evdev event.
    pub(super) fn evdev(self) -> (u16, u16, i32) {
        match self {
            Self::Button(number, pressed) => (EV_KEY, BUTTONS[usize::from(number)], pressed.into()),
            Self::Axis(number, value) => (EV_ABS, AXES[usize::from(number)], value),
        }
    }
}

/// What the browser's standard gamepad has as a button, and where that is here.
enum Place {
    /// In [`BUTTONS`].
    Button(u8),
    /// A trigger, in [`AXES`].
    Trigger(u8),
    /// One of the four directions: the axis in [`AXES`].
    Direction(u8),
}

/// The axes of the sticks, from the standard gamepad's: X, Y, RX, RY.
const STICKS: [u8; 4] = [0, 1, 3, 4];

fn place(number: u8) -> Option<Place> {
    Some(match number {
        // A, B, X, Y, and those above the triggers.
        0..=5 => Place::Button(number),
        6 => Place::Trigger(2),
        7 => Place::Trigger(5),
        // Select and start.
        8 => Place::Button(6),
        9 => Place::Button(7),
        // The sticks as buttons come after the one in the middle.
        10 => Place::Button(9),
        11 => Place::Button(10),
        12 | 13 => Place::Direction(7),
        14 | 15 => Place::Direction(6),
        16 => Place::Button(8),
        _ => return None,
    })
}

/// The state of a pad.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pad {
    buttons: [bool; BUTTONS.len()],
    axes: [i32; AXES.len()],
    /// Up, down, left, right: both ends of an axis can be pressed at once, and then neither is.
    directions: [bool; 4],
}

impl Pad {
    /// What changes by this; nothing for what such a pad does not have.
    pub(super) fn apply(&mut self, input: &GamepadInput) -> Vec<Change> {
        match *input {
            GamepadInput::Button { number, value } => self.press(number, value).into_iter().collect(),
            GamepadInput::Axis { number, value } => match STICKS.get(usize::from(number)) {
                Some(&axis) => self.set(axis, scaled(axis, value)).into_iter().collect(),
                None => Vec::new(),
            },
            GamepadInput::Released => self.release(),
            GamepadInput::Connected { .. } | GamepadInput::Disconnected => Vec::new(),
        }
    }

    /// Lets go of everything.
    pub(super) fn release(&mut self) -> Vec<Change> {
        let before = std::mem::take(self);
        let (was, is) = (before.state(), self.state());
        was.zip(is).filter(|(was, is)| was != is).map(|(_, is)| is).collect()
    }

    /// All of it.
    pub(super) fn state(&self) -> impl Iterator<Item = Change> {
        let buttons = (0u8..).zip(self.buttons).map(|(number, pressed)| Change::Button(number, pressed));
        buttons.chain((0u8..).zip(self.axes).map(|(number, value)| Change::Axis(number, value)))
    }

    fn press(&mut self, number: u8, value: f64) -> Option<Change> {
        let pressed = value >= 0.5;
        match place(number)? {
            Place::Button(button) => {
                let is = self.buttons.get_mut(usize::from(button))?;
                (std::mem::replace(is, pressed) != pressed).then_some(Change::Button(button, pressed))
            }
            Place::Trigger(axis) => {
                let range = axis_range(AXES[usize::from(axis)]);
                self.set(axis, (value.clamp(0.0, 1.0) * f64::from(range.maximum)).round() as i32)
            }
            Place::Direction(axis) => {
                *self.directions.get_mut(usize::from(number.checked_sub(12)?))? = pressed;
                let [up, down, left, right] = self.directions.map(i32::from);
                self.set(axis, if axis == 7 { down - up } else { right - left })
            }
        }
    }

    fn set(&mut self, axis: u8, value: i32) -> Option<Change> {
        let is = self.axes.get_mut(usize::from(axis))?;
        (std::mem::replace(is, value) != value).then_some(Change::Axis(axis, value))
    }
}

fn scaled(axis: u8, value: f64) -> i32 {
    (value.clamp(-1.0, 1.0) * f64::from(axis_range(AXES[usize::from(axis)]).maximum)).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn button(number: u8, value: f64) -> GamepadInput {
        GamepadInput::Button { number, value }
    }

    fn axis(number: u8, value: f64) -> GamepadInput {
        GamepadInput::Axis { number, value }
    }

    #[test]
    fn each_button_of_the_standard_gamepad_has_its_code() {
        let codes = (0..17).map(|number| {
            let changes = Pad::default().apply(&button(number, 1.0));
            assert_eq!(changes.len(), 1, "{number}");
            changes[0].evdev()
        });
        let expected = [
            (EV_KEY, 0x130, 1),
            (EV_KEY, 0x131, 1),
            (EV_KEY, 0x133, 1),
            (EV_KEY, 0x134, 1),
            (EV_KEY, 0x136, 1),
            (EV_KEY, 0x137, 1),
            (EV_ABS, 0x02, 255),
            (EV_ABS, 0x05, 255),
            (EV_KEY, 0x13a, 1),
            (EV_KEY, 0x13b, 1),
            (EV_KEY, 0x13d, 1),
            (EV_KEY, 0x13e, 1),
            (EV_ABS, 0x11, -1),
            (EV_ABS, 0x11, 1),
            (EV_ABS, 0x10, -1),
            (EV_ABS, 0x10, 1),
            (EV_KEY, 0x13c, 1),
        ];
        assert!(codes.eq(expected));
        assert_eq!(Pad::default().apply(&button(17, 1.0)), []);
    }

    #[test]
    fn sticks_and_triggers_are_scaled() {
        let mut pad = Pad::default();
        let codes = [0x00, 0x01, 0x03, 0x04];
        for (number, code) in (0u8..).zip(codes) {
            assert_eq!(pad.apply(&axis(number, -1.0))[0].evdev(), (EV_ABS, code, -32767));
            assert_eq!(pad.apply(&axis(number, 0.5))[0].evdev(), (EV_ABS, code, 16384));
        }
        assert_eq!(pad.apply(&axis(4, 1.0)), []);
        assert_eq!(pad.apply(&button(6, 0.5))[0].evdev(), (EV_ABS, 0x02, 128));
        assert_eq!(pad.apply(&button(6, 0.501)), [], "the same for the pad");
    }

    #[test]
    fn opposite_directions_cancel() {
        let mut pad = Pad::default();
        assert_eq!(pad.apply(&button(12, 1.0)), [Change::Axis(7, -1)]);
        assert_eq!(pad.apply(&button(13, 1.0)), [Change::Axis(7, 0)]);
        assert_eq!(pad.apply(&button(12, 0.0)), [Change::Axis(7, 1)]);
        assert_eq!(pad.release(), [Change::Axis(7, 0)]);
        assert_eq!(pad.apply(&button(15, 1.0)), [Change::Axis(6, 1)]);
    }

    proptest! {
        /// Whatever was sent, a release brings every reader back to the state of a pad that nobody touches.
        #[test]
        fn nothing_stays_down(inputs in prop::collection::vec(
            prop_oneof![
                (any::<u8>(), -2.0..2.0).prop_map(|(number, value)| button(number % 20, value)),
                (any::<u8>(), -2.0..2.0).prop_map(|(number, value)| axis(number % 6, value)),
            ], 0..60)) {
            let mut pad = Pad::default();
            let mut reader: std::collections::BTreeMap<_, _> =
                pad.state().map(|change| { let (kind, code, value) = change.evdev(); ((kind, code), value) }).collect();
            let neutral = reader.clone();
            let mut changes: Vec<_> = inputs.iter().flat_map(|input| pad.apply(input)).collect();
            changes.extend(pad.release());
            for (kind, code, value) in changes.into_iter().map(Change::evdev) {
                let range = axis_range(code);
                prop_assert!(kind == EV_KEY || (range.minimum..=range.maximum).contains(&value));
                reader.insert((kind, code), value);
            }
            prop_assert_eq!(reader, neutral);
        }
    }
}
