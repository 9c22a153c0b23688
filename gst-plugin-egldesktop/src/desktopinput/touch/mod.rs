//! Fingers and pens: as devices of the kernel where the X server reads ours, so that programs see touches, pressure and
//! tilt; else as the pointer.

mod emulation;
mod pen;
mod slots;

use selkies_protocol::touch::{Pen, Phase};

use super::display::{Display, InputError};
use super::pointer::Pointer;
use super::uinput::Uinput;
use emulation::{Emulation, Step};
use slots::Slots;

pub(super) use pen::{PRESSURE as PEN_PRESSURE, TILT as PEN_TILT};
pub(super) use slots::{PRESSURE as TOUCH_PRESSURE, SLOTS};

/// Both axes of the devices go from 0 to this: the X server spreads them over the screen, whatever its size.
pub(super) const RANGE: i32 = 0xffff;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Touch {
    slots: Slots,
    pen: pen::State,
    emulation: Emulation,
}

impl Touch {
    /// A finger comes, moves or goes; pixels of the video, and a pressure from 0 to 1.
    pub(super) fn finger(
        &mut self,
        display: &Display,
        (uinput, pointer): (&mut Uinput, &mut Pointer),
        (phase, identifier): (Phase, u32),
        (x, y): (f64, f64),
        pressure: f64,
    ) -> Result<(), InputError> {
        // One that was the pointer when it came down stays so.
        if uinput.devices().touch && !self.emulation.has(identifier) {
            let events = self.slots.apply(phase, identifier, place(display, pointer, x, y), pressure);
            uinput.emit_touch(&events);
            return Ok(());
        }
        perform(display, pointer, self.emulation.finger(phase, identifier, x, y))
    }

    /// All fingers go up.
    pub(super) fn cancel(
        &mut self,
        display: &Display,
        uinput: &mut Uinput,
        pointer: &mut Pointer,
    ) -> Result<(), InputError> {
        uinput.emit_touch(&self.slots.release_all());
        perform(display, pointer, self.emulation.cancel())
    }

    /// The pen is like this now.
    pub(super) fn pen(
        &mut self,
        display: &Display,
        uinput: &mut Uinput,
        pointer: &mut Pointer,
        pen: Pen,
    ) -> Result<(), InputError> {
        if uinput.devices().pen {
            for frame in self.pen.apply(&pen, place(display, pointer, pen.x, pen.y)) {
                uinput.emit_pen(&frame);
            }
            return Ok(());
        }
        perform(display, pointer, self.emulation.pen(&pen))
    }

    /// Everything goes up. The buttons of the emulation are the pointer's, which lets go of them by itself.
    pub(super) fn release_all(&mut self, uinput: &mut Uinput) {
        uinput.emit_touch(&self.slots.release_all());
        for frame in self.pen.apply(&Pen::default(), (0, 0)) {
            uinput.emit_pen(&frame);
        }
    }
}

/// Where pixels of the video are on the devices' axes.
fn place(display: &Display, pointer: &Pointer, x: f64, y: f64) -> (i32, i32) {
    let (x, y) = pointer.share(display, x, y);
    let on_axis = |share: f64| (share * f64::from(RANGE)).round() as i32;
    (on_axis(x), on_axis(y))
}

fn perform(display: &Display, pointer: &mut Pointer, steps: Vec<Step>) -> Result<(), InputError> {
    steps.into_iter().try_for_each(|step| match step {
        Step::MoveTo(x, y) => pointer.move_to(display, x, y),
        Step::Button(button, pressed) => pointer.button(display, button, pressed),
    })
}
