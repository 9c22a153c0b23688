//! The requests of linux/joystick.h.

use std::ffi::c_int;

use selkies_protocol::joystick::DeviceName;

use crate::device;
use crate::ioctl::{Argument, Request};

/// `JS_VERSION`
const VERSION: u32 = 0x02_01_00;
/// Size of `struct js_corr`; all zero, it corrects nothing.
const CORRECTION_BYTES: usize = 36;
/// `ABS_CNT`, and `KEY_MAX - BTN_MISC + 1`: the sizes of joydev's maps.
const AXES: usize = 64;
const BUTTONS: usize = 512;

pub(crate) fn answer(device: DeviceName, request: Request, argument: Argument) -> Result<c_int, c_int> {
    let config = device::config(device).ok_or(libc::ENODEV)?;
    match request.number {
        // JSIOCGVERSION, JSIOCGAXES, JSIOCGBUTTONS
        0x01 => argument.put(request, &VERSION.to_ne_bytes()).map(|_| 0),
        0x11 => argument.put(request, &[config.axes.len() as u8]).map(|_| 0),
        0x12 => argument.put(request, &[config.buttons.len() as u8]).map(|_| 0),
        // JSIOCGNAME, with the zero at its end.
        0x13 => argument.put(request, &[config.name.as_bytes(), &[0]].concat()),
        // JSIOCSCORR: browsers send what needs no correction.
        0x21 => Ok(0),
        // JSIOCGCORR: one for each axis, whatever the size of the request says.
        0x22 => argument.put_all(&vec![0; CORRECTION_BYTES * config.axes.len()]),
        // JSIOCGAXMAP, JSIOCGBTNMAP
        0x32 => {
            let mut map = config.axes;
            map.resize(AXES, 0);
            argument.put(request, &map)
        }
        0x34 => {
            let mut map: Vec<u8> = config.buttons.iter().flat_map(|code| code.to_ne_bytes()).collect();
            map.resize(2 * BUTTONS, 0);
            argument.put(request, &map)
        }
        _ => Err(libc::EINVAL),
    }
}
