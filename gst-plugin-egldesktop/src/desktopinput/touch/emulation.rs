//! Fingers and pens as a pointer, for an X server that reads no devices of the kernel. Pure.

use selkies_protocol::touch::{Pen, Phase, pen_button};

const LEFT: u8 = 1;
const RIGHT: u8 = 3;

/// What the pointer does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// To this place, in pixels of the video.
    MoveTo(f64, f64),
    /// X11 button; down or up.
    Button(u8, bool),
}

/// Which finger is the pointer, and what the pen presses.
#[derive(Debug, Default)]
pub(super) struct Emulation {
    /// The finger that came down first. The pointer never jumps to another one that comes while it is there.
    finger: Option<u32>,
    pen: Option<u8>,
}

impl Emulation {
    /// Whether this finger is the pointer.
    pub(super) fn has(&self, identifier: u32) -> bool {
        self.finger == Some(identifier)
    }

    pub(super) fn finger(&mut self, phase: Phase, identifier: u32, x: f64, y: f64) -> Vec<Step> {
        match phase {
            Phase::Down if self.finger.is_none() => {
                self.finger = Some(identifier);
                vec![Step::MoveTo(x, y), Step::Button(LEFT, true)]
            }
            Phase::Motion if self.has(identifier) => vec![Step::MoveTo(x, y)],
            Phase::Up if self.has(identifier) => {
                self.finger = None;
                vec![Step::MoveTo(x, y), Step::Button(LEFT, false)]
            }
            Phase::Down | Phase::Motion | Phase::Up => Vec::new(),
        }
    }

    /// The finger is gone; the pointer lets go where it is.
    pub(super) fn cancel(&mut self) -> Vec<Step> {
        self.finger.take().map(|_| Step::Button(LEFT, false)).into_iter().collect()
    }

    /// The tip is the left button, with the button at the side the right one.
    pub(super) fn pen(&mut self, pen: &Pen) -> Vec<Step> {
        let has = |bit: u8| pen.buttons & bit != 0;
        let button = has(pen_button::CONTACT).then_some(if has(pen_button::BARREL) { RIGHT } else { LEFT });
        let mut steps = Vec::new();
        if has(pen_button::NEAR) {
            steps.push(Step::MoveTo(pen.x, pen.y));
        }
        // While it touches, the button stays what it was.
        if self.pen.is_some() != button.is_some() {
            steps.extend(self.pen.take().map(|before| Step::Button(before, false)));
            steps.extend(button.map(|button| Step::Button(button, true)));
            self.pen = button;
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_finger_is_the_pointer_and_no_other() {
        let mut emulation = Emulation::default();
        assert_eq!(emulation.finger(Phase::Down, 7, 1.0, 2.0), [Step::MoveTo(1.0, 2.0), Step::Button(LEFT, true)]);
        assert_eq!(emulation.finger(Phase::Down, 8, 500.0, 500.0), []);
        assert_eq!(emulation.finger(Phase::Motion, 8, 510.0, 500.0), []);
        assert_eq!(emulation.finger(Phase::Motion, 7, 3.0, 2.0), [Step::MoveTo(3.0, 2.0)]);
        assert_eq!(emulation.finger(Phase::Up, 7, 3.0, 2.0), [Step::MoveTo(3.0, 2.0), Step::Button(LEFT, false)]);
        // The one that stays behind does not become it.
        assert_eq!(emulation.finger(Phase::Motion, 8, 520.0, 500.0), []);
        assert_eq!(emulation.finger(Phase::Up, 8, 520.0, 500.0), []);
    }

    #[test]
    fn a_cancel_releases_without_moving() {
        let mut emulation = Emulation::default();
        emulation.finger(Phase::Down, 7, 1.0, 2.0);
        assert_eq!(emulation.cancel(), [Step::Button(LEFT, false)]);
        assert_eq!(emulation.cancel(), []);
        assert_eq!(emulation.finger(Phase::Up, 7, 1.0, 2.0), []);
    }

    #[test]
    fn a_pen_hovers_draws_and_leaves() {
        let mut emulation = Emulation::default();
        let pen = |buttons| Pen { x: 4.0, y: 5.0, buttons, ..Pen::default() };
        let at = Step::MoveTo(4.0, 5.0);
        assert_eq!(emulation.pen(&pen(pen_button::NEAR)), [at]);
        let touching = pen_button::NEAR | pen_button::CONTACT;
        assert_eq!(emulation.pen(&pen(touching | pen_button::BARREL)), [at, Step::Button(RIGHT, true)]);
        assert_eq!(emulation.pen(&pen(touching)), [at]);
        assert_eq!(emulation.pen(&pen(0)), [Step::Button(RIGHT, false)]);
        assert_eq!(emulation.pen(&pen(0)), []);
    }
}
