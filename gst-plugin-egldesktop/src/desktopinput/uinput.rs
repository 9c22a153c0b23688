//! A touch screen, a pen and a wheel as devices of the kernel (`/dev/uinput`), for an X server that reads such devices:
//! Xorg with the libinput or evdev driver, told of new ones by udev. Xvfb and Xvnc read none.
//!
//! They are made only where the X server is such a one, and used only while it lists them: until then, and elsewhere,
//! fingers and pens are the pointer, and the wheel turns by whole ticks.

use evdev::uinput::VirtualDevice;
use evdev::{
    AbsInfo, AbsoluteAxisCode as Axis, AttributeSet, BusType, InputEvent, InputId, KeyCode, PropType, RelativeAxisCode,
    UinputAbsSetup,
};
use x11rb::connection::RequestConnection as _;
use x11rb::protocol::xinput::{self, ConnectionExt as _, Device, EventMask, XIEventMask};
use x11rb::protocol::xproto::ConnectionExt as _;

use super::display::{Display, InputError};
use super::imp::CAT;
use super::touch::{PEN_PRESSURE, PEN_TILT, RANGE, SLOTS, TOUCH_PRESSURE};
use crate::events::Devices;

/// Units in a millimetre of a pen's screen: libinput takes no pen without them.
const PEN_RESOLUTION: i32 = 100;
/// Units in a radian of a pen's tilt, which is in degrees.
const TILT_RESOLUTION: i32 = 57;

/// See the module. Dropping it removes the devices.
#[derive(Default)]
pub(super) struct Uinput {
    touch: Option<Made>,
    pen: Option<Made>,
    wheel: Option<Made>,
    /// Those that the X server lists.
    listed: Devices,
}

struct Made {
    device: VirtualDevice,
    name: String,
}

impl Uinput {
    /// Makes the devices, if the X server will read them.
    pub(super) fn open(display: &Display) -> Result<Self, InputError> {
        if !reads_devices(display)? {
            gst::debug!(CAT, "this X server reads no devices of the kernel: fingers and pens are the pointer");
            return Ok(Self::default());
        }
        // Before there is anything to hear of.
        let events = EventMask { deviceid: Device::ALL.into(), mask: vec![XIEventMask::HIERARCHY] };
        display.connection.xinput_xi_select_events(display.root, &[events])?;
        // Other desktops of this machine have devices like these.
        let mut number = [0; 4];
        getrandom::fill(&mut number).unwrap_or_default();
        let number = u32::from_ne_bytes(number);
        Ok(Self {
            touch: make(format!("egldesktop touch screen {number:08x}"), touch_screen),
            pen: make(format!("egldesktop pen {number:08x}"), pen),
            wheel: make(format!("egldesktop wheel {number:08x}"), wheel),
            listed: Devices::default(),
        })
    }

    /// The devices that programs see.
    pub(super) fn devices(&self) -> Devices {
        self.listed
    }

    /// The X server has other devices than before.
    pub(super) fn hierarchy_changed(&mut self, display: &Display) -> Result<(), InputError> {
        let reply = display.connection.xinput_xi_query_device(Device::ALL)?.reply()?;
        // Drivers add to the name, such as "stylus".
        let listed = |made: &Option<Made>| {
            made.as_ref().is_some_and(|made| {
                reply.infos.iter().any(|info| info.enabled && info.name.starts_with(made.name.as_bytes()))
            })
        };
        self.listed = Devices {
            touch: listed(&self.touch),
            pen: listed(&self.pen),
            wheel: listed(&self.wheel),
            ..Devices::default()
        };
        gst::debug!(CAT, "of our devices, the X server reads {:?}", self.listed);
        Ok(())
    }

    pub(super) fn emit_touch(&mut self, events: &[InputEvent]) {
        emit(self.touch.as_mut(), events);
    }

    pub(super) fn emit_pen(&mut self, events: &[InputEvent]) {
        emit(self.pen.as_mut(), events);
    }

    pub(super) fn emit_wheel(&mut self, events: &[InputEvent]) {
        emit(self.wheel.as_mut(), events);
    }
}

/// Whether it is Xorg, of whose extensions others have at most one of these; and a version of XInput with touches.
fn reads_devices(display: &Display) -> Result<bool, InputError> {
    let connection = &display.connection;
    if connection.extension_information(xinput::X11_EXTENSION_NAME)?.is_none() {
        return Ok(false);
    }
    let version = connection.xinput_xi_query_version(2, 2)?.reply()?;
    let has =
        |name: &str| -> Result<bool, InputError> { Ok(connection.query_extension(name.as_bytes())?.reply()?.present) };
    // Xwayland has the first one too, and says who it is in the second one from version 23 on.
    let is_xorg = has("XFree86-VidModeExtension")? && !has("XWAYLAND")?;
    Ok(is_xorg && (version.major_version, version.minor_version) >= (2, 2))
}

fn make(name: String, build: fn(&str) -> std::io::Result<VirtualDevice>) -> Option<Made> {
    match build(&name) {
        Ok(device) => Some(Made { device, name }),
        Err(error) => {
            gst::info!(CAT, "no device \"{name}\": /dev/uinput: {error}");
            None
        }
    }
}

fn emit(made: Option<&mut Made>, events: &[InputEvent]) {
    let Some(made) = made.filter(|_| !events.is_empty()) else { return };
    if let Err(error) = made.device.emit(events) {
        gst::warning!(CAT, "{}: {error}", made.name);
    }
}

fn axis(code: Axis, minimum: i32, maximum: i32, resolution: i32) -> UinputAbsSetup {
    UinputAbsSetup::new(code, AbsInfo::new(0, minimum, maximum, 0, 0, resolution))
}

