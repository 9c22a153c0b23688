//! The keyboard mapping as a plain X client reads it.

use anyhow::{Result, ensure};
use x11rb::connection::Connection as _;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, KeyButMask};
use x11rb::rust_connection::RustConnection;

/// Gives the keyboard of an X server a layout, such as `de`.
pub fn set_layout(display: &str, layout: &str) -> Result<()> {
    let status = std::process::Command::new("setxkbmap").args(["-display", display, layout]).status()?;
    ensure!(status.success(), "setxkbmap {layout}");
    Ok(())
}

/// Whether keys, buttons, or modifiers that are held rather than locked are down.
pub fn anything_down(connection: &RustConnection) -> Result<bool> {
    connection.xkb_use_extension(1, 0)?.reply()?;
    let root = connection.setup().roots[0].root;
    let keys = connection.query_keymap()?.reply()?.keys.iter().any(|&byte| byte != 0);
    let buttons = u16::from(connection.query_pointer(root)?.reply()?.mask) & 0x1f00 != 0;
    let state = connection.xkb_get_state(xkb::ID::USE_CORE_KBD.into())?.reply()?;
    Ok(keys || buttons || u16::from(state.base_mods | state.latched_mods) != 0)
}

/// See the module.
#[derive(Debug)]
pub struct Keymap {
    first: u8,
    columns: usize,
    keysyms: Vec<u32>,
}

impl Keymap {
    /// As it is now.
    pub fn fetch(connection: &RustConnection) -> Result<Self> {
        let (first, last) = (connection.setup().min_keycode, connection.setup().max_keycode);
        let reply = connection.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        Ok(Self { first, columns: reply.keysyms_per_keycode.into(), keysyms: reply.keysyms })
    }

    /// The key that means this without any modifier.
    pub fn keycode(&self, keysym: u32) -> Option<u8> {
        let row = self.keysyms.chunks(self.columns).position(|row| row.first() == Some(&keysym))?;
        self.first.checked_add(u8::try_from(row).ok()?)
    }

    /// What a key means with these modifiers.
    pub fn keysym(&self, keycode: u8, state: KeyButMask) -> u32 {
        let state = u16::from(state);
        let shift = state & u16::from(KeyButMask::SHIFT) != 0;
        let altgr = state & u16::from(KeyButMask::MOD5) != 0;
        let row = usize::from(keycode - self.first) * self.columns;
        let at = |column: usize| self.keysyms.get(row + column).copied().filter(|_| column < self.columns).unwrap_or(0);
        let column = usize::from(altgr) * 4 + usize::from(shift);
        // Keys without a third level do not heed AltGr.
        [column, column & !1, column & 1, 0].into_iter().map(at).find(|&keysym| keysym != 0).unwrap_or(0)
    }
}
