//! What a person does at an X display: keys and the pointer, as a keyboard and a mouse would (XTEST).

use anyhow::{Context as _, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::keymap::Keymap;

/// See the module.
#[derive(Debug)]
pub struct Hands {
    connection: RustConnection,
    keymap: Keymap,
}

impl Hands {
    /// At this display, with the layout that its keyboard has now.
    pub fn new(display: &str) -> Result<Self> {
        let (connection, _) = x11rb::connect(Some(display))?;
        let keymap = Keymap::fetch(&connection)?;
        Ok(Self { connection, keymap })
    }

    /// Presses a key or lets it go; one that needs no other key to mean this.
    pub fn key(&self, keysym: u32, down: bool) -> Result<()> {
        let keycode = self.keymap.keycode(keysym).with_context(|| format!("no key for {keysym:#x}"))?;
        self.fake(if down { KEY_PRESS_EVENT } else { KEY_RELEASE_EVENT }, keycode, (0, 0))
    }

    /// Presses keys in this order, and lets go in reverse.
    pub fn press(&self, keysyms: &[u32]) -> Result<()> {
        keysyms.iter().try_for_each(|&keysym| self.key(keysym, true))?;
        keysyms.iter().rev().try_for_each(|&keysym| self.key(keysym, false))
    }

    /// Moves the pointer to this pixel of the screen.
    pub fn point(&self, x: i16, y: i16) -> Result<()> {
        self.fake(MOTION_NOTIFY_EVENT, 0, (x, y))
    }

    /// Moves the mouse by this much.
    pub fn push(&self, dx: i16, dy: i16) -> Result<()> {
        self.fake(MOTION_NOTIFY_EVENT, 1, (dx, dy))
    }

    /// Presses the left button and lets it go.
    pub fn click(&self) -> Result<()> {
        self.fake(BUTTON_PRESS_EVENT, 1, (0, 0))?;
        self.fake(BUTTON_RELEASE_EVENT, 1, (0, 0))
    }

    fn fake(&self, event: u8, detail: u8, (x, y): (i16, i16)) -> Result<()> {
        self.connection.xtest_fake_input(event, detail, 0, x11rb::NONE, x, y, 0)?.check()?;
        Ok(self.connection.flush()?)
    }
}