fn build(
    name: &str,
    keys: &[KeyCode],
    axes: &[UinputAbsSetup],
    relative: &[RelativeAxisCode],
    properties: &[PropType],
) -> std::io::Result<VirtualDevice> {
    let keys: AttributeSet<KeyCode> = keys.iter().copied().collect();
    let relative: AttributeSet<RelativeAxisCode> = relative.iter().copied().collect();
    let properties: AttributeSet<PropType> = properties.iter().copied().collect();
    // Nobody's numbers, as for other devices that programs make.
    let id = InputId::new(BusType::BUS_VIRTUAL, 0, 0, 1);
    let mut builder =
        VirtualDevice::builder()?.name(name).input_id(id).with_keys(&keys)?.with_properties(&properties)?;
    // An empty set would still say that the device has such axes.
    if relative.iter().next().is_some() {
        builder = builder.with_relative_axes(&relative)?;
    }
    for axis in axes {
        builder = builder.with_absolute_axis(axis)?;
    }
    builder.build()
}

fn touch_screen(name: &str) -> std::io::Result<VirtualDevice> {
    let axes = [
        axis(Axis::ABS_X, 0, RANGE, 0),
        axis(Axis::ABS_Y, 0, RANGE, 0),
        axis(Axis::ABS_MT_SLOT, 0, SLOTS as i32 - 1, 0),
        axis(Axis::ABS_MT_TRACKING_ID, 0, 0xffff, 0),
        axis(Axis::ABS_MT_POSITION_X, 0, RANGE, 0),
        axis(Axis::ABS_MT_POSITION_Y, 0, RANGE, 0),
        axis(Axis::ABS_MT_PRESSURE, 0, TOUCH_PRESSURE, 0),
    ];
    build(name, &[KeyCode::BTN_TOUCH], &axes, &[], &[PropType::DIRECT])
}

fn pen(name: &str) -> std::io::Result<VirtualDevice> {
    let keys = [KeyCode::BTN_TOOL_PEN, KeyCode::BTN_TOOL_RUBBER, KeyCode::BTN_TOUCH, KeyCode::BTN_STYLUS];
    let axes = [
        axis(Axis::ABS_X, 0, RANGE, PEN_RESOLUTION),
        axis(Axis::ABS_Y, 0, RANGE, PEN_RESOLUTION),
        axis(Axis::ABS_PRESSURE, 0, PEN_PRESSURE, 0),
        axis(Axis::ABS_TILT_X, -PEN_TILT, PEN_TILT, TILT_RESOLUTION),
        axis(Axis::ABS_TILT_Y, -PEN_TILT, PEN_TILT, TILT_RESOLUTION),
    ];
    build(name, &keys, &axes, &[], &[PropType::DIRECT])
}

/// With the axes and the buttons of a mouse: what has a wheel alone is none to udev.
fn wheel(name: &str) -> std::io::Result<VirtualDevice> {
    let keys = [KeyCode::BTN_LEFT, KeyCode::BTN_RIGHT, KeyCode::BTN_MIDDLE];
    let axes = [
        RelativeAxisCode::REL_X,
        RelativeAxisCode::REL_Y,
        RelativeAxisCode::REL_WHEEL,
        RelativeAxisCode::REL_HWHEEL,
        RelativeAxisCode::REL_WHEEL_HI_RES,
        RelativeAxisCode::REL_HWHEEL_HI_RES,
    ];
    build(name, &keys, &[], &axes, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use evdev::{Device, EventType};

    type Build = fn(&str) -> std::io::Result<VirtualDevice>;

    /// What programs read of what is sent to a device.
    fn read_back(build: Build, sent: &[InputEvent]) -> Vec<(EventType, u16, i32)> {
        let mut device = build("egldesktop test").unwrap();
        let node = device.enumerate_dev_nodes_blocking().unwrap().next().unwrap().unwrap();
        // udev may still be giving it to its group.
        let mut reader = Device::open(node).unwrap();
        device.emit(sent).unwrap();
        let mut read = Vec::new();
        loop {
            for event in reader.fetch_events().unwrap() {
                if event.event_type() == EventType::SYNCHRONIZATION {
                    return read;
                }
                read.push((event.event_type(), event.code(), event.value()));
            }
        }
    }

    #[test]
    #[ignore = "needs /dev/uinput; `make unit` runs it where that is"]
    fn the_kernel_takes_the_devices_and_what_they_report() {
        let event = |kind: EventType, code: u16, value: i32| InputEvent::new(kind.0, code, value);
        let (axis, key, relative) = (EventType::ABSOLUTE, EventType::KEY, EventType::RELATIVE);
        let cases: [(Build, Vec<InputEvent>); 3] = [
            (
                touch_screen,
                vec![
                    event(axis, Axis::ABS_MT_TRACKING_ID.0, 5),
                    event(axis, Axis::ABS_MT_POSITION_X.0, 1000),
                    event(axis, Axis::ABS_MT_POSITION_Y.0, RANGE),
                    event(key, KeyCode::BTN_TOUCH.0, 1),
                ],
            ),
            (
                pen,
                vec![
                    event(key, KeyCode::BTN_TOOL_PEN.0, 1),
                    event(axis, Axis::ABS_X.0, 1000),
                    event(axis, Axis::ABS_PRESSURE.0, PEN_PRESSURE),
                    event(axis, Axis::ABS_TILT_X.0, -30),
                ],
            ),
            (wheel, vec![event(relative, RelativeAxisCode::REL_WHEEL_HI_RES.0, 60)]),
        ];
        for (build, sent) in cases {
            let expected: Vec<_> = sent.iter().map(|it| (it.event_type(), it.code(), it.value())).collect();
            assert_eq!(read_back(build, &sent), expected);
        }
    }
}
