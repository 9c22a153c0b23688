//! MIT-SHM: a pixmap in memory that we share with the X server. It copies what was damaged there, in one request,
//! between two requests of its clients: never half of a drawing.

use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use tile_convert::{Source, TileSet};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{self, ClipOrdering, ConnectionExt as _, CreateGCAux, SubwindowMode};

use super::mapping::Mapping;
use super::{Area, CaptureError, Framebuffer, Method, Pixels, Screen, Size};

/// More rectangles than that are not worth telling the server of.
const RECTANGLES: usize = 256;

pub(crate) struct PixmapFramebuffer {
    mapping: Mapping,
    segment: shm::Seg,
    pixmap: xproto::Pixmap,
    gc: xproto::Gcontext,
    size: Size,
}

impl PixmapFramebuffer {
    /// Fails where memory can't be shared by file descriptor: MIT-SHM before 1.2, remote servers.
    pub(crate) fn new(screen: &Screen) -> Result<Self, CaptureError> {
        let (connection, size) = (&screen.connection, screen.area().size);
        if connection.extension_information(shm::X11_EXTENSION_NAME)?.is_none() {
            return Err(CaptureError::Missing("MIT-SHM"));
        }
        let version = connection.shm_query_version()?.reply()?;
        if (version.major_version, version.minor_version) < (1, 2) || !version.shared_pixmaps {
            return Err(CaptureError::Declined("MIT-SHM has no shared pixmaps"));
        }

        let fd: OwnedFd = memfd_create("egldesktopsrc", MemfdFlags::CLOEXEC)?;
        ftruncate(&fd, size.bytes() as u64)?;
        let mapping = Mapping::of_file(&fd, size.bytes())?;
        let (segment, pixmap, gc) = (connection.generate_id()?, connection.generate_id()?, connection.generate_id()?);
        // A server on another machine or in another container says here that it can't map it.
        connection.shm_attach_fd(segment, fd, false)?.check()?;
        let (width, height) = (size.width, size.height);
        connection.shm_create_pixmap(pixmap, screen.drawable, width, height, screen.depth, segment, 0)?.check()?;
        // With what the windows show, not only what is behind them.
        let values = CreateGCAux::new().subwindow_mode(SubwindowMode::INCLUDE_INFERIORS).graphics_exposures(0);
        connection.create_gc(gc, pixmap, &values)?.check()?;
        Ok(Self { mapping, segment, pixmap, gc, size })
    }
}

impl Framebuffer for PixmapFramebuffer {
    fn method(&self) -> Method {
        Method::Pixmap
    }

    fn pixels(&mut self, screen: &Screen, damage: &TileSet) -> Result<Pixels<'_>, CaptureError> {
        let (size, Size { width, height }) = (screen.area().size, self.size);
        if size != self.size {
            return Err(CaptureError::Resized);
        }
        copy_damage(screen, self.gc, self.pixmap, damage)?;
        // Any reply says that the copy is done: requests are handled in order.
        screen.connection.get_input_focus()?.reply()?;
        // SAFETY: mapped with this length for as long as `self`, which the source borrows. Only the X server writes to
        // it, and only for the request above.
        let source =
            unsafe { Source::from_raw(self.mapping.as_ptr(), self.mapping.len(), size.stride(), width, height) };
        Ok(Pixels::Memory(source?))
    }

    fn close(&mut self, screen: &Screen) {
        // Nothing to do about an error: the server frees it all with the connection.
        let _ = screen.connection.free_gc(self.gc);
        let _ = screen.connection.free_pixmap(self.pixmap);
        let _ = screen.connection.shm_detach(self.segment);
    }
}

/// Asks the X server to copy what was damaged to a pixmap of the size of the picture, with a context that includes
/// inferiors.
pub(super) fn copy_damage(
    screen: &Screen,
    gc: xproto::Gcontext,
    pixmap: xproto::Pixmap,
    damage: &TileSet,
) -> Result<(), CaptureError> {
    let Area { x, y, size } = screen.area();
    let connection = &screen.connection;
    let rectangles: Vec<_> = damage.rects(RECTANGLES).into_iter().map(rectangle).collect();
    connection.set_clip_rectangles(ClipOrdering::UNSORTED, gc, 0, 0, &rectangles)?;
    let corner = (i16::try_from(x), i16::try_from(y));
    let (Ok(left), Ok(top)) = corner else { return Err(CaptureError::Declined("it is too far from the corner")) };
    connection.copy_area(screen.drawable, pixmap, gc, left, top, 0, 0, size.width, size.height)?;
    Ok(())
}

fn rectangle(rect: tile_convert::Rect) -> xproto::Rectangle {
    // A pixmap is at most 32767 pixels wide and high.
    xproto::Rectangle { x: rect.x as i16, y: rect.y as i16, width: rect.width, height: rect.height }
}
