//! Turns of a wheel in the kernel's terms (Linux kernel, "Input event codes", `REL_WHEEL_HI_RES`). Pure.

use evdev::{EventType, InputEvent, RelativeAxisCode as Axis};

/// Parts of a tick.
const PARTS: f64 = 120.0;

/// What is left over, in parts: of a part for programs that take those, of a tick for the others.
#[derive(Debug, Default)]
pub(super) struct Wheel {
    x: Direction,
    y: Direction,
}

#[derive(Debug, Default)]
struct Direction {
    fraction: f64,
    parts: i32,
}

impl Wheel {
    /// What the device reports, without the `SYN_REPORT` at the end. Ticks, right and up.
    pub(super) fn turn(&mut self, dx: f64, dy: f64) -> Vec<InputEvent> {
        let mut events = self.x.turn(dx, Axis::REL_HWHEEL_HI_RES, Axis::REL_HWHEEL);
        events.extend(self.y.turn(dy, Axis::REL_WHEEL_HI_RES, Axis::REL_WHEEL));
        events
    }
}

impl Direction {
    fn turn(&mut self, ticks: f64, fine: Axis, coarse: Axis) -> Vec<InputEvent> {
        if ticks == 0.0 {
            return Vec::new();
        }
        if self.fraction * ticks < 0.0 || f64::from(self.parts) * ticks < 0.0 {
            *self = Self::default();
        }
        let wanted = self.fraction + ticks * PARTS;
        let parts = wanted.round();
        self.fraction = wanted - parts;
        self.parts += parts as i32;
        let whole = self.parts / PARTS as i32;
        self.parts -= whole * PARTS as i32;
        let event =
            |axis: Axis, value: i32| (value != 0).then(|| InputEvent::new(EventType::RELATIVE.0, axis.0, value));
        event(fine, parts as i32).into_iter().chain(event(coarse, whole)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(events: Vec<InputEvent>) -> Vec<(u16, i32)> {
        events.into_iter().map(|event| (event.code(), event.value())).collect()
    }

    #[test]
    fn parts_and_the_tick_that_they_make() {
        let (fine, coarse) = (Axis::REL_WHEEL_HI_RES.0, Axis::REL_WHEEL.0);
        let mut wheel = Wheel::default();
        assert_eq!(codes(wheel.turn(0.0, 0.5)), [(fine, 60)]);
        assert_eq!(codes(wheel.turn(0.0, 0.75)), [(fine, 90), (coarse, 1)]);
        // The other way starts afresh.
        assert_eq!(codes(wheel.turn(0.0, -0.9)), [(fine, -108)]);
        assert_eq!(
            codes(wheel.turn(-1.0, -0.1)),
            [(Axis::REL_HWHEEL_HI_RES.0, -120), (Axis::REL_HWHEEL.0, -1), (fine, -12), (coarse, -1)]
        );
        assert_eq!(codes(wheel.turn(0.0, 0.0)), []);
    }
}
