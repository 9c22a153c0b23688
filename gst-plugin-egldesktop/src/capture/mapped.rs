//! The framebuffer of a local Xvfb that was started with `-fbdir` or `-shmem`, read in place: no request, no copy in the
//! server.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use tile_convert::{Source, TileSet};

use super::mapping::Mapping;
use super::segment::Segment;
use super::{Area, BYTES_PER_PIXEL, CaptureError, Framebuffer, Method, Pixels, Screen, xwd};

pub(crate) struct MappedFramebuffer {
    memory: Memory,
    layout: xwd::Layout,
}

/// Memory that the X server draws to.
enum Memory {
    File(Mapping),
    Segment(Segment),
}

/// Where an Xvfb keeps its framebuffer.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// `-fbdir`: a file.
    File(PathBuf),
    /// `-shmem`: a segment of System V shared memory.
    Segment,
}

impl MappedFramebuffer {
    /// Finds it by asking the kernel which process the X server is.
    pub(crate) fn new(screen: &Screen) -> Result<Self, CaptureError> {
        if !screen.is_root() {
            return Err(CaptureError::Declined(
                "a window is captured, which the framebuffer may show other windows over",
            ));
        }
        let server = rustix::net::sockopt::socket_peercred(screen.connection.stream().as_fd())
            .map_err(|_| CaptureError::Declined("the X server is on another machine"))?
            .pid;
        let memory = match find(&format!("/proc/{}", server.as_raw_nonzero())) {
            Some(Place::File(path)) => Memory::of_file(&path)?,
            Some(Place::Segment) => Memory::Segment(Segment::made_by(server)?),
            None => return Err(CaptureError::Declined("the X server is no local Xvfb with -fbdir or -shmem")),
        };
        let layout = xwd::parse(&memory.header()?).map_err(CaptureError::Declined)?;
        // Touching what is not there is a SIGBUS.
        if layout.length().is_none_or(|needed| needed > memory.len()) {
            return Err(CaptureError::Declined("the memory of its framebuffer ends before its last row"));
        }
        let Area { x, y, size } = screen.area();
        let end = |start: u16, length: u16| u32::from(start) + u32::from(length);
        if end(x, size.width) > layout.width || end(y, size.height) > layout.height {
            return Err(CaptureError::Declined("the screen is larger than its framebuffer"));
        }
        Ok(Self { memory, layout })
    }
}

/// The place of the framebuffer of an X server whose folder in /proc this is.
fn find(process: &str) -> Option<Place> {
    let command_line = std::fs::read(format!("{process}/cmdline")).ok()?;
    let mut arguments = command_line.split(|byte| *byte == 0);
    while let Some(argument) = arguments.next() {
        match argument {
            b"-fbdir" => {
                let folder = PathBuf::from(String::from_utf8(arguments.next()?.to_vec()).ok()?);
                // One file for each screen; more than one is not supported here, as in most of X.
                return Some(Place::File(folder.join("Xvfb_screen0")));
            }
            b"-shmem" => return Some(Place::Segment),
            _ => {}
        }
    }
    None
}

impl Memory {
    fn of_file(path: &Path) -> Result<Self, CaptureError> {
        let file =
            File::open(path).map_err(|_| CaptureError::Declined("the file of its framebuffer can't be opened"))?;
        let length = file.metadata().map_or(0, |metadata| metadata.len()) as usize;
        // The mapping may not be longer than the file.
        Ok(Self::File(Mapping::of_file(&file, length)?))
    }

    fn as_ptr(&self) -> *const u8 {
        match self {
            Self::File(mapping) => mapping.as_ptr(),
            Self::Segment(segment) => segment.as_ptr(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::File(mapping) => mapping.len(),
            Self::Segment(segment) => segment.len(),
        }
    }

    /// The head of the XWD file that the framebuffer is.
    fn header(&self) -> Result<[u8; xwd::HEADER], CaptureError> {
        let mut header = [0; xwd::HEADER];
        if self.len() < header.len() {
            return Err(CaptureError::Declined("the memory of its framebuffer is too short"));
        }
        // SAFETY: so many bytes are mapped, and `header` is memory of its own.
        unsafe { std::ptr::copy_nonoverlapping(self.as_ptr(), header.as_mut_ptr(), header.len()) };
        Ok(header)
    }
}

impl Framebuffer for MappedFramebuffer {
    fn method(&self) -> Method {
        Method::Mapped
    }

    fn pixels(&mut self, screen: &Screen, _damage: &TileSet) -> Result<Pixels<'_>, CaptureError> {
        let Area { x, y, size } = screen.area();
        let start = usize::from(y) * self.layout.stride + usize::from(x) * BYTES_PER_PIXEL + self.layout.offset;
        let length = self.memory.len().saturating_sub(start);
        let data = self.memory.as_ptr().wrapping_add(start);
        // SAFETY: so much is mapped from there on, for as long as `self` lives, which the source borrows. Only the X
        // server writes to it.
        let source = unsafe { Source::from_raw(data, length, self.layout.stride, size.width, size.height) };
        Ok(Pixels::Memory(source?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_tells_where() {
        let folder = tempfile::tempdir().unwrap();
        let place = |line: &str| {
            std::fs::write(folder.path().join("cmdline"), line.replace(' ', "\0")).unwrap();
            find(folder.path().to_str().unwrap())
        };
        let file = Some(Place::File("/dev/shm/x/Xvfb_screen0".into()));
        assert_eq!(place("Xvfb :7 -fbdir /dev/shm/x -noreset"), file);
        assert_eq!(place("Xvfb :7 -shmem -noreset"), Some(Place::Segment));
        assert_eq!(place("Xvfb :7 -noreset"), None);
        assert_eq!(place("Xvfb :7 -fbdir"), None);
        assert_eq!(find("/nonexistent"), None);
    }
}
