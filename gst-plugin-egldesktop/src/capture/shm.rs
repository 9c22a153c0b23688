//! MIT-SHM: the X server copies the screen into memory that it shares with us, and that goes downstream as it is.
//!
//! Segments are recycled: the frame that went downstream gives its segment back when its last user drops it.

use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::ImageFormat;

use super::{CaptureError, Frame, Grabber, Screen, Size};

/// Takes pictures into shared segments.
pub(crate) struct ShmGrabber {
    free: Vec<Segment>,
    returned: Receiver<Segment>,
    give_back: Sender<Segment>,
}

/// Memory that both the X server and we have mapped.
struct Segment {
    id: shm::Seg,
    memory: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to this segment alone and stays at its place until drop.
unsafe impl Send for Segment {}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: mapped by `Segment::new` with this length; nobody can hold a reference into it any more, since
        // references are only handed out by borrowing the segment.
        let _ = unsafe { munmap(self.memory.as_ptr().cast(), self.length) };
    }
}

impl Segment {
    fn new(screen: &Screen, length: usize) -> Result<Self, CaptureError> {
        let fd: OwnedFd = memfd_create("egldesktopsrc", MemfdFlags::CLOEXEC)?;
        ftruncate(&fd, length as u64)?;
        // SAFETY: a new mapping at an address that the kernel chooses; the file has this length.
        let memory = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, &fd, 0) }?;
        let memory = NonNull::new(memory.cast()).ok_or(rustix::io::Errno::NOMEM)?;
        let segment = Self { id: screen.connection.generate_id()?, memory, length };
        screen.connection.shm_attach_fd(segment.id, fd, false)?.check()?;
        Ok(segment)
    }

    fn detach(self, screen: &Screen) -> Result<(), CaptureError> {
        screen.connection.shm_detach(self.id)?;
        Ok(())
    }
}

impl AsRef<[u8]> for Segment {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: mapped readable with this length. The X server writes into it only for a request that `grab` makes,
        // and `grab` uses segments that no frame holds.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.length) }
    }
}

/// A filled segment on its way downstream.
struct ShmFrame {
    segment: Option<Segment>,
    give_back: Sender<Segment>,
}

impl AsRef<[u8]> for ShmFrame {
    fn as_ref(&self) -> &[u8] {
        self.segment.as_ref().map_or(&[], AsRef::as_ref)
    }
}

impl Drop for ShmFrame {
    fn drop(&mut self) {
        if let Some(segment) = self.segment.take() {
            // Fails when the grabber is gone; then the segment goes as well.
            let _ = self.give_back.send(segment);
        }
    }
}

impl ShmGrabber {
    /// Fails where memory can't be shared by file descriptor: MIT-SHM before 1.2, remote servers.
    pub(crate) fn new(screen: &Screen) -> Result<Self, CaptureError> {
        if screen.connection.extension_information(shm::X11_EXTENSION_NAME)?.is_none() {
            return Err(CaptureError::Missing("MIT-SHM"));
        }
        let version = screen.connection.shm_query_version()?.reply()?;
        if (version.major_version, version.minor_version) < (1, 2) {
            return Err(CaptureError::Missing("MIT-SHM 1.2"));
        }
        let (give_back, returned) = channel();
        // The first segment at once: a server that can't map our memory (another machine, another
        // container) says so here and not in the middle of a stream.
        let first = Segment::new(screen, screen.size().bytes())?;
        Ok(Self { free: vec![first], returned, give_back })
    }

    fn segment(&mut self, screen: &Screen, length: usize) -> Result<Segment, CaptureError> {
        self.free.extend(self.returned.try_iter());
        let (fitting, outdated) = self.free.drain(..).partition(|segment| segment.length == length);
        self.free = fitting;
        for segment in outdated {
            Segment::detach(segment, screen)?;
        }
        self.free.pop().map_or_else(|| Segment::new(screen, length), Ok)
    }
}

impl Grabber for ShmGrabber {
    fn name(&self) -> &'static str {
        "shm"
    }

    fn grab(&mut self, screen: &Screen, size: Size) -> Result<Frame, CaptureError> {
        let segment = self.segment(screen, size.bytes())?;
        let format = ImageFormat::Z_PIXMAP.into();
        let (width, height, id) = (size.width, size.height, segment.id);
        let reply = screen.connection.shm_get_image(screen.root, 0, 0, width, height, !0, format, id, 0)?.reply();
        if let Err(error) = reply {
            self.free.push(segment);
            return Err(resized_on_bad_match(error));
        }
        Ok(Box::new(ShmFrame { segment: Some(segment), give_back: self.give_back.clone() }))
    }
}

/// BadMatch is how the X server says that the area is not inside the screen (X protocol, GetImage).
pub(super) fn resized_on_bad_match(error: ReplyError) -> CaptureError {
    match error {
        ReplyError::X11Error(error) if error.error_kind == ErrorKind::Match => CaptureError::Resized,
        error => error.into(),
    }
}
