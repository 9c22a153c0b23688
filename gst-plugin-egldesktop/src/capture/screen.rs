//! The X connection of the capture: what has changed, and how large the screen is.

use std::os::fd::AsFd;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tile_convert::TileSet;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::Event;
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{self, ConnectionExt as _, EventMask};
use x11rb::rust_connection::RustConnection;

use super::{CaptureError, Size, Waker};

/// A connection to the X server that watches the root window.
pub(crate) struct Screen {
    pub(crate) connection: RustConnection,
    pub(crate) root: xproto::Window,
    damage: damage::Damage,
    /// What was damaged when the damage was taken last.
    region: xfixes::Region,
    size: Size,
    damaged: bool,
}

impl Screen {
    /// Connects to a display such as `:0`, or to `$DISPLAY`.
    pub(crate) fn open(display_name: Option<&str>) -> Result<Self, CaptureError> {
        let (connection, number) = x11rb::connect(display_name)?;
        let screen = &connection.setup().roots[number];
        let (root, depth) = (screen.root, screen.root_depth);
        let size = Size { width: screen.width_in_pixels, height: screen.height_in_pixels };

        let formats = &connection.setup().pixmap_formats;
        let bits_per_pixel = formats.iter().find(|format| format.depth == depth).map_or(0, |f| f.bits_per_pixel);
        let little_endian = connection.setup().image_byte_order == xproto::ImageOrder::LSB_FIRST;
        if depth != 24 || bits_per_pixel != 32 || !little_endian {
            return Err(CaptureError::Depth { depth, bits_per_pixel });
        }

        // The server answers requests of these extensions only once it was told a version.
        require(&connection, damage::X11_EXTENSION_NAME)?;
        require(&connection, xfixes::X11_EXTENSION_NAME)?;
        connection.damage_query_version(1, 1)?.reply()?;
        connection.xfixes_query_version(5, 0)?.reply()?;

        let damage = connection.generate_id()?;
        // NonEmpty: one event until the damage is taken, however much is drawn.
        connection.damage_create(damage, root, ReportLevel::NON_EMPTY)?.check()?;
        let region = connection.generate_id()?;
        connection.xfixes_create_region(region, &[])?.check()?;
        let attributes = xproto::ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        connection.change_window_attributes(root, &attributes)?.check()?;

        Ok(Self { connection, root, damage, region, size, damaged: false })
    }

    /// The size of the screen, as of the events seen so far.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// Whether something was drawn since the damage was taken last.
    pub(crate) fn damaged(&self) -> bool {
        self.damaged
    }

    /// Takes the damage, right before the pixels are read: what is drawn from now on raises a new event, and is read
    /// again. Adds what was damaged to `tiles`.
    pub(crate) fn take_damage(&mut self, tiles: &mut TileSet) -> Result<(), CaptureError> {
        self.damaged = false;
        self.connection.damage_subtract(self.damage, x11rb::NONE, self.region)?;
        let region = self.connection.xfixes_fetch_region(self.region)?.reply()?;
        for rectangle in region.rectangles {
            let (x, y) = (rectangle.x.into(), rectangle.y.into());
            tiles.mark(x, y, rectangle.width.into(), rectangle.height.into());
        }
        Ok(())
    }

    /// The same for everything: for a frame that has nothing yet.
    pub(crate) fn take_all(&mut self, tiles: &mut TileSet) -> Result<(), CaptureError> {
        self.take_damage(tiles)?;
        tiles.mark_all();
        let Size { width, height } = self.size;
        let all = xproto::Rectangle { x: 0, y: 0, width, height };
        self.connection.xfixes_set_region(self.region, &[all])?;
        Ok(())
    }

    /// The region that was taken last, as the X server has it.
    pub(crate) fn damaged_region(&self) -> xfixes::Region {
        self.region
    }

    /// Handles the events that have arrived, without waiting.
    pub(crate) fn process_events(&mut self) -> Result<(), CaptureError> {
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::DamageNotify(_) => self.damaged = true,
                Event::ConfigureNotify(event) if event.window == self.root => {
                    let size = Size { width: event.width, height: event.height };
                    if size != self.size {
                        self.size = size;
                        self.damaged = true;
                    }
                }
                // An error to a request without a reply: a picture taken while the screen shrank.
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits for events, for `waker` or for the deadline, whichever comes first.
    pub(crate) fn wait(&mut self, waker: &Waker, deadline: Instant) -> Result<(), CaptureError> {
        self.connection.flush()?;
        // x11rb may have read events into its queue already, and then the socket stays silent.
        let before = (self.damaged, self.size);
        self.process_events()?;
        if (self.damaged, self.size) != before {
            return Ok(());
        }
        let timeout = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos().into() };
        let mut fds = [
            PollFd::from_borrowed_fd(self.connection.stream().as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN),
        ];
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        waker.clear();
        self.process_events()
    }
}

/// Fails when the X server lacks an extension.
fn require(connection: &RustConnection, name: &'static str) -> Result<(), CaptureError> {
    connection.extension_information(name)?.map(|_| ()).ok_or(CaptureError::Missing(name))
}
