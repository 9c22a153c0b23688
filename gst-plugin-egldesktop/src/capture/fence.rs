//! Knows when the X server has done what clients had asked of it.
//!
//! A client sends a picture as many requests: a background, then text, then a frame around it. The X server serves all
//! that it has of one client before it turns to the next, but it tells of each drawing at once. A picture taken upon the
//! first would show half of it, and the other half would wait for the next. So a request of our own goes behind them, whose
//! event says that the client has been served. A property that nothing is appended to is such a request (ICCCM 2.1
//! recommends it to learn the time).

use std::sync::Arc;

use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    self, AtomEnum, ConnectionExt as _, CreateWindowAux, EventMask, PropMode, Window, WindowClass,
};
use x11rb::rust_connection::RustConnection;

use super::CaptureError;

/// A window that is never shown, for its property.
pub(super) struct Fence {
    connection: Arc<RustConnection>,
    window: Window,
    /// Requests whose event has not come.
    ahead: u32,
}

impl Fence {
    pub(super) fn new(connection: Arc<RustConnection>, root: Window) -> Result<Self, CaptureError> {
        let window = connection.generate_id()?;
        let attributes = CreateWindowAux::new().override_redirect(1).event_mask(EventMask::PROPERTY_CHANGE);
        let (class, visual) = (WindowClass::INPUT_ONLY, x11rb::COPY_FROM_PARENT);
        connection.create_window(0, window, root, -1, -1, 1, 1, 0, class, visual, &attributes)?.check()?;
        Ok(Self { connection, window, ahead: 0 })
    }

    /// Puts a request behind those that the X server has.
    pub(super) fn put(&mut self) -> Result<(), CaptureError> {
        let (property, kind) = (AtomEnum::WM_NAME, AtomEnum::STRING);
        self.connection.change_property(PropMode::APPEND, self.window, property, kind, 8, 0, &[])?;
        self.ahead += 1;
        Ok(())
    }

    /// Takes note of an event, if it is of a fence.
    pub(super) fn notice(&mut self, event: &Event) {
        if matches!(event, Event::PropertyNotify(event) if event.window == self.window) {
            self.ahead = self.ahead.saturating_sub(1);
        }
    }

    /// Whether the X server is past all of them.
    pub(super) fn is_passed(&self) -> bool {
        self.ahead == 0
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        // With the connection gone, so is the window.
        let _ = xproto::destroy_window(&*self.connection, self.window);
    }
}
