//! What one browser holds down.
//!
//! The protocol sends states (a button mask, a list of held keys); the desktop wants changes. Keeping the state per
//! browser also means that whatever it holds can be released when it leaves.

use std::collections::BTreeSet;

use crate::input::{ClientMessage, Mouse};
use crate::signalling::Dialect;
use crate::touch::{Contacts, Finger, Pen, Phase};
use crate::wheel::{Remainder, Turn};

/// The most keys one browser can hold: a client that only ever presses must not grow the set.
const MAX_KEYS: usize = 256;

const WHEEL_DOWN: u8 = 1 << 3;
const WHEEL_UP: u8 = 1 << 4;
const WHEEL_LEFT: u8 = 1 << 6;
const WHEEL_RIGHT: u8 = 1 << 7;
/// Mask bit and X11 button of what is always a button.
const BUTTONS: [(u8, u8); 3] = [(1 << 0, 1), (1 << 1, 2), (1 << 2, 3)];
/// The same for the bits that are a button only without a magnitude.
const SIDE_BUTTONS: [(u8, u8); 2] = [(WHEEL_DOWN, 8), (WHEEL_UP, 9)];

/// A single thing to do on the desktop.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Move the pointer to this place, in pixels of the video.
    MoveTo(f64, f64),
    /// Move the pointer by this much, in pixels.
    MoveBy(f64, f64),
    /// Press or release a button, by its X11 number (1 left, 2 middle, 3 right, 8 back, 9 forward).
    Button(u8, bool),
    /// Turn the wheel by this many ticks: right and down are positive. Whole ones, unless [`Held::apply`] was told that
    /// parts are possible.
    Scroll(f64, f64),
    /// Press or release a key, by its X11 keysym.
    Key(u32, bool),
    /// Type this text.
    Text(String),
    /// Turn Caps Lock and Num Lock on or off.
    Locks {
        /// Caps Lock.
        caps: bool,
        /// Num Lock.
        num: bool,
    },
    /// Give the screen this size, in pixels.
    Resize {
        /// Even.
        width: u32,
        /// Even.
        height: u32,
    },
    /// Draw everything this many times as large as usual.
    Scale(f64),
    /// Do this with a finger.
    Touch(Phase, Finger),
    /// The pen is like this now; without [`crate::touch::pen_button::NEAR`] it is gone.
    Pen(Pen),
}

/// The keys and buttons that one browser holds down.
#[derive(Debug)]
pub struct Held {
    dialect: Dialect,
    mask: u8,
    buttons: BTreeSet<u8>,
    keys: BTreeSet<u32>,
    contacts: Contacts,
    wheel: Remainder,
}

