//! Fingers in the slots of a touch screen (Linux kernel, "Multi-touch (MT) Protocol", type B). Pure.

use evdev::{AbsoluteAxisCode as Axis, EventType, InputEvent, KeyCode};
use selkies_protocol::touch::Phase;

/// Fingers at a time, of all browsers together.
pub(in super::super) const SLOTS: usize = 16;
/// The pressure of 1.
pub(in super::super) const PRESSURE: i32 = 255;
/// Numbers of contacts go round here, as in the kernel.
const LAST_TRACKING_ID: i32 = 0xffff;

/// Who is in which slot.
#[derive(Debug, Default)]
pub(super) struct Slots {
    fingers: [Option<u32>; SLOTS],
    next_tracking_id: i32,
}

impl Slots {
    /// What the device reports, without the `SYN_REPORT` at the end. Nothing for fingers beyond [`SLOTS`].
    pub(super) fn apply(
        &mut self,
        phase: Phase,
        identifier: u32,
        (x, y): (i32, i32),
        pressure: f64,
    ) -> Vec<InputEvent> {
        let slot_of = |fingers: &[Option<u32>], whom| fingers.iter().position(|&finger| finger == whom);
        let known = slot_of(&self.fingers, Some(identifier));
        let slot = match phase {
            Phase::Down => known.or_else(|| slot_of(&self.fingers, None)),
            Phase::Motion | Phase::Up => known,
        };
        let Some(slot) = slot else { return Vec::new() };
        let mut events = vec![axis(Axis::ABS_MT_SLOT, slot as i32)];
        if phase == Phase::Up {
            self.fingers[slot] = None;
            events.push(axis(Axis::ABS_MT_TRACKING_ID, -1));
        } else {
            if known.is_none() {
                events.push(axis(Axis::ABS_MT_TRACKING_ID, self.next_tracking_id));
                self.next_tracking_id =
                    if self.next_tracking_id == LAST_TRACKING_ID { 0 } else { self.next_tracking_id + 1 };
            }
            let first = self.fingers.iter().all(Option::is_none);
            self.fingers[slot] = Some(identifier);
            // Down is harder than not at all: browsers say 0 where they do not know.
            let pressure = ((pressure * f64::from(PRESSURE)).round() as i32).clamp(1, PRESSURE);
            events.extend([
                axis(Axis::ABS_MT_POSITION_X, x),
                axis(Axis::ABS_MT_POSITION_Y, y),
                axis(Axis::ABS_MT_PRESSURE, pressure),
            ]);
            if first {
                events.push(InputEvent::new(EventType::KEY.0, KeyCode::BTN_TOUCH.0, 1));
            }
            // What readers without multi-touch see: the finger in the first slot that is taken.
            if self.fingers.iter().position(Option::is_some) == Some(slot) {
                events.extend([axis(Axis::ABS_X, x), axis(Axis::ABS_Y, y)]);
            }
        }
        if self.fingers.iter().all(Option::is_none) {
            events.push(InputEvent::new(EventType::KEY.0, KeyCode::BTN_TOUCH.0, 0));
        }
        events
    }

    /// All fingers go up.
    pub(super) fn release_all(&mut self) -> Vec<InputEvent> {
        let fingers: Vec<_> = self.fingers.into_iter().flatten().collect();
        fingers.into_iter().flat_map(|finger| self.apply(Phase::Up, finger, (0, 0), 0.0)).collect()
    }
}

fn axis(axis: Axis, value: i32) -> InputEvent {
    InputEvent::new(EventType::ABSOLUTE.0, axis.0, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code and value of each event.
    fn codes(events: Vec<InputEvent>) -> Vec<(u16, i32)> {
        events.into_iter().map(|event| (event.code(), event.value())).collect()
    }

    const SLOT: u16 = Axis::ABS_MT_SLOT.0;
    const ID: u16 = Axis::ABS_MT_TRACKING_ID.0;
    const X: u16 = Axis::ABS_MT_POSITION_X.0;
    const Y: u16 = Axis::ABS_MT_POSITION_Y.0;
    const P: u16 = Axis::ABS_MT_PRESSURE.0;
    const TOUCH: u16 = KeyCode::BTN_TOUCH.0;

    #[test]
    fn two_fingers() {
        let mut slots = Slots::default();
        let first = codes(slots.apply(Phase::Down, 70, (10, 20), 0.5));
        assert_eq!(first, [(SLOT, 0), (ID, 0), (X, 10), (Y, 20), (P, 128), (TOUCH, 1), (0, 10), (1, 20)]);
        let second = codes(slots.apply(Phase::Down, 71, (30, 40), 0.0));
        assert_eq!(second, [(SLOT, 1), (ID, 1), (X, 30), (Y, 40), (P, 1)]);
        let moved = codes(slots.apply(Phase::Motion, 71, (31, 40), 1.0));
        assert_eq!(moved, [(SLOT, 1), (X, 31), (Y, 40), (P, 255)]);
        assert_eq!(codes(slots.apply(Phase::Up, 70, (0, 0), 0.0)), [(SLOT, 0), (ID, -1)]);
        assert_eq!(codes(slots.apply(Phase::Up, 71, (0, 0), 0.0)), [(SLOT, 1), (ID, -1), (TOUCH, 0)]);
        assert_eq!(codes(slots.apply(Phase::Motion, 71, (1, 1), 1.0)), []);
    }

    #[test]
    fn fingers_beyond_the_slots_are_left_out_and_all_go_up() {
        let mut slots = Slots::default();
        for finger in 0..SLOTS as u32 {
            assert_ne!(codes(slots.apply(Phase::Down, finger, (1, 1), 1.0)), []);
        }
        assert_eq!(codes(slots.apply(Phase::Down, 99, (1, 1), 1.0)), []);
        let up = codes(slots.release_all());
        assert_eq!(up.iter().filter(|event| **event == (ID, -1)).count(), SLOTS);
        assert_eq!(up.last(), Some(&(TOUCH, 0)));
        assert_eq!(codes(slots.release_all()), []);
    }

    #[test]
    fn numbers_of_contacts_go_round() {
        let mut slots = Slots { next_tracking_id: LAST_TRACKING_ID, ..Slots::default() };
        assert!(codes(slots.apply(Phase::Down, 1, (1, 1), 1.0)).contains(&(ID, LAST_TRACKING_ID)));
        assert!(codes(slots.apply(Phase::Down, 2, (1, 1), 1.0)).contains(&(ID, 0)));
    }
}
