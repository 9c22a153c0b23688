//! Pointer, buttons and wheel by XTEST. No request here waits for the X server.

use std::collections::BTreeSet;

use x11rb::protocol::xproto::{BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, MOTION_NOTIFY_EVENT};
use x11rb::protocol::xtest::ConnectionExt as _;

use super::display::{Display, InputError};

/// The detail of a motion (XTEST protocol, XTestFakeInput).
const ABSOLUTE: u8 = 0;
const RELATIVE: u8 = 1;

/// Buttons that the wheel is, by X convention.
const WHEEL_UP: u8 = 4;
const WHEEL_DOWN: u8 = 5;
const WHEEL_LEFT: u8 = 6;
const WHEEL_RIGHT: u8 = 7;
/// The most ticks at once: a runaway client must not scroll for minutes.
const MAX_TICKS: f64 = 50.0;

/// The pointer of the X server.
#[derive(Debug, Default)]
pub(super) struct Pointer {
    /// The video that positions refer to; the screen itself while there is none.
    video: Option<(f64, f64)>,
    /// Motion that is less than a pixel yet.
    fraction: (f64, f64),
    /// Wheel turns that are less than a tick yet.
    ticks: (f64, f64),
    /// Buttons that are down by us.
    down: BTreeSet<u8>,
}

impl Pointer {
    /// The size of the video that positions refer to.
    pub(super) fn set_video_size(&mut self, width: f64, height: f64) {
        self.video = (width > 0.0 && height > 0.0).then_some((width, height));
    }

    pub(super) fn move_to(&mut self, display: &Display, x: f64, y: f64) -> Result<(), InputError> {
        let ((x, y), (width, height)) = (self.share(display, x, y), display.size);
        let place = |share: f64, size: u16| (share * f64::from(size)).round().min(f64::from(size.saturating_sub(1)));
        self.fraction = (0.0, 0.0);
        motion(display, ABSOLUTE, place(x, width), place(y, height))
    }

    /// The share of the screen that is left of and above a pixel of the video, from 0 to 1.
    pub(super) fn share(&self, display: &Display, x: f64, y: f64) -> (f64, f64) {
        let (width, height) = self.video.unwrap_or((display.size.0.into(), display.size.1.into()));
        let share = |position: f64, size: f64| if size > 0.0 { (position / size).clamp(0.0, 1.0) } else { 0.0 };
        (share(x, width), share(y, height))
    }

    pub(super) fn move_by(&mut self, display: &Display, dx: f64, dy: f64) -> Result<(), InputError> {
        let (dx, dy) = (take_whole(&mut self.fraction.0, dx), take_whole(&mut self.fraction.1, dy));
        if dx == 0.0 && dy == 0.0 { Ok(()) } else { motion(display, RELATIVE, dx, dy) }
    }

    pub(super) fn button(&mut self, display: &Display, button: u8, pressed: bool) -> Result<(), InputError> {
        let kind = if pressed {
            self.down.insert(button);
            BUTTON_PRESS_EVENT
        } else {
            // What is not down by us is not ours to release.
            if !self.down.remove(&button) {
                return Ok(());
            }
            BUTTON_RELEASE_EVENT
        };
        fake(display, kind, button)
    }

    /// Right and up are positive.
    pub(super) fn scroll(&mut self, display: &Display, dx: f64, dy: f64) -> Result<(), InputError> {
        let dx = take_ticks(&mut self.ticks.0, dx).clamp(-MAX_TICKS, MAX_TICKS);
        let dy = take_ticks(&mut self.ticks.1, dy).clamp(-MAX_TICKS, MAX_TICKS);
        let directions = [(dx, WHEEL_RIGHT, WHEEL_LEFT), (dy, WHEEL_UP, WHEEL_DOWN)];
        for (turns, positive, negative) in directions {
            let button = if turns > 0.0 { positive } else { negative };
            for _ in 0..turns.abs() as u32 {
                fake(display, BUTTON_PRESS_EVENT, button)?;
                fake(display, BUTTON_RELEASE_EVENT, button)?;
            }
        }
        Ok(())
    }

    /// Releases every button that is down by us.
    pub(super) fn release_all(&mut self, display: &Display) -> Result<(), InputError> {
        std::mem::take(&mut self.down).into_iter().try_for_each(|button| fake(display, BUTTON_RELEASE_EVENT, button))
    }
}

fn fake(display: &Display, kind: u8, button: u8) -> Result<(), InputError> {
    display.connection.xtest_fake_input(kind, button, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?;
    Ok(())
}

fn motion(display: &Display, detail: u8, x: f64, y: f64) -> Result<(), InputError> {
    let root = if detail == ABSOLUTE { display.root } else { x11rb::NONE };
    // `as` saturates, so that no client can wrap a coordinate around.
    let (x, y) = (x as i16, y as i16);
    display.connection.xtest_fake_input(MOTION_NOTIFY_EVENT, detail, x11rb::CURRENT_TIME, root, x, y, 0)?;
    Ok(())
}

/// The same for the wheel: what is left from scrolling down must not eat into the first tick of scrolling up.
fn take_ticks(rest: &mut f64, more: f64) -> f64 {
    if *rest * more < 0.0 {
        *rest = 0.0;
    }
    take_whole(rest, more)
}

/// Adds to what was left over and takes the whole part out.
fn take_whole(rest: &mut f64, more: f64) -> f64 {
    let sum = *rest + more;
    let whole = sum.trunc();
    *rest = sum - whole;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_add_up() {
        let mut rest = 0.0;
        let moved: f64 = std::iter::repeat_with(|| take_whole(&mut rest, 0.3)).take(10).sum();
        assert!((moved + rest - 3.0).abs() < 1e-9 && rest.abs() < 1.0);
        let back: f64 = std::iter::repeat_with(|| take_whole(&mut rest, -0.3)).take(10).sum();
        assert!((moved + back + rest).abs() < 1e-9);
    }

    #[test]
    fn a_wheel_that_turns_back_starts_afresh() {
        let mut rest = 0.0;
        let turns = [0.75, -0.5, -0.5, 0.75, 0.25].map(|turn| take_ticks(&mut rest, turn));
        assert_eq!(turns, [0.0, 0.0, -1.0, 0.0, 1.0]);
    }
}
