//! Requests of `ioctl` (asm-generic/ioctl.h), and where their answers go.

use std::ffi::{c_int, c_ulong, c_void};

use selkies_protocol::joystick::{DeviceKind, DeviceName};

use crate::{evdev, joydev};

/// The letters of joydev and evdev.
pub(crate) const JOYDEV: u8 = b'j';
pub(crate) const EVDEV: u8 = b'E';

/// Whether such a request can be for a gamepad.
pub(crate) fn is_ours(request: c_ulong) -> bool {
    matches!(Request::new(request).letter, JOYDEV | EVDEV)
}

/// A request, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    letter: u8,
    pub(crate) number: u8,
    /// Bytes that the argument points to.
    pub(crate) size: usize,
    /// Whether they are written to, that is, whether the program reads.
    pub(crate) reads: bool,
}

impl Request {
    fn new(request: c_ulong) -> Self {
        Self {
            letter: (request >> 8) as u8,
            number: request as u8,
            size: (request >> 16 & 0x3fff) as usize,
            // _IOC_READ
            reads: request >> 30 & 2 != 0,
        }
    }
}

/// Where an answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Argument(*mut c_void);

impl Argument {
    /// As much of `bytes` as the program has room for, and how much that is.
    pub(crate) fn put(self, request: Request, bytes: &[u8]) -> Result<c_int, c_int> {
        let count = bytes.len().min(request.size);
        self.put_all(&bytes[..count])?;
        Ok(count as c_int)
    }

    /// All of `bytes`, for requests whose size does not tell.
    pub(crate) fn put_all(self, bytes: &[u8]) -> Result<c_int, c_int> {
        if self.0.is_null() {
            return Err(libc::EFAULT);
        }
        // SAFETY: by its request the program promises that it has room for what the kernel would write.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.cast(), bytes.len()) };
        Ok(0)
    }

    /// The first bytes of what the program passes.
    pub(crate) fn get<const N: usize>(self, request: Request) -> Result<[u8; N], c_int> {
        if self.0.is_null() || request.size < N {
            return Err(libc::EFAULT);
        }
        let mut bytes = [0; N];
        // SAFETY: by its request the program promises that there are so many.
        unsafe { std::ptr::copy_nonoverlapping(self.0.cast(), bytes.as_mut_ptr(), N) };
        Ok(bytes)
    }

    /// For requests whose argument is a number.
    pub(crate) fn number(self) -> usize {
        self.0 as usize
    }
}

/// Answers a request at a device: what `ioctl` returns, or `errno`.
pub(crate) fn answer(
    device: DeviceName,
    descriptor: c_int,
    request: c_ulong,
    argument: *mut c_void,
) -> Result<c_int, c_int> {
    let (request, argument) = (Request::new(request), Argument(argument));
    match (device.kind, request.letter) {
        (DeviceKind::Joydev, JOYDEV) => joydev::answer(device, request, argument),
        (DeviceKind::Evdev, EVDEV) => evdev::answer(device, descriptor, request, argument),
        _ => Err(libc::ENOTTY),
    }
}
