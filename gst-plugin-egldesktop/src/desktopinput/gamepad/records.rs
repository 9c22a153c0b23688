//! Changes of a pad as the records of its devices.

use selkies_protocol::joystick::{
    AXES, DeviceKind, EV_ABS, EV_SYN, InputEvent, JS_EVENT_AXIS, JS_EVENT_BUTTON, JS_EVENT_INIT, JsEvent, LongSize,
    SYN_REPORT, joydev_value, socket_value,
};

use super::clock::Clock;
use super::pad::{Change, Pad};

/// What a program reads when this changes.
pub(super) fn changes(device: DeviceKind, long: LongSize, clock: Clock, changes: &[Change]) -> Vec<u8> {
    match device {
        DeviceKind::Joydev => joydev(clock, 0, changes.iter().copied()),
        DeviceKind::Evdev => evdev(long, changes.iter().copied()),
    }
}

/// What a program reads first: the whole state. Of an evdev device it could be asked for, but Selkies' library, which does
/// the answering, does not know it; what a program knows already means nothing to it.
pub(super) fn greeting(device: DeviceKind, long: LongSize, clock: Clock, pad: &Pad) -> Vec<u8> {
    match device {
        DeviceKind::Joydev => joydev(clock, JS_EVENT_INIT, pad.state()),
        DeviceKind::Evdev => evdev(long, pad.state()),
    }
}

/// What a program reads that was left behind: the whole state, as changes.
pub(super) fn whole(device: DeviceKind, long: LongSize, clock: Clock, pad: &Pad) -> Vec<u8> {
    match device {
        DeviceKind::Joydev => joydev(clock, 0, pad.state()),
        DeviceKind::Evdev => evdev(long, pad.state()),
    }
}

fn joydev(clock: Clock, flag: u8, changes: impl Iterator<Item = Change>) -> Vec<u8> {
    let time = clock.milliseconds();
    let record = |change| {
        let (value, kind, number) = match change {
            Change::Button(number, pressed) => (pressed.into(), JS_EVENT_BUTTON, number),
            Change::Axis(number, value) => (joydev_value(AXES[usize::from(number)], value), JS_EVENT_AXIS, number),
        };
        JsEvent { time, value, kind: kind | flag, number }.to_bytes()
    };
    changes.flat_map(record).collect()
}

fn evdev(long: LongSize, changes: impl Iterator<Item = Change>) -> Vec<u8> {
    let (seconds, microseconds) = Clock::time_of_day();
    let mut bytes = Vec::new();
    let end = (EV_SYN, SYN_REPORT, 0);
    let changes = changes.map(|change| match change.evdev() {
        (EV_ABS, code, value) => (EV_ABS, code, socket_value(code, value)),
        button => button,
    });
    for (kind, code, value) in changes.chain([end]) {
        InputEvent { seconds, microseconds, kind, code, value }.write(long, &mut bytes);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untouched_pad() {
        let bytes = greeting(DeviceKind::Joydev, LongSize::Eight, Clock::default(), &Pad::default());
        let events: Vec<_> = bytes.chunks(8).map(|event| JsEvent::from_bytes(event.try_into().unwrap())).collect();
        assert_eq!(events.len(), 19);
        assert!(events[..11].iter().all(|event| event.kind == 0x81 && event.value == 0));
        // A trigger that is not pulled is at its end.
        let axes: Vec<_> = events[11..].iter().map(|event| (event.kind, event.value)).collect();
        let expected = [0, 0, -32767, 0, 0, -32767, 0, 0].map(|value| (0x82, value));
        assert_eq!(axes, expected);
    }

    #[test]
    fn a_press_is_two_records() {
        let bytes = changes(DeviceKind::Evdev, LongSize::Four, Clock::default(), &[Change::Button(0, true)]);
        let events: Vec<_> = bytes.chunks(16).map(|event| InputEvent::read(LongSize::Four, event).unwrap()).collect();
        let seen: Vec<_> = events.iter().map(|event| (event.kind, event.code, event.value)).collect();
        assert_eq!(seen, [(1, 0x130, 1), (0, 0, 0)]);
    }
}
