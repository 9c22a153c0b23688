//! The socket of one device: whoever connects gets the device's configuration, and then its events.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use selkies_protocol::joystick::{DeviceKind, FromProgram, InputEvent, LongSize, PadConfig};

use super::clock::Clock;
use super::pad::{Change, Pad};
use super::records;
use super::rumble::{Effects, Rumble};
use crate::desktopinput::imp::CAT;

/// Programs that can read one device at once.
const MAX_READERS: usize = 32;

/// Which protocol the libraries speak: the server has the first word, so it cannot ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// See the module. Dropping it ends all readers.
pub(super) struct DeviceSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the socket's file: another server may have taken the path since.
    file: Option<(u64, u64)>,
    version: Version,
    device: DeviceKind,
    config: Vec<u8>,
    clock: Clock,
    readers: Vec<Reader>,
}

struct Reader {
    stream: UnixStream,
    /// `sizeof(long)` of the program, once it is known; nothing is sent before.
    long: Option<LongSize>,
    /// It has not read for so long that events were left out: it gets the whole state once it reads again.
    behind: bool,
    /// The beginning of a record that is not complete.
    incoming: Vec<u8>,
    effects: Effects,
}

/// What becomes of a reader.
enum Fate {
    Stays,
    Gone,
}

impl DeviceSocket {
    /// Listens at `path`. A socket that nobody listens at any more is replaced; one that is in use is an error.
    pub(super) fn open(path: &Path, version: Version, device: DeviceKind, config: &PadConfig) -> std::io::Result<Self> {
        if UnixStream::connect(path).is_ok() {
            return Err(std::io::Error::new(ErrorKind::AddrInUse, "another server listens there"));
        }
        match std::fs::symlink_metadata(path) {
            Ok(_) => std::fs::remove_file(path)?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // Linux gives the file the mode of the socket, so there is no moment in which others could connect.
        rustix::fs::fchmod(&socket, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
        rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
        let file = std::fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()));
        // From here on dropping it removes the file.
        let this = Self {
            listener: socket.into(),
            path: path.to_owned(),
            file,
            version,
            device,
            config: if version == Version::One { config.to_v1() } else { config.to_v2() },
            clock: Clock::default(),
            readers: Vec::new(),
        };
        rustix::net::listen(&this.listener, 16)?;
        Ok(this)
    }

    /// What to wait for.
    pub(super) fn poll_fds<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        fds.push(PollFd::from_borrowed_fd(self.listener.as_fd(), PollFlags::IN));
        fds.extend(self.readers.iter().map(|reader| {
            let wanted = if reader.behind { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            PollFd::from_borrowed_fd(reader.stream.as_fd(), wanted)
        }));
    }

    /// Lets new readers in, reads what they say, and sends what is due; never waits. Returns what the motors shall do.
    pub(super) fn service(&mut self, pad: &Pad) -> Vec<Rumble> {
        let mut rumbles = Vec::new();
        let readers = std::mem::take(&mut self.readers);
        self.readers = readers
            .into_iter()
            .filter_map(|mut reader| match self.hear(&mut reader, pad, &mut rumbles) {
                Fate::Stays => Some(reader),
                Fate::Gone => {
                    rumbles.extend(reader.effects.end());
                    None
                }
            })
            .collect();
        self.accept(pad);
        rumbles
    }

    /// Sends changes to all readers; never waits.
    pub(super) fn send(&mut self, changes: &[Change]) {
        let (device, clock) = (self.device, self.clock);
        self.readers.retain_mut(|reader| {
            let Some(long) = reader.long.filter(|_| !reader.behind) else { return true };
            reader.write(&records::changes(device, long, clock, changes))
        });
    }

    fn accept(&mut self, pad: &Pad) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.readers.len() >= MAX_READERS || stream.set_nonblocking(true).is_err() {
                gst::debug!(CAT, "{}: too many readers", self.path.display());
                continue;
            }
            let mut reader =
                Reader { stream, long: None, behind: false, incoming: Vec::new(), effects: Effects::default() };
            // A new connection has room for it, or is none.
            if !matches!(reader.stream.write(&self.config), Ok(written) if written == self.config.len()) {
                continue;
            }
            if self.version == Version::One && !self.greet(&mut reader, LongSize::OURS, pad) {
                continue;
            }
            self.readers.push(reader);
        }
    }

    /// The reader is complete: it gets the state of the device.
    fn greet(&self, reader: &mut Reader, long: LongSize, pad: &Pad) -> bool {
        reader.long = Some(long);
        reader.write(&records::greeting(self.device, long, self.clock, pad))
    }

    fn hear(&self, reader: &mut Reader, pad: &Pad, rumbles: &mut Vec<Rumble>) -> Fate {
        let mut buffer = [0; 1024];
        loop {
            match reader.stream.read(&mut buffer) {
                Ok(0) => return Fate::Gone,
                Ok(count) => {
                    let mut bytes = &buffer[..count];
                    if reader.long.is_none() {
                        let Some(long) = bytes.split_off_first().and_then(|byte| LongSize::from_byte(*byte)) else {
                            gst::debug!(CAT, "{}: a reader of an unknown kind", self.path.display());
                            return Fate::Gone;
                        };
                        if !self.greet(reader, long, pad) {
                            return Fate::Gone;
                        }
                    }
                    reader.incoming.extend(bytes);
                    rumbles.extend(reader.requests(self.device));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return Fate::Gone,
            }
        }
        if let Some(long) = reader.long.filter(|_| reader.behind) {
            reader.behind = false;
            if !reader.write(&records::whole(self.device, long, self.clock, pad)) {
                return Fate::Gone;
            }
        }
        Fate::Stays
    }
}

impl Drop for DeviceSocket {
    fn drop(&mut self) {
        let file = std::fs::symlink_metadata(&self.path).ok().map(|file| (file.dev(), file.ino()));
        if file.is_some() && file == self.file {
            // A file that stays behind is replaced by the next server.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Reader {
    /// False where there is no use in going on with it. Records are shorter than what a socket takes in one piece, so they
    /// go whole or not at all.
    fn write(&mut self, bytes: &[u8]) -> bool {
        match self.stream.write(bytes) {
            Ok(written) => written == bytes.len(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.behind = true;
                true
            }
            Err(_) => false,
        }
    }

    fn requests(&mut self, device: DeviceKind) -> Vec<Rumble> {
        let Some(long) = self.long.filter(|_| device == DeviceKind::Evdev) else {
            self.incoming.clear();
            return Vec::new();
        };
        let size = long.event_bytes();
        let complete = self.incoming.len() / size * size;
        let records: Vec<u8> = self.incoming.drain(..complete).collect();
        let requests = records.chunks_exact(size).filter_map(|record| InputEvent::read(long, record));
        requests.filter_map(FromProgram::from_event).filter_map(|request| self.effects.apply(request)).collect()
    }
}
