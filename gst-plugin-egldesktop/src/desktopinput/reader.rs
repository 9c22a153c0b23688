//! Whether the program that gets the keys has read them.
//!
//! A keycode that is given another meaning before a program has looked up the last one types the wrong character there.
//! X does not tell how far a program has read, but programs do: they answer `_NET_WM_PING` (EWMH; toolkits by
//! themselves) in order with their other events. Those that do not know it get a fixed time.

use std::time::{Duration, Instant};

use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask, Window,
};

use super::display::{Display, InputError};
use super::imp::CAT;

/// What programs get that do not say how far they have read.
const SETTLE: Duration = Duration::from_secs(1);
/// When one that says so is given up: it hangs, and reads nothing at all.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most windows between the one with the focus and that of the program.
const MAX_DEPTH: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reader {
    serial: u32,
    asked: Option<Asked>,
    /// What was sent before has been read, or never will be.
    read: Option<Instant>,
}

#[derive(Debug)]
struct Asked {
    window: Window,
    serial: u32,
    when: Instant,
}

impl Reader {
    /// `None` once a key that was pressed at this time has been read. Else the program has been asked, and this is when
    /// it is to be assumed that it has, unless it says so before.
    pub(super) fn read_at(&mut self, display: &Display, pressed: Instant) -> Result<Option<Instant>, InputError> {
        let now = Instant::now();
        if self.read.is_some_and(|read| read > pressed) {
            return Ok(None);
        }
        if let Some(asked) = self.asked.take_if(|asked| asked.when + PATIENCE <= now) {
            gst::debug!(CAT, "window {:#x} does not answer", asked.window);
            self.read = Some(asked.when);
            listen(display, false)?;
            return self.read_at(display, pressed);
        }
        if let Some(asked) = self.asked.as_ref().filter(|asked| asked.when > pressed) {
            return Ok(Some(asked.when + PATIENCE));
        }
        let Some(window) = answering(display)? else {
            return Ok(Some(pressed + SETTLE).filter(|&read| read > now));
        };
        self.serial = self.serial.wrapping_add(1);
        self.asked = Some(Asked { window, serial: self.serial, when: now });
        listen(display, true)?;
        let data = [display.atoms._NET_WM_PING, self.serial, window, 0, 0];
        let ping = ClientMessageEvent::new(32, window, display.atoms.WM_PROTOCOLS, data);
        display.connection.send_event(false, window, EventMask::NO_EVENT, ping)?;
        Ok(Some(now + PATIENCE))
    }

    /// Takes in the answer, if this is it.
    pub(super) fn handle(&mut self, display: &Display, event: &ClientMessageEvent) -> Result<(), InputError> {
        if event.window != display.root || event.type_ != display.atoms.WM_PROTOCOLS || event.format != 32 {
            return Ok(());
        }
        let [protocol, serial, window, ..] = event.data.as_data32();
        let is_answer = |asked: &mut Asked| (asked.serial, asked.window) == (serial, window);
        if protocol == display.atoms._NET_WM_PING
            && let Some(asked) = self.asked.take_if(is_answer)
        {
            self.read = Some(asked.when);
            listen(display, false)?;
        }
        Ok(())
    }
}

/// Answers go to those who listen to changes of the root's children. We do so only while there is one to come.
fn listen(display: &Display, on: bool) -> Result<(), InputError> {
    let mask = if on { Display::ROOT_EVENTS | EventMask::SUBSTRUCTURE_NOTIFY } else { Display::ROOT_EVENTS };
    let attributes = ChangeWindowAttributesAux::new().event_mask(mask);
    display.connection.change_window_attributes(display.root, &attributes)?;
    Ok(())
}

/// The window with the focus, or one around it, if its program answers.
fn answering(display: &Display) -> Result<Option<Window>, InputError> {
    let connection = &display.connection;
    let mut window = connection.get_input_focus()?.reply()?.focus;
    for _ in 0..MAX_DEPTH {
        // 0 and 1 stand for no window, and for whatever is under the pointer.
        if window <= 1 || window == display.root {
            break;
        }
        let (protocols, atom) = (display.atoms.WM_PROTOCOLS, AtomEnum::ATOM);
        let property = connection.get_property(false, window, protocols, atom, 0, 64)?;
        let tree = connection.query_tree(window)?;
        // It may be gone by now.
        let (Ok(property), Ok(tree)) = (property.reply(), tree.reply()) else { break };
        if property.value32().is_some_and(|mut atoms| atoms.any(|atom| atom == display.atoms._NET_WM_PING)) {
            return Ok(Some(window));
        }
        window = tree.parent;
    }
    Ok(None)
}
