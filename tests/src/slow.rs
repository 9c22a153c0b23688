//! An X client that takes its time with each key, as programs do that draw a lot.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, InputFocus, PropMode,
    WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::PATIENCE;
use crate::keymap::Keymap;

x11rb::atom_manager! {
    /// Of the protocol by which programs say that they are alive (EWMH).
    Atoms:
    AtomsCookie {
        WM_PROTOCOLS,
        _NET_WM_PING,
    }
}

/// The client; ends with the X server.
#[derive(Debug)]
pub struct SlowProgram(Receiver<char>);

impl SlowProgram {
    /// Opens a window with the keyboard focus. The program is busy for `pause` before it looks up each key.
    pub fn start(display: &str, pause: Duration) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[number].root;
        let atoms = Atoms::new(&connection)?.reply()?;
        let window = connection.generate_id()?;
        let events = EventMask::KEY_PRESS | EventMask::STRUCTURE_NOTIFY;
        let attributes = CreateWindowAux::new().event_mask(events);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(0, window, root, 0, 0, 9, 9, 0, class, x11rb::COPY_FROM_PARENT, &attributes)?;
        let protocols = [atoms._NET_WM_PING];
        connection.change_property32(PropMode::REPLACE, window, atoms.WM_PROTOCOLS, AtomEnum::ATOM, &protocols)?;
        connection.map_window(window)?;
        connection.flush()?;
        while !matches!(connection.wait_for_event()?, Event::MapNotify(_)) {}
        connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME)?;
        connection.sync()?;
        let keymap = Keymap::fetch(&connection)?;
        let (sender, typed) = channel();
        std::thread::spawn(move || {
            let _ = read(&connection, keymap, root, &atoms, pause, |char| Ok(sender.send(char)?));
        });
        Ok(Self(typed))
    }

    /// The next character that was typed.
    pub fn typed(&self) -> Result<char> {
        self.0.recv_timeout(PATIENCE).context("nothing is typed")
    }
}

fn read(
    connection: &RustConnection,
    mut keymap: Keymap,
    root: u32,
    atoms: &Atoms,
    pause: Duration,
    typed: impl Fn(char) -> Result<()>,
) -> Result<()> {
    let (protocols, ping): (Atom, Atom) = (atoms.WM_PROTOCOLS, atoms._NET_WM_PING);
    loop {
        match connection.wait_for_event()? {
            Event::KeyPress(event) => {
                // What makes it slow is the point here.
                std::thread::sleep(pause);
                let keysym = xkeysym::Keysym::new(keymap.keysym(event.detail, event.state));
                if let Some(char) = keysym.key_char() {
                    typed(char)?;
                }
            }
            // As Xlib does: what it gets is the mapping of now, not that of the event.
            Event::MappingNotify(_) => keymap = Keymap::fetch(connection)?,
            Event::ClientMessage(event) if event.type_ == protocols && event.data.as_data32()[0] == ping => {
                let answer = ClientMessageEvent { window: root, ..event };
                let listeners = EventMask::SUBSTRUCTURE_NOTIFY | EventMask::SUBSTRUCTURE_REDIRECT;
                connection.send_event(false, root, listeners, answer)?;
                connection.flush()?;
            }
            _ => {}
        }
    }
}
