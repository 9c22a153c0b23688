//! The sockets between a server and the libraries that play joystick device for programs: Selkies' joystick interposer,
//! of its first version (1.5 to 1.6: joydev only) and of its second (joydev and evdev), and our own.
//!
//! A program opens a device, and its library connects to the device's socket. The server sends the [`PadConfig`]; since
//! the second version, the library answers with one byte, its `sizeof(long)`. Then the server sends what the device would:
//! `struct js_event` (linux/joystick.h) or `struct input_event` (linux/input.h), in the byte order of the machine.
//!
//! Extension: where [`PadConfig::rumble`] is set, which only a byte of the padding tells, the library sends
//! [`FromProgram`] on sockets of evdev devices, in records as long as those of the events.

mod codes;
mod config;
mod records;

pub use codes::*;
pub use config::{ConfigError, PadConfig, V1_BYTES, V2_BYTES};
pub use records::{FromProgram, InputEvent, JsEvent, LongSize};

/// How many pads there are.
pub const PADS: u8 = crate::gamepad::MAX_PADS;
/// What the first evdev device is called by number: high, so that no real one has it.
pub const FIRST_EVENT: u32 = 1000;
/// The folder of the sockets where none is named.
pub const DEFAULT_FOLDER: &str = "/tmp";
/// The variable that names the folder of the sockets, to server and libraries.
pub const FOLDER_VARIABLE: &str = "SELKIES_JS_SOCKET_PATH";
/// Name of the folder, beside the sockets, that stands for `/dev/input` where programs look what devices there are: it has
/// an empty file for each device that is there. Extension.
pub const LISTING: &str = "selkies_input";

/// The two kinds of devices that each pad has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// `/dev/input/js0` …
    Joydev,
    /// `/dev/input/event1000` …
    Evdev,
}

/// A device of a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceName {
    /// Which pad, less than [`PADS`].
    pub pad: u8,
    /// Which of its devices.
    pub kind: DeviceKind,
}

impl DeviceName {
    /// From the name of the node in `/dev/input`, such as `js0` or `event1000`.
    pub fn from_node(name: &str) -> Option<Self> {
        let find = |kind| (0..PADS).map(move |pad| Self { pad, kind }).find(|device| device.node() == name);
        find(DeviceKind::Joydev).or_else(|| find(DeviceKind::Evdev))
    }

    /// From the file name of the socket.
    pub fn from_socket(name: &str) -> Option<Self> {
        Self::from_node(name.strip_prefix("selkies_")?.strip_suffix(".sock")?)
    }

    /// The name of the node in `/dev/input`.
    pub fn node(self) -> String {
        match self.kind {
            DeviceKind::Joydev => format!("js{}", self.pad),
            DeviceKind::Evdev => format!("event{}", FIRST_EVENT + u32::from(self.pad)),
        }
    }

    /// The file name of the socket.
    pub fn socket(self) -> String {
        format!("selkies_{}.sock", self.node())
    }

    /// Major and minor number that the node would have (linux/Documentation/admin-guide/devices.txt: 13).
    pub fn number(self) -> (u32, u32) {
        match self.kind {
            DeviceKind::Joydev => (13, self.pad.into()),
            DeviceKind::Evdev => (13, FIRST_EVENT + u32::from(self.pad)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let js = DeviceName { pad: 3, kind: DeviceKind::Joydev };
        let event = DeviceName { pad: 0, kind: DeviceKind::Evdev };
        assert_eq!((js.node().as_str(), js.socket().as_str()), ("js3", "selkies_js3.sock"));
        assert_eq!((event.node().as_str(), event.socket().as_str()), ("event1000", "selkies_event1000.sock"));
        for device in [js, event] {
            assert_eq!(DeviceName::from_node(&device.node()), Some(device));
            assert_eq!(DeviceName::from_socket(&device.socket()), Some(device));
        }
        for other in ["js4", "js", "event0", "event1004", "mice", "", "js00"] {
            assert_eq!(DeviceName::from_node(other), None, "{other}");
        }
        assert_eq!(DeviceName::from_socket("selkies_js0"), None);
    }
}
