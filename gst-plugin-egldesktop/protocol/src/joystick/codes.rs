//! The numbers of linux/input-event-codes.h and linux/joystick.h that an X-Box 360 pad needs, and its layout.

/// `EV_SYN`
pub const EV_SYN: u16 = 0x00;
/// `EV_KEY`
pub const EV_KEY: u16 = 0x01;
/// `EV_ABS`
pub const EV_ABS: u16 = 0x03;
/// `EV_FF`
pub const EV_FF: u16 = 0x15;
/// `SYN_REPORT`
pub const SYN_REPORT: u16 = 0;
/// `FF_RUMBLE`
pub const FF_RUMBLE: u16 = 0x50;
/// `FF_GAIN`
pub const FF_GAIN: u16 = 0x60;
/// `JS_EVENT_BUTTON`
pub const JS_EVENT_BUTTON: u8 = 0x01;
/// `JS_EVENT_AXIS`
pub const JS_EVENT_AXIS: u8 = 0x02;
/// `JS_EVENT_INIT`: part of the state that a program gets when it opens the device.
pub const JS_EVENT_INIT: u8 = 0x80;

/// `BUS_USB`
pub const BUS_USB: u16 = 0x03;
/// Microsoft.
pub const VENDOR: u16 = 0x045e;
/// X-Box 360 controller.
pub const PRODUCT: u16 = 0x028e;
/// The version that such a pad says it has on USB.
pub const VERSION: u16 = 0x0114;
/// What Linux calls it (drivers/input/joystick/xpad.c).
pub const NAME: &str = "Microsoft X-Box 360 pad";

/// The buttons in the order of joydev, by their evdev codes: A, B, X, Y, TL, TR, SELECT, START, MODE, THUMBL, THUMBR.
pub const BUTTONS: [u16; 11] = [0x130, 0x131, 0x133, 0x134, 0x136, 0x137, 0x13a, 0x13b, 0x13c, 0x13d, 0x13e];

/// The axes in the order of joydev, by their evdev codes: X, Y, Z, RX, RY, RZ, HAT0X, HAT0Y.
pub const AXES: [u16; 8] = [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x10, 0x11];

/// What an axis can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AxisRange {
    /// The least value.
    pub minimum: i32,
    /// The greatest value.
    pub maximum: i32,
    /// Smaller changes are noise.
    pub fuzz: i32,
    /// This close to the middle is the middle.
    pub flat: i32,
}

/// What an axis of an X-Box 360 pad can say, by its evdev code. Sticks do not use −32768, so that the middle is 0.
pub const fn axis_range(code: u16) -> AxisRange {
    match code {
        // Triggers.
        0x02 | 0x05 => AxisRange { minimum: 0, maximum: 255, fuzz: 0, flat: 0 },
        // The pad of four directions.
        0x10..=0x17 => AxisRange { minimum: -1, maximum: 1, fuzz: 0, flat: 0 },
        _ => AxisRange { minimum: -32767, maximum: 32767, fuzz: 16, flat: 128 },
    }
}

/// The value of an axis as joydev tells it: from −32767 to 32767, whatever its range.
pub fn joydev_value(code: u16, value: i32) -> i16 {
    let AxisRange { minimum, maximum, .. } = axis_range(code);
    let (from_least, range) = (i64::from(value.clamp(minimum, maximum) - minimum), i64::from(maximum - minimum));
    (from_least * 65534 / range - 32767) as i16
}

/// The same on the sockets, where triggers are axes like those of the sticks, as Selkies has them: released is the least.
pub const fn socket_axis_range(code: u16) -> AxisRange {
    match code {
        0x02 | 0x05 => axis_range(0x00),
        code => axis_range(code),
    }
}

/// The value of an axis on the socket of an evdev device.
pub fn socket_value(code: u16, value: i32) -> i32 {
    from_joydev(code, joydev_value(code, value))
}

/// The value on the socket of an evdev device that joydev tells so.
pub fn from_joydev(code: u16, value: i16) -> i32 {
    let AxisRange { maximum, .. } = socket_axis_range(code);
    // The ranges are symmetric, and joydev's is 32767 each way.
    (i32::from(value) * maximum) / 32767
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joydev_has_one_range_for_all() {
        for code in AXES {
            let range = axis_range(code);
            assert_eq!(joydev_value(code, range.minimum), -32767);
            assert_eq!(joydev_value(code, range.maximum), 32767);
            assert_eq!(joydev_value(code, i32::MAX), 32767);
        }
        assert_eq!((joydev_value(0x10, 0), joydev_value(0x00, 0)), (0, 0));
    }

    #[test]
    fn sockets_have_triggers_like_sticks() {
        for code in AXES {
            let (pad, socket) = (axis_range(code), socket_axis_range(code));
            assert_eq!(socket_value(code, pad.minimum), socket.minimum);
            assert_eq!(socket_value(code, pad.maximum), socket.maximum);
        }
        for (code, value) in [(0x00, -32767), (0x01, 1), (0x03, 12345), (0x10, -1), (0x11, 0)] {
            assert_eq!(socket_value(code, value), value, "{code:#x}");
        }
    }
}
