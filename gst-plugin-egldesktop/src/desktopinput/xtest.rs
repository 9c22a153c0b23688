//! XTEST: events that X clients take for those of a real keyboard and mouse.

use std::collections::{BTreeMap, BTreeSet};

use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, ConnectionError, ReplyError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ConnectionExt as _, EventMask, KEY_PRESS_EVENT, KEY_RELEASE_EVENT,
    KeyButMask, MOTION_NOTIFY_EVENT, ModMask, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;
use xkeysym::key;

use super::imp::CAT;
use super::keymap::{Keymap, Level, Stroke};
use crate::events::InputEvent;

/// The detail of a motion (XTEST protocol, XTestFakeInput).
const ABSOLUTE: u8 = 0;
const RELATIVE: u8 = 1;

/// Buttons that the wheel is, by X convention.
const WHEEL_UP: u8 = 4;
const WHEEL_DOWN: u8 = 5;
const WHEEL_LEFT: u8 = 6;
const WHEEL_RIGHT: u8 = 7;
/// The most ticks at once: a runaway client must not scroll for minutes.
const MAX_TICKS: f64 = 50.0;

/// Why input can't be injected.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error("cannot connect: {0}")]
    Connect(#[from] ConnectError),
    #[error("the connection to the X server broke: {0}")]
    Connection(#[from] ConnectionError),
    #[error("the X server refused a request: {0}")]
    Reply(#[from] ReplyError),
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// The input side of an X connection.
pub(super) struct Injector {
    connection: RustConnection,
    root: Window,
    screen: (f64, f64),
    video: Option<(f64, f64)>,
    /// Motion that is less than a pixel yet.
    fraction: (f64, f64),
    /// Wheel turns that are less than a tick yet.
    ticks: (f64, f64),
    keymap: Keymap,
    /// Modifier bit that selects the third level (AltGr) on this server.
    altgr_mask: u16,
    /// Keys that are down by us, and the keycode that each one went down with.
    keys: BTreeMap<u32, u8>,
    buttons: BTreeSet<u8>,
}

impl Injector {
    /// Connects to a display such as `:0`, or to `$DISPLAY`.
    pub(super) fn open(display_name: Option<&str>) -> Result<Self, InputError> {
        let (connection, number) = x11rb::connect(display_name)?;
        let screen = &connection.setup().roots[number];
        let (root, size) = (screen.root, (screen.width_in_pixels.into(), screen.height_in_pixels.into()));
        connection.xtest_get_version(2, 2)?.reply()?;
        let attributes =
            x11rb::protocol::xproto::ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
        connection.change_window_attributes(root, &attributes)?.check()?;
        let keymap = fetch_keymap(&connection, Vec::new())?;
        let altgr_mask = find_altgr(&connection, &keymap)?;
        Ok(Self {
            connection,
            root,
            screen: size,
            video: None,
            fraction: (0.0, 0.0),
            ticks: (0.0, 0.0),
            keymap,
            altgr_mask,
            keys: BTreeMap::new(),
            buttons: BTreeSet::new(),
        })
    }

    /// The video that positions refer to.
    pub(super) fn set_video_size(&mut self, width: f64, height: f64) {
        self.video = (width > 0.0 && height > 0.0).then_some((width, height));
    }

    /// Follows changes of the keyboard layout and of the size of the screen.
    pub(super) fn process_events(&mut self) -> Result<(), InputError> {
        let mut mapping_changed = false;
        while let Some(event) = self.connection.poll_for_event()? {
            match event {
                Event::MappingNotify(_) => mapping_changed = true,
                Event::ConfigureNotify(event) if event.window == self.root => {
                    self.screen = (event.width.into(), event.height.into());
                }
                Event::Error(error) => gst::warning!(CAT, "the X server refused a request: {error:?}"),
                _ => {}
            }
        }
        if mapping_changed {
            self.keymap = fetch_keymap(&self.connection, self.keymap.borrowed().to_vec())?;
            self.altgr_mask = find_altgr(&self.connection, &self.keymap)?;
        }
        Ok(())
    }

    /// Sends what is queued.
    pub(super) fn flush(&self) -> Result<(), InputError> {
        Ok(self.connection.flush()?)
    }

    /// Does one thing that the user did.
    pub(super) fn inject(&mut self, input: &InputEvent) -> Result<(), InputError> {
        match input {
            InputEvent::MoveTo { x, y } => self.move_to(*x, *y),
            InputEvent::MoveBy { dx, dy } => self.move_by(*dx, *dy),
            InputEvent::Button { button, pressed } => self.button(*button, *pressed),
            InputEvent::Scroll { dx, dy } => self.scroll(*dx, *dy),
            InputEvent::Key { keysym, pressed: true } => self.press(*keysym),
            InputEvent::Key { keysym, pressed: false } => self.release(*keysym),
            InputEvent::Text(text) => text.chars().try_for_each(|char| self.type_char(char)),
        }
    }

    /// Releases every key and button that is down by us, and gives the borrowed keycodes back.
    pub(super) fn release_all(&mut self) -> Result<(), InputError> {
        for keycode in std::mem::take(&mut self.keys).into_values() {
            self.fake(KEY_RELEASE_EVENT, keycode)?;
        }
        for button in std::mem::take(&mut self.buttons) {
            self.fake(BUTTON_RELEASE_EVENT, button)?;
        }
        for &(keycode, _) in self.keymap.borrowed() {
            self.connection.change_keyboard_mapping(1, keycode, 1, &[x11rb::NO_SYMBOL])?;
        }
        // A round trip: a server that sees the connection close may not read what is still in the socket.
        Ok(self.connection.sync()?)
    }

    fn fake(&self, kind: u8, detail: u8) -> Result<(), InputError> {
        self.connection.xtest_fake_input(kind, detail, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?;
        Ok(())
    }

    fn motion(&self, detail: u8, x: f64, y: f64) -> Result<(), InputError> {
        let root = if detail == ABSOLUTE { self.root } else { x11rb::NONE };
        // `as` saturates, so that no client can wrap a coordinate around.
        self.connection.xtest_fake_input(
            MOTION_NOTIFY_EVENT,
            detail,
            x11rb::CURRENT_TIME,
            root,
            x as i16,
            y as i16,
            0,
        )?;
        Ok(())
    }

    fn move_to(&mut self, x: f64, y: f64) -> Result<(), InputError> {
        let (video_width, video_height) = self.video.unwrap_or(self.screen);
        let place = |position: f64, video: f64, screen: f64| {
            (position * screen / video).round().clamp(0.0, (screen - 1.0).max(0.0))
        };
        self.fraction = (0.0, 0.0);
        self.motion(ABSOLUTE, place(x, video_width, self.screen.0), place(y, video_height, self.screen.1))
    }

    fn move_by(&mut self, dx: f64, dy: f64) -> Result<(), InputError> {
        let (dx, dy) = (take_whole(&mut self.fraction.0, dx), take_whole(&mut self.fraction.1, dy));
        if dx == 0.0 && dy == 0.0 { Ok(()) } else { self.motion(RELATIVE, dx, dy) }
    }

    fn button(&mut self, button: u8, pressed: bool) -> Result<(), InputError> {
        let kind = if pressed {
            self.buttons.insert(button);
            BUTTON_PRESS_EVENT
        } else {
            // What is not down by us is not ours to release.
            if !self.buttons.remove(&button) {
                return Ok(());
            }
            BUTTON_RELEASE_EVENT
        };
        self.fake(kind, button)
    }

    fn scroll(&mut self, dx: f64, dy: f64) -> Result<(), InputError> {
        let dx = take_whole(&mut self.ticks.0, dx).clamp(-MAX_TICKS, MAX_TICKS);
        let dy = take_whole(&mut self.ticks.1, dy).clamp(-MAX_TICKS, MAX_TICKS);
        let directions = [(dx, WHEEL_RIGHT, WHEEL_LEFT), (dy, WHEEL_UP, WHEEL_DOWN)];
        for (turns, positive, negative) in directions {
            let button = if turns > 0.0 { positive } else { negative };
            for _ in 0..turns.abs() as u32 {
                self.fake(BUTTON_PRESS_EVENT, button)?;
                self.fake(BUTTON_RELEASE_EVENT, button)?;
            }
        }
        Ok(())
    }

    fn press(&mut self, keysym: u32) -> Result<(), InputError> {
        let state = u16::from(self.connection.query_pointer(self.root)?.reply()?.mask);
        let held = |mask: u16| mask != 0 && state & mask != 0;
        let active = Level::new(held(KeyButMask::SHIFT.into()), held(self.altgr_mask));
        // Caps Lock swaps the levels of letters.
        let caps = held(KeyButMask::LOCK.into()) && is_letter(keysym);
        let wanted = if caps { Level::new(!active.shift(), active.altgr()) } else { active };

        let Some(stroke) = self.stroke(keysym, wanted)? else {
            gst::warning!(CAT, "no keycode can type keysym {keysym:#x}: the keyboard has no spare one");
            return Ok(());
        };
        let level = stroke.level.map(|level| if caps { Level::new(!level.shift(), level.altgr()) } else { level });
        // The keycode may be down for another keysym: a new press of the same key.
        if self.keys.iter().any(|(&other, &keycode)| keycode == stroke.keycode && other != keysym) {
            self.keys.retain(|_, keycode| *keycode != stroke.keycode);
            self.fake(KEY_RELEASE_EVENT, stroke.keycode)?;
        }
        self.keys.insert(keysym, stroke.keycode);
        match level {
            Some(level) if level != active => self.with_level(active, level, stroke.keycode),
            _ => self.fake(KEY_PRESS_EVENT, stroke.keycode),
        }
    }

    fn release(&mut self, keysym: u32) -> Result<(), InputError> {
        match self.keys.remove(&keysym) {
            Some(keycode) => self.fake(KEY_RELEASE_EVENT, keycode),
            None => Ok(()),
        }
    }

    fn type_char(&mut self, char: char) -> Result<(), InputError> {
        let keysym = match char {
            '\n' => key::Return,
            '\t' => key::Tab,
            char if char.is_control() => return Ok(()),
            char => xkeysym::Keysym::from_char(char).raw(),
        };
        self.press(keysym)?;
        self.release(keysym)
    }

    fn stroke(&mut self, keysym: u32, active: Level) -> Result<Option<Stroke>, InputError> {
        if let Some(stroke) = self.keymap.stroke(keysym, active) {
            return Ok(Some(stroke));
        }
        let Some(keycode) = self.keymap.borrow(keysym) else { return Ok(None) };
        gst::debug!(CAT, "keysym {keysym:#x} on spare keycode {keycode}");
        // Twice: with one column the server would make an upper-case second level of a letter.
        self.connection.change_keyboard_mapping(1, keycode, 2, &[keysym, keysym])?;
        Ok(Some(Stroke { keycode, level: None }))
    }

    /// Presses a key while other modifiers than the held ones are active, and holds those again afterwards.
    fn with_level(&mut self, active: Level, wanted: Level, keycode: u8) -> Result<(), InputError> {
        let changes = [
            (active.shift(), wanted.shift(), [key::Shift_L, key::Shift_R]),
            (active.altgr(), wanted.altgr(), [key::ISO_Level3_Shift, key::Mode_switch]),
        ];
        let mut undo = Vec::new();
        for (held, wanted, keysyms) in changes.into_iter().filter(|(held, wanted, _)| held != wanted) {
            let all: Vec<u8> = keysyms.into_iter().flat_map(|keysym| self.keymap.keycodes(keysym)).collect();
            let affected: Vec<u8> = if wanted { all.into_iter().take(1).collect() } else { self.pressed(&all)? };
            let (change, back) =
                if held { (KEY_RELEASE_EVENT, KEY_PRESS_EVENT) } else { (KEY_PRESS_EVENT, KEY_RELEASE_EVENT) };
            for modifier in affected {
                self.fake(change, modifier)?;
                undo.push((back, modifier));
            }
        }
        self.fake(KEY_PRESS_EVENT, keycode)?;
        undo.into_iter().rev().try_for_each(|(kind, modifier)| self.fake(kind, modifier))
    }

    /// Which of these keycodes are down, whoever pressed them.
    fn pressed(&self, keycodes: &[u8]) -> Result<Vec<u8>, InputError> {
        let map = self.connection.query_keymap()?.reply()?.keys;
        let down = |keycode: u8| map[usize::from(keycode / 8)] & (1 << (keycode % 8)) != 0;
        Ok(keycodes.iter().copied().filter(|&keycode| down(keycode)).collect())
    }
}

/// Adds to what was left over and takes the whole part out.
fn take_whole(rest: &mut f64, more: f64) -> f64 {
    let sum = *rest + more;
    let whole = sum.trunc();
    *rest = sum - whole;
    whole
}

fn is_letter(keysym: u32) -> bool {
    xkeysym::Keysym::new(keysym).key_char().is_some_and(char::is_alphabetic)
}

fn fetch_keymap(connection: &RustConnection, borrowed: Vec<(u8, u32)>) -> Result<Keymap, InputError> {
    let (min, max) = (connection.setup().min_keycode, connection.setup().max_keycode);
    let reply = connection.get_keyboard_mapping(min, max - min + 1)?.reply()?;
    Ok(Keymap::new(min, reply.keysyms_per_keycode, reply.keysyms, borrowed))
}

/// The modifier that the AltGr key sets; 0 where the layout has none.
fn find_altgr(connection: &RustConnection, keymap: &Keymap) -> Result<u16, InputError> {
    let keycodes: Vec<u8> =
        [key::ISO_Level3_Shift, key::Mode_switch].into_iter().flat_map(|k| keymap.keycodes(k)).collect();
    let reply = connection.get_modifier_mapping()?.reply()?;
    let per_modifier = usize::from(reply.keycodes_per_modifier()).max(1);
    let modifiers = [
        ModMask::SHIFT,
        ModMask::LOCK,
        ModMask::CONTROL,
        ModMask::M1,
        ModMask::M2,
        ModMask::M3,
        ModMask::M4,
        ModMask::M5,
    ];
    let found =
        reply.keycodes.chunks(per_modifier).zip(modifiers).find(|(row, _)| row.iter().any(|k| keycodes.contains(k)));
    Ok(found.map_or(0, |(_, mask)| mask.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_add_up() {
        let mut rest = 0.0;
        let moved: f64 = std::iter::repeat_with(|| take_whole(&mut rest, 0.3)).take(10).sum();
        assert!((moved + rest - 3.0).abs() < 1e-9 && rest.abs() < 1.0);
        let back: f64 = std::iter::repeat_with(|| take_whole(&mut rest, -0.3)).take(10).sum();
        assert!((moved + back + rest).abs() < 1e-9);
    }
}
