//! Keys by XTEST: events that X clients take for those of a real keyboard.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use x11rb::protocol::xkb::{self, ConnectionExt as _, EventType, GetMapReply, MapPart, SelectEventsAux};
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt as _, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, ModMask};
use x11rb::protocol::xtest::ConnectionExt as _;
use xkeysym::key;

use super::display::{Display, InputError};
use super::imp::CAT;
use super::keymap::{Key, KeyType, Keymap, LOCK, State, Stroke};
use super::reader::Reader;

/// The keyboard of the X server.
pub(super) struct Keyboard {
    keymap: Keymap,
    /// The layout was changed since it was fetched.
    outdated: bool,
    /// Keys that are down by us, and the keycode that each one went down with.
    down: BTreeMap<u32, u8>,
    /// When each borrowed keycode was pressed last.
    pressed: HashMap<u8, Instant>,
    reader: Reader,
}

impl Keyboard {
    pub(super) fn open(display: &Display) -> Result<Self, InputError> {
        let connection = &display.connection;
        connection.xtest_get_version(2, 2)?.reply()?;
        connection.xkb_use_extension(1, 0)?.reply()?;
        let events = EventType::NEW_KEYBOARD_NOTIFY | EventType::MAP_NOTIFY;
        let all = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
        let none = EventType::from(0u16);
        connection.xkb_select_events(core(), none, events, all, all, &SelectEventsAux::new())?.check()?;
        let keymap = fetch(display, Vec::new())?;
        Ok(Self { keymap, outdated: false, down: BTreeMap::new(), pressed: HashMap::new(), reader: Reader::default() })
    }

    /// The layout has changed: it is read again before the next key.
    pub(super) fn layout_changed(&mut self) {
        self.outdated = true;
    }

    /// Presses the key that types this keysym. A key that is down already is pressed again.
    pub(super) fn press(&mut self, display: &Display, keysym: u32) -> Result<(), InputError> {
        self.refresh(display)?;
        let state = state(display)?;
        let Some(stroke) = self.stroke(display, keysym, state)? else {
            gst::warning!(CAT, "no keycode can type keysym {keysym:#x}: the keyboard has no spare one");
            return Ok(());
        };
        // What it went down with before; and other keysyms that share the keycode: a new press of the same key.
        let before = self.down.get(&keysym).copied().filter(|&keycode| keycode != stroke.keycode);
        let shared = self.down.iter().any(|(&other, &keycode)| keycode == stroke.keycode && other != keysym);
        for keycode in before.into_iter().chain(shared.then_some(stroke.keycode)) {
            self.down.retain(|_, down| *down != keycode);
            fake(display, KEY_RELEASE_EVENT, keycode)?;
        }
        self.down.insert(keysym, stroke.keycode);
        self.strike(display, stroke, state)
    }

    /// Releases the key that this keysym went down with, if it is down.
    pub(super) fn release(&mut self, display: &Display, keysym: u32) -> Result<(), InputError> {
        match self.down.remove(&keysym) {
            Some(keycode) => fake(display, KEY_RELEASE_EVENT, keycode),
            None => Ok(()),
        }
    }

    /// The keysym that types a character of a text, if it has one.
    pub(super) fn keysym_of(char: char) -> Option<u32> {
        match char {
            '\n' => Some(key::Return),
            '\t' => Some(key::Tab),
            char if char.is_control() => None,
            char => Some(xkeysym::Keysym::from_char(char).raw()),
        }
    }

    /// `None` when this keysym can be typed now. Else a keycode must first lose another meaning that may not have been read
    /// yet; this is when it will have been, at the latest.
    pub(super) fn ready_at(&mut self, display: &Display, keysym: u32) -> Result<Option<Instant>, InputError> {
        self.refresh(display)?;
        let Some(reused) = self.keymap.next_reused() else { return Ok(None) };
        if self.keymap.stroke(keysym, state(display)?).is_some() {
            return Ok(None);
        }
        self.pressed.get(&reused).map_or(Ok(None), |&pressed| self.reader.read_at(display, pressed))
    }

    /// Takes in a message that may be from the program that gets the keys.
    pub(super) fn handle(&mut self, display: &Display, event: &ClientMessageEvent) -> Result<(), InputError> {
        self.reader.handle(display, event)
    }

    /// Turns Caps Lock and Num Lock on or off.
    pub(super) fn set_locks(&mut self, display: &Display, caps: bool, num: bool) -> Result<(), InputError> {
        self.refresh(display)?;
        let num_lock = self.keymap.modifier_of(key::Num_Lock);
        let wanted = if caps { LOCK } else { 0 } | if num { num_lock } else { 0 };
        if state(display)?.locked & (LOCK | num_lock) != wanted {
            lock(display, LOCK | num_lock, wanted)?;
        }
        Ok(())
    }

    /// Releases every key that is down by us, and gives the borrowed keycodes back.
    pub(super) fn release_all(&mut self, display: &Display) -> Result<(), InputError> {
        for keycode in std::mem::take(&mut self.down).into_values() {
            fake(display, KEY_RELEASE_EVENT, keycode)?;
        }
        for &(keycode, _) in self.keymap.borrowed() {
            display.connection.change_keyboard_mapping(1, keycode, 1, &[x11rb::NO_SYMBOL])?;
        }
        Ok(())
    }

    fn refresh(&mut self, display: &Display) -> Result<(), InputError> {
        if std::mem::take(&mut self.outdated) {
            self.keymap = fetch(display, self.keymap.borrowed().to_vec())?;
        }
        Ok(())
    }

