//! The requests of linux/input.h.

use std::ffi::c_int;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU16, Ordering};

use selkies_protocol::joystick::{
    AxisRange, BUS_USB, DeviceName, EV_ABS, EV_FF, EV_KEY, EV_SYN, FF_GAIN, FF_RUMBLE, FromProgram, PADS, PadConfig,
    socket_axis_range,
};

use crate::device::{self, State};
use crate::ioctl::{Argument, Request};

/// `EV_VERSION`
const VERSION: u32 = 0x01_00_01;
/// `KEY_CNT`, `ABS_CNT` and `FF_CNT`: how many bits there are of a type.
const KEYS: usize = 0x300;
const AXES: usize = 0x40;
const MOTORS: usize = 0x80;
/// How many effects a pad holds at once.
const EFFECTS: u16 = 16;

/// The numbers of effects that this program uses, of each pad.
static USED: [AtomicU16; PADS as usize] = [const { AtomicU16::new(0) }; PADS as usize];

pub(crate) fn answer(
    device: DeviceName,
    descriptor: c_int,
    request: Request,
    argument: Argument,
) -> Result<c_int, c_int> {
    let config = device::config(device).ok_or(libc::ENODEV)?;
    match request.number {
        // EVIOCGVERSION
        0x01 => argument.put(request, &VERSION.to_ne_bytes()).map(|_| 0),
        // EVIOCGID
        0x02 => {
            let id = [BUS_USB, config.vendor, config.product, config.version];
            argument.put(request, &id.map(u16::to_ne_bytes).concat()).map(|_| 0)
        }
        // EVIOCGNAME, EVIOCGPHYS, EVIOCGUNIQ
        0x06 => argument.put(request, &[config.name.as_bytes(), &[0]].concat()),
        0x07 => argument.put(request, format!("egldesktop-{}/input0\0", device.pad).as_bytes()),
        0x08 => Err(libc::ENOENT),
        // EVIOCGPROP, EVIOCGLED, EVIOCGSND, EVIOCGSW: none of these.
        0x09 | 0x19..=0x1b => argument.put(request, &[0; 8]),
        // EVIOCGKEY
        0x18 => argument.put(request, &bits(KEYS, State::of(device.pad).pressed)),
        // EVIOCGBIT
        0x20..=0x3f => argument.put(request, &has(&config, u16::from(request.number - 0x20))),
        // EVIOCGABS
        0x40..=0x7f if request.reads => axis(device, &config, request, argument),
        // EVIOCSFF
        0x80 if config.rumble => upload(device, descriptor, request, argument),
        // EVIOCRMFF
        0x81 if config.rumble => erase(device, descriptor, argument),
        // EVIOCGEFFECTS
        0x84 => {
            let effects = if config.rumble { u32::from(EFFECTS) } else { 0 };
            argument.put(request, &effects.to_ne_bytes()).map(|_| 0)
        }
        // EVIOCGRAB: nobody else is kept from reading. EVIOCGMASK, EVIOCSMASK, EVIOCSCLOCKID: what comes is what there is.
        0x90 | 0x92 | 0x93 | 0xa0 => Ok(0),
        // EVIOCGREP, EVIOCGMTSLOTS, EVIOCSABS …
        _ => Err(libc::EINVAL),
    }
}

/// The codes of a type that the device has; for type 0, the types.
fn has(config: &PadConfig, kind: u16) -> Vec<u8> {
    match kind {
        EV_SYN => {
            let motors = config.rumble.then_some(EV_FF);
            bits(32, [EV_SYN, EV_KEY, EV_ABS].into_iter().chain(motors))
        }
        EV_KEY => bits(KEYS, config.buttons.iter().copied()),
        EV_ABS => bits(AXES, config.axes.iter().map(|code| u16::from(*code))),
        EV_FF if config.rumble => bits(MOTORS, [FF_RUMBLE, FF_GAIN]),
        _ => vec![0; 8],
    }
}

