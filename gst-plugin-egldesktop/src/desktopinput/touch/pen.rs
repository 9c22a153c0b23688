//! A pen as a tablet reports it (Linux kernel, "Input event codes", tablets). Pure.

use evdev::{AbsoluteAxisCode as Axis, EventType, InputEvent, KeyCode};
use selkies_protocol::touch::{Pen, pen_button};

/// The pressure of 1: as finely as pens of today measure it.
pub(in super::super) const PRESSURE: i32 = 8191;
/// The most that it leans to any side, in degrees.
pub(in super::super) const TILT: i32 = 90;

/// What the tablet has reported last.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The end that is near.
    tool: Option<KeyCode>,
    contact: bool,
    barrel: bool,
}

impl State {
    /// What the device reports, each without the `SYN_REPORT` at its end.
    pub(super) fn apply(&mut self, pen: &Pen, (x, y): (i32, i32)) -> Vec<Vec<InputEvent>> {
        let has = |bit: u8| pen.buttons & bit != 0;
        let end = if has(pen_button::ERASER) { KeyCode::BTN_TOOL_RUBBER } else { KeyCode::BTN_TOOL_PEN };
        let tool = has(pen_button::NEAR).then_some(end);
        let mut frames = Vec::new();
        // One end leaves before the other one comes.
        if let Some(before) = self.tool.filter(|&before| tool != Some(before)) {
            let mut frame = self.press(false, false);
            frame.extend([axis(Axis::ABS_PRESSURE, 0), key(before, false)]);
            frames.push(frame);
        }
        if let Some(tool) = tool {
            let mut frame = Vec::new();
            if self.tool != Some(tool) {
                frame.push(key(tool, true));
            }
            let contact = has(pen_button::CONTACT);
            let pressure = (pen.pressure.clamp(0.0, 1.0) * f64::from(PRESSURE)).round() as i32;
            frame.extend([
                axis(Axis::ABS_X, x),
                axis(Axis::ABS_Y, y),
                // Touching is harder than not at all: browsers say 0 where they do not know.
                axis(Axis::ABS_PRESSURE, if contact { pressure.max(1) } else { 0 }),
                axis(Axis::ABS_TILT_X, tilt(pen.tilt.0)),
                axis(Axis::ABS_TILT_Y, tilt(pen.tilt.1)),
            ]);
            frame.extend(self.press(contact, has(pen_button::BARREL)));
            frames.push(frame);
        }
        self.tool = tool;
        frames
    }

    /// What changes of the tip and the button at the side.
    fn press(&mut self, contact: bool, barrel: bool) -> Vec<InputEvent> {
        let tip = (std::mem::replace(&mut self.contact, contact) != contact).then(|| key(KeyCode::BTN_TOUCH, contact));
        let side = (std::mem::replace(&mut self.barrel, barrel) != barrel).then(|| key(KeyCode::BTN_STYLUS, barrel));
        tip.into_iter().chain(side).collect()
    }
}

fn tilt(degrees: f64) -> i32 {
    (degrees.round() as i32).clamp(-TILT, TILT)
}

fn axis(axis: Axis, value: i32) -> InputEvent {
    InputEvent::new(EventType::ABSOLUTE.0, axis.0, value)
}

fn key(key: KeyCode, down: bool) -> InputEvent {
    InputEvent::new(EventType::KEY.0, key.0, down.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(frames: Vec<Vec<InputEvent>>) -> Vec<Vec<(u16, i32)>> {
        let codes = |frame: Vec<InputEvent>| frame.into_iter().map(|event| (event.code(), event.value())).collect();
        frames.into_iter().map(codes).collect()
    }

    const PEN: u16 = KeyCode::BTN_TOOL_PEN.0;
    const RUBBER: u16 = KeyCode::BTN_TOOL_RUBBER.0;
    const TIP: u16 = KeyCode::BTN_TOUCH.0;
    const SIDE: u16 = KeyCode::BTN_STYLUS.0;
    const P: u16 = Axis::ABS_PRESSURE.0;
    const TX: u16 = Axis::ABS_TILT_X.0;
    const TY: u16 = Axis::ABS_TILT_Y.0;

    #[test]
    fn it_hovers_draws_turns_over_and_leaves() {
        let mut state = State::default();
        let pen = |buttons| Pen { pressure: 0.5, tilt: (30.4, -95.0), buttons, ..Pen::default() };
        let near = pen_button::NEAR;
        let hovering = codes(state.apply(&pen(near), (1, 2)));
        assert_eq!(hovering, [[(PEN, 1), (0, 1), (1, 2), (P, 0), (TX, 30), (TY, -90)]]);
        let drawing = codes(state.apply(&pen(near | pen_button::CONTACT | pen_button::BARREL), (3, 2)));
        assert_eq!(drawing, [[(0, 3), (1, 2), (P, 4096), (TX, 30), (TY, -90), (TIP, 1), (SIDE, 1)]]);
        let erasing = codes(state.apply(&pen(near | pen_button::ERASER), (3, 2)));
        let [leaving, coming] = &erasing[..] else { panic!("{erasing:?}") };
        assert_eq!(leaving[..], [(TIP, 0), (SIDE, 0), (P, 0), (PEN, 0)]);
        assert_eq!(coming[..2], [(RUBBER, 1), (0, 3)]);
        assert_eq!(codes(state.apply(&pen(0), (0, 0))), [[(P, 0), (RUBBER, 0)]]);
        assert!(codes(state.apply(&pen(0), (0, 0))).is_empty());
    }
}
