//! A pad for programs with a library that plays joystick device: Selkies' interposer, or our own.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::event::PollFd;
use selkies_protocol::joystick::{DeviceKind, DeviceName, LISTING, PadConfig};

use super::pad::{Change, Pad};
use super::rumble::Rumble;
use super::socket::{DeviceSocket, Version};
use crate::desktopinput::imp::CAT;

/// The devices of one pad. Dropping it is what pulling the plug would be.
pub(super) struct InterposedPad {
    sockets: Vec<DeviceSocket>,
    nodes: Vec<PathBuf>,
}

impl InterposedPad {
    /// Opens the sockets of pad `pad` in a folder.
    pub(super) fn open(folder: &Path, pad: u8, version: Version) -> std::io::Result<Self> {
        let config = PadConfig::xbox360();
        let kinds: &[_] = match version {
            Version::One => &[DeviceKind::Joydev],
            Version::Two => &[DeviceKind::Evdev, DeviceKind::Joydev],
        };
        let devices: Vec<_> = kinds.iter().map(|&kind| DeviceName { pad, kind }).collect();
        let open =
            |device: &DeviceName| DeviceSocket::open(&folder.join(device.socket()), version, device.kind, &config);
        let sockets = devices.iter().map(open).collect::<Result<_, _>>()?;
        let mut this = Self { sockets, nodes: Vec::new() };
        if version == Version::Two {
            // Only once there is something behind them: programs open what they see.
            match make_listing(folder) {
                Ok(listing) => this.list(&listing, &devices),
                Err(error) => gst::warning!(CAT, "programs will not see that there is a gamepad: {error}"),
            }
        }
        Ok(this)
    }

    /// See [`DeviceSocket::poll_fds`].
    pub(super) fn poll_fds<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        self.sockets.iter().for_each(|socket| socket.poll_fds(fds));
    }

    /// See [`DeviceSocket::service`].
    pub(super) fn service(&mut self, pad: &Pad) -> Vec<Rumble> {
        self.sockets.iter_mut().flat_map(|socket| socket.service(pad)).collect()
    }

    /// See [`DeviceSocket::send`].
    pub(super) fn send(&mut self, changes: &[Change]) {
        self.sockets.iter_mut().for_each(|socket| socket.send(changes));
    }

    fn list(&mut self, listing: &Path, devices: &[DeviceName]) {
        for node in devices.iter().map(|device| listing.join(device.node())) {
            match std::fs::File::create(&node) {
                Ok(_) => self.nodes.push(node),
                Err(error) => gst::warning!(CAT, "{}: {error}", node.display()),
            }
        }
    }
}

impl Drop for InterposedPad {
    fn drop(&mut self) {
        for node in &self.nodes {
            // What stays behind is a device that cannot be opened.
            let _ = std::fs::remove_file(node);
        }
    }
}

