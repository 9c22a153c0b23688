//! An X client that notes when it gets a key.

use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use egldesktop_tests::PATIENCE;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, EventMask, InputFocus, WindowClass};
use x11rb::wrapper::ConnectionExt as _;

/// A window with the keyboard focus.
pub(crate) struct Client(Receiver<(bool, Instant)>);

impl Client {
    pub(crate) fn start(display: &str) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[number].root;
        let window = connection.generate_id()?;
        let events = EventMask::KEY_PRESS | EventMask::KEY_RELEASE | EventMask::STRUCTURE_NOTIFY;
        let attributes = CreateWindowAux::new().event_mask(events);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(0, window, root, 0, 0, 9, 9, 0, class, x11rb::COPY_FROM_PARENT, &attributes)?;
        connection.map_window(window)?;
        connection.flush()?;
        while !matches!(connection.wait_for_event()?, Event::MapNotify(_)) {}
        connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?;
        connection.sync()?;
        let (sender, keys) = channel();
        std::thread::spawn(move || {
            // Ends with the server.
            while let Ok(event) = connection.wait_for_event() {
                let pressed = match event {
                    Event::KeyPress(_) => true,
                    Event::KeyRelease(_) => false,
                    _ => continue,
                };
                if sender.send((pressed, Instant::now())).is_err() {
                    return;
                }
            }
        });
        Ok(Self(keys))
    }

    /// When the next key went down.
    pub(crate) fn next_press(&self) -> Result<Instant> {
        self.next(true)
    }

    /// When it went up.
    pub(crate) fn next_release(&self) -> Result<Instant> {
        self.next(false)
    }

    fn next(&self, pressed: bool) -> Result<Instant> {
        let (was, when) = self.0.recv_timeout(PATIENCE).context("no key came")?;
        if was != pressed {
            bail!("a key went {}", if was { "down" } else { "up" });
        }
        Ok(when)
    }
}
