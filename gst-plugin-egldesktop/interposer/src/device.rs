//! The connection to the server of a device.

use std::ffi::c_int;
use std::os::fd::{AsFd, IntoRawFd as _, OwnedFd};
use std::path::Path;
use std::sync::RwLock;
use std::time::Duration;

use rustix::fs::OFlags;
use rustix::io::{Errno, FdFlags};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt};
use selkies_protocol::joystick::{
    DeviceKind, DeviceName, InputEvent, JS_EVENT_AXIS, JS_EVENT_BUTTON, JsEvent, LongSize, PADS, PadConfig, V2_BYTES,
    from_joydev,
};

use crate::names;

/// A server that is there answers at once; one that hangs must not hang programs for long.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was said of the devices last: programs ask often.
static KNOWN: [RwLock<Option<PadConfig>>; PADS as usize] = [const { RwLock::new(None) }; PADS as usize];

/// Opens a device as `open` does with these flags; `None` where there is no server.
pub(crate) fn open(device: DeviceName, flags: c_int) -> Option<c_int> {
    let (socket, config) = connect(device)?;
    remember(device, config);
    let wanted = OFlags::from_bits_retain(flags as u32);
    if wanted.contains(OFlags::NONBLOCK) {
        let is = rustix::fs::fcntl_getfl(&socket).ok()?;
        rustix::fs::fcntl_setfl(&socket, is | OFlags::NONBLOCK).ok()?;
    }
    if !wanted.contains(OFlags::CLOEXEC) {
        rustix::io::fcntl_setfd(&socket, FdFlags::empty()).ok()?;
    }
    Some(socket.into_raw_fd())
}

/// What a device is.
pub(crate) fn config(device: DeviceName) -> Option<PadConfig> {
    let known = KNOWN.get(usize::from(device.pad))?;
    // Not to wait: in a child of a fork, whoever held the lock need not exist.
    if let Some(config) = known.try_read().ok().and_then(|config| config.clone()) {
        return Some(config);
    }
    let (_, config) = connect(device)?;
    remember(device, config.clone());
    Some(config)
}

fn remember(device: DeviceName, config: PadConfig) {
    if let Some(mut known) = KNOWN.get(usize::from(device.pad)).and_then(|known| known.try_write().ok()) {
        *known = Some(config);
    }
}

/// How a pad is at this moment, by evdev codes: what is pressed, and where the axes are. A new reader of joydev's is told.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) pressed: Vec<u16>,
    pub(crate) axes: Vec<(u16, i32)>,
}

impl State {
    /// All zero, where the server does not say.
    pub(crate) fn of(pad: u8) -> Self {
        Self::ask(pad).unwrap_or_default()
    }

    pub(crate) fn axis(&self, code: u16) -> i32 {
        self.axes.iter().find(|(axis, _)| *axis == code).map_or(0, |(_, value)| *value)
    }

    fn ask(pad: u8) -> Option<Self> {
        let (socket, config) = connect(DeviceName { pad, kind: DeviceKind::Joydev })?;
        let mut state = Self::default();
        for _ in 0..config.buttons.len() + config.axes.len() {
            let mut bytes = [0; JsEvent::BYTES];
            receive(&socket, &mut bytes)?;
            let event = JsEvent::from_bytes(bytes);
            let number = usize::from(event.number);
            if event.kind & JS_EVENT_AXIS != 0 {
                let code = u16::from(*config.axes.get(number)?);
                state.axes.push((code, from_joydev(code, event.value)));
            } else if event.kind & JS_EVENT_BUTTON != 0 && event.value != 0 {
                state.pressed.push(*config.buttons.get(number)?);
            }
        }
        Some(state)
    }
}

/// Sends the server a record, on a socket of an evdev device.
pub(crate) fn tell(socket: impl AsFd, event: InputEvent) -> Result<(), Errno> {
    let mut bytes = Vec::new();
    event.write(LongSize::OURS, &mut bytes);
    rustix::net::send(socket, &bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).map(drop)
}

fn connect(device: DeviceName) -> Option<(OwnedFd, PadConfig)> {
    connect_to(&names::socket(device))
}

fn connect_to(path: &Path) -> Option<(OwnedFd, PadConfig)> {
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).ok()?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, Some(PATIENCE)).ok()?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(PATIENCE)).ok()?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path).ok()?).ok()?;
    let mut bytes = [0; V2_BYTES];
    receive(&socket, &mut bytes)?;
    let config = PadConfig::from_v2(&bytes).ok()?;
    rustix::net::send(&socket, &[LongSize::OURS.to_byte()], SendFlags::NOSIGNAL).ok()?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, None).ok()?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, None).ok()?;
    Some((socket, config))
}

fn receive(socket: &OwnedFd, mut bytes: &mut [u8]) -> Option<()> {
    while !bytes.is_empty() {
        match rustix::net::recv(socket, &mut *bytes, RecvFlags::empty()) {
            Ok((0, _)) => return None,
            Ok((count, _)) => bytes = bytes.get_mut(count..)?,
            Err(Errno::INTR) => {}
            Err(_) => return None,
        }
    }
    Some(())
}
