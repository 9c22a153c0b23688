//! The framebuffer of a local Xvfb that was started with `-fbdir`, read in place: no request, no copy in the server.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use tile_convert::{Source, TileSet};

use super::mapping::Mapping;
use super::{CaptureError, Framebuffer, Method, Screen, Size, xwd};

pub(crate) struct MappedFramebuffer {
    mapping: Mapping,
    layout: xwd::Layout,
}

impl MappedFramebuffer {
    /// Finds the file by asking the kernel which process the X server is.
    pub(crate) fn new(screen: &Screen) -> Result<Self, CaptureError> {
        let path = find(screen).ok_or(CaptureError::Declined("the X server is no local Xvfb with -fbdir"))?;
        let file =
            File::open(&path).map_err(|_| CaptureError::Declined("the file of its framebuffer can't be opened"))?;
        let length = file.metadata().map_or(0, |metadata| metadata.len()) as usize;
        let mut header = [0; xwd::HEADER];
        if length < header.len() || rustix::io::pread(&file, &mut header, 0)? != header.len() {
            return Err(CaptureError::Declined("the file of its framebuffer is too short"));
        }
        let layout = xwd::parse(&header).map_err(CaptureError::Declined)?;
        // The mapping may not be longer than the file: touching what is not there is a SIGBUS.
        if layout.length().is_none_or(|needed| needed > length) {
            return Err(CaptureError::Declined("the file of its framebuffer ends before its last row"));
        }
        let size = screen.size();
        if u32::from(size.width) > layout.width || u32::from(size.height) > layout.height {
            return Err(CaptureError::Declined("the screen is larger than its framebuffer"));
        }
        Ok(Self { mapping: Mapping::of_file(&file, length)?, layout })
    }
}

/// The framebuffer's file of the process at the other end of the connection.
fn find(screen: &Screen) -> Option<PathBuf> {
    let peer = rustix::net::sockopt::socket_peercred(screen.connection.stream().as_fd()).ok()?;
    let command_line = std::fs::read(format!("/proc/{}/cmdline", peer.pid.as_raw_nonzero())).ok()?;
    let mut arguments = command_line.split(|byte| *byte == 0);
    arguments.find(|argument| *argument == b"-fbdir")?;
    let folder = PathBuf::from(String::from_utf8(arguments.next()?.to_vec()).ok()?);
    // One file for each screen; more than one is not supported here, as in most of X.
    Some(folder.join("Xvfb_screen0"))
}

impl Framebuffer for MappedFramebuffer {
    fn method(&self) -> Method {
        Method::Mapped
    }

    fn source(&mut self, _screen: &Screen, size: Size, _damage: &TileSet) -> Result<Source<'_>, CaptureError> {
        let (start, length) = (self.layout.offset, self.mapping.len() - self.layout.offset);
        let data = self.mapping.as_ptr().wrapping_add(start);
        // SAFETY: the mapping is longer than the header says, which `new` has checked, and it lives as long as `self`,
        // which the source borrows. Only the X server writes to it.
        Ok(unsafe { Source::from_raw(data, length, self.layout.stride, size.width, size.height) }?)
    }
}