/// A bit for each code, as long as the kernel makes it: whole `long`s. Those are little-endian or not, like the bytes.
fn bits(count: usize, codes: impl IntoIterator<Item = u16>) -> Vec<u8> {
    let mut longs = vec![0u64; count.div_ceil(64)];
    for code in codes.into_iter().map(usize::from) {
        if let Some(long) = longs.get_mut(code / 64) {
            *long |= 1 << (code % 64);
        }
    }
    longs.into_iter().flat_map(u64::to_ne_bytes).collect()
}

/// `struct input_absinfo`
fn axis(device: DeviceName, config: &PadConfig, request: Request, argument: Argument) -> Result<c_int, c_int> {
    let code = request.number - 0x40;
    if !config.axes.contains(&code) {
        return Err(libc::EINVAL);
    }
    let AxisRange { minimum, maximum, fuzz, flat } = socket_axis_range(code.into());
    let value = State::of(device.pad).axis(code.into());
    let fields = [value, minimum, maximum, fuzz, flat, 0];
    argument.put(request, &fields.map(i32::to_ne_bytes).concat()).map(|_| 0)
}

/// `struct ff_effect`: type, number, direction, trigger, and, from byte 10, length and delay, from 16, the motors.
fn upload(device: DeviceName, descriptor: c_int, request: Request, argument: Argument) -> Result<c_int, c_int> {
    let mut effect: [u8; 20] = argument.get(request)?;
    let field = |at: usize| u16::from_ne_bytes([effect[at], effect[at + 1]]);
    if field(0) != FF_RUMBLE {
        return Err(libc::EINVAL);
    }
    let used = USED.get(usize::from(device.pad)).ok_or(libc::ENODEV)?;
    let id = match field(2) {
        // −1: a new one. The first, rather than an error, where all are taken: programs that end do not erase theirs.
        u16::MAX => (0..EFFECTS).find(|id| used.load(Ordering::Relaxed) >> id & 1 == 0).unwrap_or(0),
        id if id < EFFECTS => id,
        _ => return Err(libc::EINVAL),
    };
    used.fetch_or(1 << id, Ordering::Relaxed);
    let request_to_server = FromProgram::Upload { id: id as u8, strong: field(16), weak: field(18), length: field(10) };
    tell(descriptor, request_to_server)?;
    effect[2..4].copy_from_slice(&id.to_ne_bytes());
    argument.put_all(&effect[..4])
}

fn erase(device: DeviceName, descriptor: c_int, argument: Argument) -> Result<c_int, c_int> {
    let id = u8::try_from(argument.number()).ok().filter(|id| u16::from(*id) < EFFECTS).ok_or(libc::EINVAL)?;
    if let Some(used) = USED.get(usize::from(device.pad)) {
        used.fetch_and(!(1 << id), Ordering::Relaxed);
    }
    tell(descriptor, FromProgram::Erase(id))
}

fn tell(descriptor: c_int, request: FromProgram) -> Result<c_int, c_int> {
    // SAFETY: it was open when the peer was asked for, and the program must not close it while it is in a call.
    let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
    device::tell(socket, request.to_event()).map(|()| 0).map_err(|_| libc::ENODEV)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_those_of_the_kernel() {
        let config = PadConfig::xbox360();
        let keys = has(&config, EV_KEY);
        assert_eq!(keys.len(), 96);
        assert!(config.buttons.iter().all(|code| keys[usize::from(*code) / 8] >> (code % 8) & 1 == 1));
        assert_eq!(keys.iter().map(|byte| byte.count_ones()).sum::<u32>(), 11);
        assert_eq!(has(&config, EV_ABS), [0x3f, 0, 3, 0, 0, 0, 0, 0]);
        assert_eq!(has(&config, 0)[..4], [0b1011, 0, 0x20, 0]);
        assert_eq!(has(&PadConfig { rumble: false, ..config }, 0)[..4], [0b1011, 0, 0, 0]);
    }
}