/// Makes the folder that our library shows programs as `/dev/input`, if it is not there. One that is somebody else's is an
/// error: such a folder could show programs anything.
pub(super) fn make_listing(folder: &Path) -> std::io::Result<PathBuf> {
    let listing = folder.join(LISTING);
    match std::fs::DirBuilder::new().mode(0o700).create(&listing) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = std::fs::symlink_metadata(&listing)?;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        let text = format!("{} is not a folder of ours", listing.display());
        return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, text));
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixStream;

    use selkies_protocol::joystick::{FromProgram, JsEvent, LongSize, V1_BYTES, V2_BYTES};

    fn read<const N: usize>(stream: &mut UnixStream) -> [u8; N] {
        let mut bytes = [0; N];
        stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn connect(folder: &Path, name: &str) -> UnixStream {
        let stream = UnixStream::connect(folder.join(name)).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        stream
    }

    /// A reader of the first version says nothing, and gets everything.
    #[test]
    fn the_first_version() {
        let folder = tempfile::tempdir().unwrap();
        let pad = Pad::default();
        let mut device = InterposedPad::open(folder.path(), 1, Version::One).unwrap();
        let mut readers = [0, 1].map(|_| connect(folder.path(), "selkies_js1.sock"));
        device.service(&pad);
        device.send(&[Change::Button(0, true)]);
        for stream in &mut readers {
            assert_eq!(read::<V1_BYTES>(stream).to_vec(), PadConfig::xbox360().to_v1());
            for _ in 0..19 {
                assert!(JsEvent::from_bytes(read(stream)).kind & 0x80 != 0);
            }
            let event = JsEvent::from_bytes(read(stream));
            assert_eq!((event.kind, event.number, event.value), (1, 0, 1));
        }
        assert!(!folder.path().join(LISTING).exists() && !folder.path().join("selkies_event1001.sock").exists());
    }

    #[test]
    fn the_second_version() {
        let folder = tempfile::tempdir().unwrap();
        let mut pad = Pad::default();
        let mut device = InterposedPad::open(folder.path(), 0, Version::Two).unwrap();
        let mut event = connect(folder.path(), "selkies_event1000.sock");
        let mut js = connect(folder.path(), "selkies_js0.sock");
        device.service(&pad);
        let bytes: [u8; V2_BYTES] = read(&mut js);
        assert_eq!(PadConfig::from_v2(&bytes), Ok(PadConfig::xbox360()));
        read::<V2_BYTES>(&mut event);
        // Nothing before they have said what they are.
        pad.apply(&crate::events::GamepadInput::Button { number: 0, value: 1.0 });
        device.send(&[Change::Button(0, true)]);
        event.write_all(&[4]).unwrap();
        js.write_all(&[8]).unwrap();
        device.service(&pad);
        let first = JsEvent::from_bytes(read(&mut js));
        assert_eq!((first.kind, first.number, first.value), (0x81, 0, 1));
        // The state, in the size of this program, as there is one.
        let press = selkies_protocol::joystick::InputEvent::read(LongSize::Four, &read::<16>(&mut event)).unwrap();
        assert_eq!((press.kind, press.code, press.value), (1, 0x130, 1));

        let mut bytes = Vec::new();
        for request in
            [FromProgram::Upload { id: 0, strong: 65535, weak: 0, length: 300 }, FromProgram::Play { id: 0, on: true }]
        {
            request.to_event().write(LongSize::Four, &mut bytes);
        }
        let (begin, end) = bytes.split_at(5);
        event.write_all(begin).unwrap();
        assert_eq!(device.service(&pad), []);
        event.write_all(end).unwrap();
        assert_eq!(device.service(&pad), [Rumble { strong: 65535, weak: 0, duration: 300 }]);
        // Who is gone rumbles no more.
        drop(event);
        assert_eq!(device.service(&pad), [Rumble::default()]);
    }

    #[test]
    fn readers_of_an_unknown_kind_are_sent_away() {
        let folder = tempfile::tempdir().unwrap();
        let mut device = InterposedPad::open(folder.path(), 0, Version::Two).unwrap();
        let mut js = connect(folder.path(), "selkies_js0.sock");
        device.service(&Pad::default());
        js.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        device.service(&Pad::default());
        let mut rest = Vec::new();
        // The end, or that it was not even read.
        let _ = js.read_to_end(&mut rest);
        assert!(rest.len() <= V2_BYTES);
    }

    /// Who does not read for long holds up nobody, and knows the state when it reads again.
    #[test]
    fn a_slow_reader_catches_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut pad = Pad::default();
        let mut device = InterposedPad::open(folder.path(), 0, Version::Two).unwrap();
        let mut js = connect(folder.path(), "selkies_js0.sock");
        device.service(&pad);
        js.write_all(&[8]).unwrap();
        device.service(&pad);
        for step in 0..100_000 {
            let input = crate::events::GamepadInput::Axis { number: 0, value: f64::from(step % 100) / 100.0 };
            device.send(&pad.apply(&input));
        }
        device.send(&pad.apply(&crate::events::GamepadInput::Button { number: 3, value: 1.0 }));
        read::<V2_BYTES>(&mut js);
        let (mut x, mut y) = (0, 0);
        while y != 1 {
            // Each read makes room.
            let event = JsEvent::from_bytes(read(&mut js));
            match (event.kind & 0x7f, event.number) {
                (1, 3) => y = event.value,
                (2, 0) => x = event.value,
                _ => {}
            }
            device.service(&pad);
        }
        // The rest of the state follows.
        while (x, y) != (32439, 1) {
            let event = JsEvent::from_bytes(read(&mut js));
            if (event.kind & 0x7f, event.number) == (2, 0) {
                x = event.value;
            }
        }
    }

    #[test]
    fn the_sockets_are_private_and_go_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("selkies_js2.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "a stale socket");
        let device = InterposedPad::open(folder.path(), 2, Version::Two).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let listed = || {
            let entries = std::fs::read_dir(folder.path().join(LISTING)).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(listed(), ["event1002", "js2"]);
        let second = InterposedPad::open(folder.path(), 2, Version::Two).map(drop).unwrap_err();
        assert_eq!(second.kind(), std::io::ErrorKind::AddrInUse);
        assert!(path.exists());
        drop(device);
        assert!(!path.exists() && listed().is_empty());
    }
}