    fn stroke(&mut self, display: &Display, keysym: u32, state: State) -> Result<Option<Stroke>, InputError> {
        if self.keymap.stroke(keysym, state).is_none() {
            let Some(keycode) = self.keymap.borrow(keysym) else { return Ok(None) };
            gst::debug!(CAT, "keysym {keysym:#x} on spare keycode {keycode}");
            // Twice: with one column the server would make an upper-case second level of a letter.
            display.connection.change_keyboard_mapping(1, keycode, 2, &[keysym, keysym])?;
        }
        let stroke = self.keymap.stroke(keysym, state);
        if let Some(Stroke { keycode, .. }) = stroke
            && self.keymap.borrowed().iter().any(|&(borrowed, _)| borrowed == keycode)
        {
            self.pressed.insert(keycode, Instant::now());
        }
        Ok(stroke)
    }

    /// Presses a key while other modifiers than the held ones are active, and puts those back afterwards.
    fn strike(&self, display: &Display, stroke: Stroke, state: State) -> Result<(), InputError> {
        let mut undo = Vec::new();
        let locks = stroke.without & state.locked | stroke.with & !self.holdable(stroke.with);
        if locks != 0 {
            lock(display, locks, stroke.with)?;
        }
        for modifier in bits(stroke.without & !state.locked) {
            for keycode in pressed(display, self.keymap.modifier_keys(modifier))? {
                fake(display, KEY_RELEASE_EVENT, keycode)?;
                undo.push((KEY_PRESS_EVENT, keycode));
            }
        }
        for keycode in bits(stroke.with & !locks).filter_map(|modifier| self.keymap.holder(modifier)) {
            fake(display, KEY_PRESS_EVENT, keycode)?;
            undo.push((KEY_RELEASE_EVENT, keycode));
        }
        fake(display, KEY_PRESS_EVENT, stroke.keycode)?;
        for (kind, keycode) in undo.into_iter().rev() {
            fake(display, kind, keycode)?;
        }
        if locks != 0 {
            lock(display, locks, state.locked)?;
        }
        Ok(())
    }

    /// Those of these modifiers that a key can hold.
    fn holdable(&self, modifiers: u8) -> u8 {
        bits(modifiers).filter(|&modifier| self.keymap.holder(modifier).is_some()).sum()
    }
}

fn core() -> xkb::DeviceSpec {
    xkb::ID::USE_CORE_KBD.into()
}

fn bits(mask: u8) -> impl Iterator<Item = u8> {
    (0..8).map(|bit| 1 << bit).filter(move |bit| mask & bit != 0)
}

fn fake(display: &Display, kind: u8, keycode: u8) -> Result<(), InputError> {
    display.connection.xtest_fake_input(kind, keycode, x11rb::CURRENT_TIME, x11rb::NONE, 0, 0, 0)?;
    Ok(())
}

fn state(display: &Display) -> Result<State, InputError> {
    let reply = display.connection.xkb_get_state(core())?.reply()?;
    let mask = |mask: ModMask| u16::from(mask) as u8;
    Ok(State { active: mask(reply.mods), locked: mask(reply.locked_mods), group: reply.group.into() })
}

/// Locks those of `affected` that are in `locked`, and unlocks the others of them.
fn lock(display: &Display, affected: u8, locked: u8) -> Result<(), InputError> {
    let (affected, locked) = (ModMask::from(affected), ModMask::from(affected & locked));
    let none = ModMask::from(0u8);
    display.connection.xkb_latch_lock_state(core(), affected, locked, false, xkb::Group::M1, none, false, 0)?;
    Ok(())
}

/// Which of these keycodes are down, whoever pressed them.
fn pressed(display: &Display, keycodes: impl Iterator<Item = u8>) -> Result<Vec<u8>, InputError> {
    let map = display.connection.query_keymap()?.reply()?.keys;
    let down = |keycode: u8| map[usize::from(keycode / 8)] & (1 << (keycode % 8)) != 0;
    Ok(keycodes.filter(|&keycode| down(keycode)).collect())
}

fn fetch(display: &Display, borrowed: Vec<(u8, u32)>) -> Result<Keymap, InputError> {
    let full = MapPart::KEY_TYPES | MapPart::KEY_SYMS | MapPart::MODIFIER_MAP;
    let none = MapPart::from(0u16);
    let no_modifiers = xkb::VMod::from(0u16);
    let request =
        display.connection.xkb_get_map(core(), full, none, 0, 0, 0, 0, 0, 0, 0, 0, no_modifiers, 0, 0, 0, 0, 0, 0)?;
    Ok(keymap(request.reply()?, borrowed))
}

fn keymap(reply: GetMapReply, borrowed: Vec<(u8, u32)>) -> Keymap {
    let byte = |mask: ModMask| u16::from(mask) as u8;
    let types = reply.map.types_rtrn.unwrap_or_default().into_iter().map(|kind| KeyType {
        mask: byte(kind.mods_mask),
        // One that depends on a virtual modifier that no key has is inactive.
        levels: kind.map.iter().filter(|it| it.active).map(|it| (byte(it.mods_mask), it.level)).collect(),
    });
    let mut keys: Vec<Key> = reply
        .map
        .syms_rtrn
        .unwrap_or_default()
        .into_iter()
        .map(|key| Key {
            group_info: key.group_info,
            types: key.kt_index,
            width: key.width,
            keysyms: key.syms,
            modifiers: 0,
        })
        .collect();
    for entry in reply.map.modmap_rtrn.unwrap_or_default() {
        let index = usize::from(entry.keycode.saturating_sub(reply.first_key_sym));
        if let Some(key) = keys.get_mut(index) {
            key.modifiers = byte(entry.mods);
        }
    }
    Keymap::new(reply.first_key_sym, types.collect(), keys, borrowed)
}