impl Held {
    /// A browser that holds nothing yet.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            mask: 0,
            buttons: BTreeSet::new(),
            keys: BTreeSet::new(),
            contacts: Contacts::default(),
            wheel: Remainder::default(),
        }
    }

    /// What the desktop has to do for this message. `smooth`: it can turn its wheel by parts of a tick.
    pub fn apply(&mut self, message: ClientMessage, smooth: bool) -> Vec<Action> {
        match message {
            ClientMessage::Mouse(mouse) => self.mouse(mouse),
            ClientMessage::KeyDown(key) => {
                if self.keys.len() >= MAX_KEYS {
                    return Vec::new();
                }
                // A key that is down already is pressed again: its release may have been lost.
                self.keys.insert(key);
                vec![Action::Key(key, true)]
            }
            ClientMessage::KeyUp(key) => {
                self.keys.remove(&key);
                vec![Action::Key(key, false)]
            }
            ClientMessage::KeyReset => self.release_keys_except(&[]),
            ClientMessage::KeysHeld(held) => self.release_keys_except(&held),
            ClientMessage::Text(text) => vec![Action::Text(text)],
            ClientMessage::Locks { caps, num } => vec![Action::Locks { caps, num }],
            ClientMessage::Resize { width, height } => vec![Action::Resize { width, height }],
            ClientMessage::Touch(message) => self.contacts.touch(message),
            ClientMessage::Pen(pen) => self.contacts.pen(pen),
            ClientMessage::Turn(turn) => {
                let Turn { dx, dy } = self.wheel.take(turn, smooth);
                if dx == 0.0 && dy == 0.0 { Vec::new() } else { vec![Action::Scroll(dx, dy)] }
            }
            ClientMessage::Scale(ratio) => vec![Action::Scale(ratio)],
            // Neither of the hands.
            ClientMessage::Clipboard(_) | ClientMessage::Gamepad(_) | ClientMessage::Pong(_) => Vec::new(),
        }
    }

    /// Releases everything, for a browser that leaves.
    pub fn release_all(&mut self) -> Vec<Action> {
        self.mask = 0;
        let mut actions = self.release_keys_except(&[]);
        actions.extend(self.contacts.release_all());
        actions.extend(std::mem::take(&mut self.buttons).into_iter().map(|button| Action::Button(button, false)));
        actions
    }

    fn release_keys_except(&mut self, still: &[u32]) -> Vec<Action> {
        let (kept, released) = std::mem::take(&mut self.keys).into_iter().partition(|key| still.contains(key));
        self.keys = kept;
        let released: BTreeSet<u32> = released;
        released.into_iter().map(|key| Action::Key(key, false)).collect()
    }

    fn mouse(&mut self, mouse: Mouse) -> Vec<Action> {
        let pressed = mouse.mask & !self.mask;
        let released = self.mask & !mouse.mask;
        self.mask = mouse.mask;

        let mut actions = Vec::with_capacity(2);
        // A wheel message of Selkies repeats the last relative motion: it is not a second motion.
        let wheel = self.wheel(pressed, &mouse);
        let side_released = released & (WHEEL_DOWN | WHEEL_UP) != 0;
        if !mouse.relative {
            actions.push(Action::MoveTo(mouse.x, mouse.y));
        } else if wheel.is_none() && !side_released && (mouse.x != 0.0 || mouse.y != 0.0) {
            actions.push(Action::MoveBy(mouse.x, mouse.y));
        }
        actions.extend(wheel);

        let side_as_buttons = self.dialect == Dialect::Extended && mouse.magnitude.unwrap_or(0) == 0;
        let pressable = BUTTONS.iter().chain(SIDE_BUTTONS.iter().filter(|_| side_as_buttons));
        for &(bit, button) in pressable {
            if pressed & bit != 0 {
                self.buttons.insert(button);
                actions.push(Action::Button(button, true));
            }
        }
        for (bit, button) in BUTTONS.into_iter().chain(SIDE_BUTTONS) {
            if released & bit != 0 && self.buttons.remove(&button) {
                actions.push(Action::Button(button, false));
            }
        }
        actions
    }

    fn wheel(&self, pressed: u8, mouse: &Mouse) -> Option<Action> {
        let ticks = match (self.dialect, mouse.magnitude) {
            // Selkies' own server turns at least one tick; before 1.6 there was no magnitude.
            (Dialect::Selkies, magnitude) => magnitude.unwrap_or(1).max(1),
            (Dialect::Extended, magnitude) => magnitude.unwrap_or(0),
        } as i32;
        let direction = |bit: u8| if pressed & bit != 0 { ticks } else { 0 };
        let (dx, dy) = (direction(WHEEL_RIGHT) - direction(WHEEL_LEFT), direction(WHEEL_DOWN) - direction(WHEEL_UP));
        (dx != 0 || dy != 0).then(|| Action::Scroll(dx.into(), dy.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::touch::{TouchMessage, pen_button};
    use proptest::prelude::*;

    fn run(held: &mut Held, messages: &[&str]) -> Vec<Action> {
        messages.iter().flat_map(|text| held.apply(ClientMessage::parse(text).unwrap(), false)).collect()
    }

    #[test]
    fn a_click_is_one_press_and_one_release() {
        let mut held = Held::new(Dialect::Selkies);
        let actions = run(&mut held, &["m,5,6,0,0", "m,5,6,1,0", "m,5,6,1,0", "m,5,6,0,0"]);
        let buttons: Vec<_> = actions.into_iter().filter(|action| matches!(action, Action::Button(..))).collect();
        assert_eq!(buttons, [Action::Button(1, true), Action::Button(1, false)]);
    }

    #[test]
    fn a_wheel_tick_presses_no_button_and_ticks_once() {
        let mut held = Held::new(Dialect::Selkies);
        let actions = run(&mut held, &["m,5,6,8,2", "m,5,6,0,2", "m,5,6,16", "m,5,6,0"]);
        let rest: Vec<_> = actions.into_iter().filter(|action| !matches!(action, Action::MoveTo(..))).collect();
        assert_eq!(rest, [Action::Scroll(0.0, 2.0), Action::Scroll(0.0, -1.0)]);
    }

    #[test]
    fn a_wheel_tick_while_dragging_leaves_the_button_down() {
        let mut held = Held::new(Dialect::Selkies);
        let actions = run(&mut held, &["m,0,0,1,0", "m,0,0,9,1", "m,0,0,1,1"]);
        assert!(actions.contains(&Action::Scroll(0.0, 1.0)));
        assert!(!actions.contains(&Action::Button(1, false)));
        assert_eq!(actions.iter().filter(|action| matches!(action, Action::Scroll(..))).count(), 1);
    }

    #[test]
    fn a_wheel_message_does_not_repeat_the_relative_motion() {
        let mut held = Held::new(Dialect::Selkies);
        assert_eq!(run(&mut held, &["m2,3,4,8,1", "m2,3,4,0,1"]), [Action::Scroll(0.0, 1.0)]);
    }

    #[test]
    fn back_and_forward_are_buttons_only_for_clients_that_tell_them_apart() {
        let mut ours = Held::new(Dialect::Extended);
        let buttons: Vec<_> = run(&mut ours, &["m,0,0,8,0", "m,0,0,0,0"]);
        assert!(buttons.contains(&Action::Button(8, true)) && buttons.contains(&Action::Button(8, false)));
        let mut selkies = Held::new(Dialect::Selkies);
        assert!(run(&mut selkies, &["m,0,0,8,0"]).contains(&Action::Scroll(0.0, 1.0)));
    }

    #[test]
    fn horizontal_wheel() {
        let mut held = Held::new(Dialect::Extended);
        assert!(run(&mut held, &["m,0,0,64,3", "m,0,0,0,0"]).contains(&Action::Scroll(-3.0, 0.0)));
        assert!(run(&mut held, &["m,0,0,128,1", "m,0,0,0,0"]).contains(&Action::Scroll(1.0, 0.0)));
    }

    #[test]
    fn each_browser_adds_up_its_own_turns() {
        let (mut one, mut other) = (Held::new(Dialect::Extended), Held::new(Dialect::Extended));
        assert_eq!(run(&mut one, &["ws,0,0.75"]), []);
        assert_eq!(run(&mut other, &["ws,0,0.75"]), []);
        assert_eq!(run(&mut one, &["ws,0,0.25"]), [Action::Scroll(0.0, 1.0)]);
        let turn = |held: &mut Held, text| held.apply(ClientMessage::parse(text).unwrap(), true);
        assert_eq!(turn(&mut other, "ws,-0.5,0"), [Action::Scroll(-0.5, 0.75)]);
        assert_eq!(turn(&mut other, "ws,0,0.001"), []);
    }

    #[test]
    fn a_snapshot_releases_what_it_does_not_list() {
        let mut held = Held::new(Dialect::Extended);
        run(&mut held, &["kd,65", "kd,66"]);
        assert_eq!(run(&mut held, &["kh,66"]), [Action::Key(65, false)]);
        assert_eq!(run(&mut held, &["kr"]), [Action::Key(66, false)]);
        assert_eq!(run(&mut held, &["kr"]), []);
    }

    proptest! {
        /// Whatever was sent: after release_all nothing that was pressed is still down.
        #[test]
        fn nothing_stays_down(messages in prop::collection::vec(
            prop_oneof![
                (1u32..6).prop_map(ClientMessage::KeyDown),
                (1u32..6).prop_map(ClientMessage::KeyUp),
                prop::collection::vec(1u32..6, 0..3).prop_map(ClientMessage::KeysHeld),
                (any::<u8>(), prop::option::of(0u32..3), any::<bool>()).prop_map(|(mask, magnitude, relative)| {
                    ClientMessage::Mouse(Mouse { relative, x: 1.0, y: 1.0, mask, magnitude })
                }),
                (0u8..4, 0u8..3).prop_map(|(kind, id)| ClientMessage::Touch(match kind {
                    0 => TouchMessage::Down(Finger { id, x: 1.0, y: 1.0, pressure: 1.0 }),
                    1 => TouchMessage::Motion(Finger { id, x: 2.0, y: 1.0, pressure: 1.0 }),
                    2 => TouchMessage::Up(id),
                    _ => TouchMessage::Cancel,
                })),
                (0..=pen_button::ALL).prop_map(|buttons| ClientMessage::Pen(Pen { buttons, ..Pen::default() })),
            ], 0..40), extended: bool) {
            let mut held = Held::new(if extended { Dialect::Extended } else { Dialect::Selkies });
            let mut down = BTreeSet::new();
            let mut actions: Vec<_> = messages.into_iter().flat_map(|message| held.apply(message, false)).collect();
            actions.extend(held.release_all());
            for action in actions {
                match action {
                    Action::Key(key, true) => { down.insert((0, key)); }
                    Action::Key(key, false) => { down.remove(&(0, key)); }
                    Action::Button(button, true) => { down.insert((1, button.into())); }
                    Action::Button(button, false) => { down.remove(&(1, button.into())); }
                    Action::Touch(Phase::Down, finger) => prop_assert!(down.insert((2, finger.id.into()))),
                    Action::Touch(Phase::Motion, finger) => prop_assert!(down.contains(&(2, finger.id.into()))),
                    Action::Touch(Phase::Up, finger) => prop_assert!(down.remove(&(2, finger.id.into()))),
                    Action::Pen(pen) if pen.buttons == 0 => { down.remove(&(3, 0)); }
                    Action::Pen(_) => { down.insert((3, 0)); }
                    _ => {}
                }
            }
            prop_assert!(down.is_empty());
        }
    }
}
