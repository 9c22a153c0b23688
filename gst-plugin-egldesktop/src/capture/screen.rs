//! The X connection of the capture: what is captured, how large it is, and whether it has changed.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tile_convert::TileSet;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::Event;
use x11rb::protocol::composite::{self, ConnectionExt as _, Redirect};
use x11rb::protocol::xfixes::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{self, ConnectionExt as _, EventMask, MapState};
use x11rb::rust_connection::RustConnection;

use super::damage::Damage;
use super::fence::Fence;
use super::pointer::{Overlay, Pointer};
use super::{Area, CaptureError, Region, Size, Waker, WindowChoice};

/// How long events may lie unread while a frame is not due.
const UNREAD: Duration = Duration::from_millis(20);

/// What to capture of an X display.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// Such as `:0`; unset is the environment's.
    pub(crate) display_name: Option<String>,
    pub(crate) window: WindowChoice,
    pub(crate) region: Region,
    /// Whether to be told what was drawn. Otherwise everything always counts as damaged.
    pub(crate) damage: bool,
    /// Whether the picture shows the pointer.
    pub(crate) pointer: bool,
}

/// A connection to the X server that watches a window: the root, or another one.
pub(crate) struct Screen {
    pub(crate) connection: Arc<RustConnection>,
    /// What the pixels are read from.
    pub(crate) drawable: xproto::Window,
    pub(crate) depth: u8,
    is_root: bool,
    region: Region,
    area: Area,
    /// Whether it has pixels: a window that is not mapped has none.
    viewable: bool,
    damage: Option<Damage>,
    fence: Fence,
    pointer: Option<Pointer>,
}

impl Screen {
    /// Connects to a display, finds what is to be captured, and begins to watch it.
    pub(crate) fn open(choice: &Choice) -> Result<Self, CaptureError> {
        let (connection, number) = x11rb::connect(choice.display_name.as_deref())?;
        let connection = Arc::new(connection);
        let root = connection.setup().roots[number].root;
        require(&connection, xfixes::X11_EXTENSION_NAME)?;
        connection.xfixes_query_version(5, 0)?.reply()?;

        let drawable = choice.window.find(&*connection, root)?;
        let is_root = drawable == root;
        // Before the size is asked for, so that no change is missed.
        let attributes = xproto::ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        connection.change_window_attributes(drawable, &attributes)?.check().map_err(gone(drawable))?;
        let geometry = connection.get_geometry(drawable)?.reply().map_err(gone(drawable))?;
        let state = connection.get_window_attributes(drawable)?.reply().map_err(gone(drawable))?.map_state;
        check_depth(&connection, geometry.depth)?;
        if !is_root {
            keep_pixels(&connection, drawable)?;
        }

        let area = choice.region.within(Size { width: geometry.width, height: geometry.height })?;
        let damage = choice.damage.then(|| Damage::new(Arc::clone(&connection), drawable, area)).transpose()?;
        let fence = Fence::new(Arc::clone(&connection), root)?;
        let pointer = choice.pointer.then(|| Pointer::watch(&connection, root)).transpose()?;
        Ok(Self {
            connection,
            drawable,
            depth: geometry.depth,
            is_root,
            region: choice.region,
            area,
            viewable: state == MapState::VIEWABLE,
            damage,
            fence,
            pointer,
        })
    }

    /// Where the picture is in what is captured, as of the events seen so far.
    pub(crate) fn area(&self) -> Area {
        self.area
    }

    /// Whether it is all of the screen or a part of it, rather than a window.
    pub(crate) fn is_root(&self) -> bool {
        self.is_root
    }

    /// Whether there are pixels to read.
    pub(crate) fn is_viewable(&self) -> bool {
        self.viewable
    }

    /// Whether something was drawn since the damage was taken last.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damage.as_ref().is_none_or(Damage::is_there) || self.pointer.as_ref().is_some_and(Pointer::is_there)
    }

    /// Takes the damage, right before the pixels are read: what is drawn from now on is damage again, and is read again.
    /// Adds what was damaged to `tiles`.
    pub(crate) fn take_damage(&mut self, tiles: &mut TileSet) -> Result<(), CaptureError> {
        match &mut self.damage {
            Some(damage) => damage.take(tiles, self.area)?,
            None => tiles.mark_all(),
        }
        match &mut self.pointer {
            Some(pointer) => pointer.take(&self.connection, self.drawable, self.area, tiles),
            None => Ok(()),
        }
    }

    /// Whether the pointer is elsewhere without a word from the X server.
    pub(crate) fn suspect_pointer(&mut self) -> bool {
        self.pointer.as_mut().map(Pointer::suspect).is_some()
    }

    /// Whether there is a pointer to draw over the pixels.
    pub(crate) fn shows_pointer(&self) -> bool {
        self.pointer.is_some()
    }

    /// What to draw over the pixels.
    pub(crate) fn overlay(&self) -> Option<Overlay<'_>> {
        self.pointer.as_ref().and_then(Pointer::overlay)
    }

    /// Nothing has been drawn for a while.
    pub(crate) fn rest(&mut self) -> Result<(), CaptureError> {
        self.damage.as_mut().map_or(Ok(()), Damage::rest)
    }

    /// Handles the events that have arrived, without waiting.
    pub(crate) fn process_events(&mut self) -> Result<(), CaptureError> {
        while let Some(event) = self.connection.poll_for_event()? {
            match &event {
                Event::DamageNotify(event) => {
                    if let Some(damage) = &mut self.damage {
                        damage.notice(event, self.area)?;
                    }
                }
                Event::ConfigureNotify(event) if event.window == self.drawable => {
                    self.set_size(Size { width: event.width, height: event.height })?;
                }
                Event::MapNotify(event) if event.window == self.drawable => {
                    self.viewable = true;
                    self.start_over();
                }
                Event::UnmapNotify(event) if event.window == self.drawable => self.viewable = false,
                Event::DestroyNotify(event) if event.window == self.drawable => return Err(CaptureError::WindowGone),
                // An error to a request without a reply: a picture taken while the screen shrank, a window that is
                // going away, which an event tells as well.
                event => {
                    self.fence.notice(event);
                    if let Some(pointer) = &mut self.pointer {
                        pointer.notice(event);
                    }
                }
            }
        }
        Ok(())
    }

    fn set_size(&mut self, size: Size) -> Result<(), CaptureError> {
        let area = self.region.within(size)?;
        if area != self.area {
            self.area = area;
            self.start_over();
        }
        Ok(())
    }

    /// Nothing of the last picture counts any more.
    fn start_over(&mut self) {
        if let Some(damage) = &mut self.damage {
            damage.set_area(self.area);
        }
        if let Some(pointer) = &mut self.pointer {
            pointer.forget();
        }
    }

    /// Waits for events, for `waker` or for the deadline, whichever comes first. With damage at hand, events can wait.
    pub(crate) fn wait(&mut self, waker: &Waker, deadline: Instant) -> Result<(), CaptureError> {
        let mut timeout = deadline.saturating_duration_since(Instant::now());
        let pacing = self.is_damaged();
        if pacing && self.damage.as_ref().is_some_and(Damage::wants_a_reader) {
            timeout = timeout.min(UNREAD);
        }
        self.poll(waker, !pacing, timeout)
    }

    /// Waits until what is being drawn is whole: all of what a client has asked for, and of one that draws faster than
    /// pictures are taken the next. Takes no longer than `limit`, and says whether there was anything to wait for.
    pub(crate) fn wait_for_drawing(&mut self, waker: &Waker, limit: Duration) -> Result<bool, CaptureError> {
        let Some(damage) = self.damage.as_ref().filter(|_| !limit.is_zero()) else { return Ok(false) };
        if damage.is_composed() {
            self.fence.put()?;
            let deadline = Instant::now() + limit;
            while !self.fence.is_passed() && Instant::now() < deadline {
                self.poll(waker, true, deadline.saturating_duration_since(Instant::now()))?;
                self.process_events()?;
            }
            return Ok(true);
        }
        damage.patience(limit).map_or(Ok(false), |patience| self.poll(waker, true, patience).map(|()| true))
    }

    fn poll(&self, waker: &Waker, events: bool, timeout: Duration) -> Result<(), CaptureError> {
        self.connection.flush()?;
        let timeout = Timespec { tv_sec: timeout.as_secs() as _, tv_nsec: timeout.subsec_nanos().into() };
        let mut fds = [
            PollFd::from_borrowed_fd(waker.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.connection.stream().as_fd(), PollFlags::IN),
        ];
        let fds = if events { &mut fds[..] } else { &mut fds[..1] };
        match poll(fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if !fds[0].revents().is_empty() {
            waker.clear();
        }
        Ok(())
    }
}

/// Fails when the X server lacks an extension.
pub(super) fn require(connection: &RustConnection, name: &'static str) -> Result<(), CaptureError> {
    connection.extension_information(name)?.map(|_| ()).ok_or(CaptureError::Missing(name))
}

/// A window that is not there is the user's mistake, and not the X server's refusal.
fn gone(window: xproto::Window) -> impl Fn(x11rb::errors::ReplyError) -> CaptureError {
    move |error| match error {
        x11rb::errors::ReplyError::X11Error(_) => CaptureError::NoWindow(format!("id {window:#x}")),
        error => error.into(),
    }
}

fn check_depth(connection: &RustConnection, depth: u8) -> Result<(), CaptureError> {
    let formats = &connection.setup().pixmap_formats;
    let bits_per_pixel = formats.iter().find(|format| format.depth == depth).map_or(0, |f| f.bits_per_pixel);
    let little_endian = connection.setup().image_byte_order == xproto::ImageOrder::LSB_FIRST;
    // Depth 32 is that of windows with transparency.
    if !matches!(depth, 24 | 32) || bits_per_pixel != 32 || !little_endian {
        return Err(CaptureError::Depth { depth, bits_per_pixel });
    }
    Ok(())
}

/// Gives a window memory of its own, or what lies under other windows would be lost.
fn keep_pixels(connection: &RustConnection, window: xproto::Window) -> Result<(), CaptureError> {
    require(connection, composite::X11_EXTENSION_NAME)?;
    connection.composite_query_version(0, 4)?.reply()?;
    // Ends with the connection.
    connection.composite_redirect_window(window, Redirect::AUTOMATIC)?.check()?;
    Ok(())
}
