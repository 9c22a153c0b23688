//! Which keycode types a keysym, and with which modifiers. Pure: works on a copy of the server's XKB map.

use xkeysym::{Keysym, key};

/// The modifier bit of Caps Lock in the core protocol.
pub(super) const LOCK: u8 = 1 << 1;

/// The keys that hold a modifier while they are down, as against those that toggle it.
const HOLDERS: [u32; 5] = [key::Shift_L, key::Shift_R, key::ISO_Level3_Shift, key::Mode_switch, key::ISO_Level5_Shift];

/// What decides which level of a key counts (XKB protocol, "Key Types").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyType {
    /// The modifiers that count for keys of this type.
    pub(super) mask: u8,
    /// Level of each combination of them; the first level for those that are not listed.
    pub(super) levels: Vec<(u8, u8)>,
}

impl KeyType {
    fn level(&self, modifiers: u8) -> u8 {
        let listed = self.levels.iter().find(|(combination, _)| *combination == modifiers & self.mask);
        listed.map_or(0, |&(_, level)| level)
    }

    /// All combinations of the modifiers that count.
    fn combinations(&self) -> impl Iterator<Item = u8> {
        let mask = self.mask;
        (0..=u8::MAX).filter(move |combination| combination & !mask == 0)
    }
}

/// One key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Key {
    /// Number of groups, and what to do when the keyboard's group is beyond them (`KeySymMap.group_info`).
    pub(super) group_info: u8,
    /// Index of the key type of each group.
    pub(super) types: [u8; 4],
    /// Keysyms per group.
    pub(super) width: u8,
    /// Group after group.
    pub(super) keysyms: Vec<u32>,
    /// The modifiers that this key sets.
    pub(super) modifiers: u8,
}

impl Key {
    /// The group that counts (XKB protocol, "Determining the Effective Group").
    fn group(&self, group: u8) -> Option<usize> {
        let count = self.group_info & 0x0f;
        if count == 0 {
            return None;
        }
        let effective = match (group < count, self.group_info & 0xc0) {
            (true, _) => group,
            (false, 0x40) => count - 1,
            (false, 0x80) => (self.group_info >> 4 & 3).min(count - 1),
            (false, _) => group % count,
        };
        Some(effective.into())
    }

    fn keysyms(&self, group: usize) -> &[u32] {
        let width = usize::from(self.width);
        self.keysyms.get(group * width..(group + 1) * width).unwrap_or(&[])
    }
}

/// The modifiers and the group of the keyboard at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    /// All modifiers that are active.
    pub(super) active: u8,
    /// Those of them that are locked.
    pub(super) locked: u8,
    /// The layout, where there are several.
    pub(super) group: u8,
}

/// How to type a keysym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) keycode: u8,
    /// Modifiers that are active and must not be, for the moment of the press.
    pub(super) without: u8,
    /// Modifiers that are not active and must be.
    pub(super) with: u8,
}

impl Stroke {
    fn plain(keycode: u8) -> Self {
        Self { keycode, without: 0, with: 0 }
    }
}

/// A copy of the server's map.
#[derive(Debug)]
pub(super) struct Keymap {
    first_keycode: u8,
    types: Vec<KeyType>,
    keys: Vec<Key>,
    /// Keycodes that we have given a keysym of our own, least recently used first.
    borrowed: Vec<(u8, u32)>,
    /// Keycodes that had no keysym when the map was fetched.
    spare: Vec<u8>,
}

impl Keymap {
    /// `borrowed` are the keycodes that we had given keysyms before.
    pub(super) fn new(first_keycode: u8, types: Vec<KeyType>, keys: Vec<Key>, borrowed: Vec<(u8, u32)>) -> Self {
        let mut keymap = Self { first_keycode, types, keys, borrowed: Vec::new(), spare: Vec::new() };
        // Ours only while they still carry what we gave them: a new layout may have taken the keycode.
        let carries = |keycode, keysym| keymap.key(keycode).is_some_and(|key| key.keysyms.first() == Some(&keysym));
        keymap.borrowed = borrowed.into_iter().filter(|&(keycode, keysym)| carries(keycode, keysym)).collect();
        let is_spare = |key: &Key| key.modifiers == 0 && key.keysyms.iter().all(|&keysym| keysym == 0);
        keymap.spare = keymap.all().filter(|(_, key)| is_spare(key)).map(|(keycode, _)| keycode).collect();
        keymap
    }

    fn key(&self, keycode: u8) -> Option<&Key> {
        self.keys.get(usize::from(keycode.checked_sub(self.first_keycode)?))
    }

    fn all(&self) -> impl Iterator<Item = (u8, &Key)> {
        (self.first_keycode..=u8::MAX).zip(&self.keys)
    }

    /// The keys that set this modifier.
    pub(super) fn modifier_keys(&self, modifier: u8) -> impl Iterator<Item = u8> {
        self.all().filter(move |(_, key)| key.modifiers & modifier != 0).map(|(keycode, _)| keycode)
    }

    /// The key that holds this modifier while it is down; none for those that only locks set.
    pub(super) fn holder(&self, modifier: u8) -> Option<u8> {
        let holds = |key: &Key| key.modifiers & modifier != 0 && key.keysyms.iter().any(|it| HOLDERS.contains(it));
        self.all().find(|(_, key)| holds(key)).map(|(keycode, _)| keycode)
    }

    /// The modifier that the key with this keysym sets, such as that of Num Lock; 0 where there is none.
    pub(super) fn modifier_of(&self, keysym: u32) -> u8 {
        let found = self.all().find(|(_, key)| key.modifiers != 0 && key.keysyms.contains(&keysym));
        found.map_or(0, |(_, key)| key.modifiers)
    }

    /// How to type `keysym` in this state: with the least change of modifiers, then at the lowest level.
    pub(super) fn stroke(&mut self, keysym: u32, state: State) -> Option<Stroke> {
        if let Some(position) = self.borrowed.iter().position(|&(_, borrowed)| same(borrowed, keysym)) {
            let entry = self.borrowed.remove(position);
            self.borrowed.push(entry);
            return Some(Stroke::plain(entry.0));
        }
        let holdable =
            (0..8).map(|bit| 1 << bit).filter(|&bit| self.holder(bit).is_some()).fold(0, |all, bit| all | bit);
        let mut best: Option<((u32, u8), Stroke)> = None;
        for (keycode, key) in self.all() {
            let Some(group) = key.group(state.group) else { continue };
            let Some(kind) = self.types.get(usize::from(key.types[group])) else { continue };
            for (level, &candidate) in (0u8..).zip(key.keysyms(group)) {
                if !same(candidate, keysym) {
                    continue;
                }
                for combination in kind.combinations().filter(|&it| kind.level(it) == level) {
                    let without = state.active & kind.mask & !combination;
                    let with = combination & !state.active;
                    let locks = without & state.locked | with & !holdable;
                    let rank = (cost(keysym, without | with, locks), level);
                    if best.is_none_or(|(least, _)| rank < least) {
                        best = Some((rank, Stroke { keycode, without, with }));
                    }
                }
            }
        }
        let (_, stroke) = best?;
        // Shift+Tab, Ctrl+Alt+F1 and the like: the modifiers are what the user holds on purpose.
        Some(if is_printable(keysym) || is_keypad(keysym) { stroke } else { Stroke::plain(stroke.keycode) })
    }

    /// The keycode that [`Self::borrow`] would take away from another keysym; none while there are spare ones.
    pub(super) fn next_reused(&self) -> Option<u8> {
        self.borrowed.first().filter(|_| self.spare.is_empty()).map(|&(keycode, _)| keycode)
    }

    /// Chooses a keycode that is free to carry `keysym`; the caller tells the X server. Reuses the one that was
    /// used longest ago when there is no free one. `None` when the keyboard has no spare keycode at all.
    pub(super) fn borrow(&mut self, keysym: u32) -> Option<u8> {
        let keycode = if self.spare.is_empty() {
            if self.borrowed.is_empty() {
                return None;
            }
            self.borrowed.remove(0).0
        } else {
            self.spare.remove(0)
        };
        self.borrowed.push((keycode, keysym));
        if let Some(key) = self.keys.get_mut(usize::from(keycode - self.first_keycode)) {
            // Never looked up by level: borrowed keycodes are found by their keysym.
            *key = Key { group_info: 0, keysyms: vec![keysym], ..Key::default() };
        }
        Some(keycode)
    }

    /// The keycodes that carry keysyms of ours.
    pub(super) fn borrowed(&self) -> &[(u8, u32)] {
        &self.borrowed
    }
}

/// What a change of modifiers costs. A key that comes or goes for a moment is cheap; a lock lights a lamp. On the
/// keypad it is the other way round: Shift would make a selection of a motion.
fn cost(keysym: u32, changed: u8, locks: u8) -> u32 {
    let (locks, others) = (locks.count_ones(), (changed & !locks).count_ones());
    if is_keypad(keysym) { others * 8 + locks } else { others + locks * 8 }
}

/// Whether both type the same character: `U+00DF` has two keysyms, `ssharp` and the Unicode one.
fn same(a: u32, b: u32) -> bool {
    let char = |keysym| Keysym::new(keysym).key_char().filter(|_| is_printable(keysym));
    a == b || char(a).is_some() && char(a) == char(b)
}

/// Whether this keysym types a character (alone or, as dead keys, with the next one), so that modifiers only serve to
/// reach it.
fn is_printable(keysym: u32) -> bool {
    (0xfe50..=0xfe93).contains(&keysym)
        || !(0xfd00..=0xffff).contains(&keysym) && Keysym::new(keysym).key_char().is_some_and(|char| !char.is_control())
}

fn is_keypad(keysym: u32) -> bool {
    (key::KP_Home..=key::KP_Delete).contains(&keysym) || (key::KP_Multiply..=key::KP_9).contains(&keysym)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: u8 = 1 << 0;
    const ALTGR: u8 = 1 << 7;
    const NUM: u8 = 1 << 4;
    const PLAIN: State = State { active: 0, locked: 0, group: 0 };

    fn key(kind: u8, keysyms: &[u32]) -> Key {
        let width = keysyms.len() as u8;
        Key { group_info: 1, types: [kind; 4], width, keysyms: keysyms.to_vec(), modifiers: 0 }
    }

    fn modifier(keysym: u32, modifiers: u8) -> Key {
        Key { modifiers, ..key(0, &[keysym]) }
    }

    /// A German keyboard: types and keys as XKB has them.
    fn german() -> Keymap {
        let types = vec![
            KeyType { mask: 0, levels: vec![] },
            KeyType { mask: SHIFT, levels: vec![(SHIFT, 1)] },
            KeyType { mask: SHIFT | LOCK, levels: vec![(SHIFT, 1), (LOCK, 1)] },
            KeyType { mask: SHIFT | ALTGR, levels: vec![(SHIFT, 1), (ALTGR, 2), (SHIFT | ALTGR, 3)] },
            KeyType { mask: SHIFT | NUM, levels: vec![(SHIFT, 1), (NUM, 1)] },
        ];
        let keys = vec![
            key(2, &[0x61, 0x41]),                  // 10: a A
            key(3, &[0x37, 0x2f, 0x7b, 0]),         // 11: 7 / {
            key(3, &[0x71, 0x51, 0x40, 0x7d9]),     // 12: q Q @
            key(1, &[0xff09, 0xfe20]),              // 13: Tab
            Key::default(),                         // 14
            Key::default(),                         // 15
            modifier(key::Shift_L, SHIFT),          // 16
            modifier(key::ISO_Level3_Shift, ALTGR), // 17
            modifier(key::Num_Lock, NUM),           // 18
            key(4, &[key::KP_Home, key::KP_7]),     // 19
            key(1, &[0xfe51, 0xfe50]),              // 20: dead acute, dead grave
        ];
        Keymap::new(10, types, keys, Vec::new())
    }

    fn stroke(keycode: u8, without: u8, with: u8) -> Option<Stroke> {
        Some(Stroke { keycode, without, with })
    }

    #[test]
    fn levels() {
        let mut keymap = german();
        let shifted = State { active: SHIFT, ..PLAIN };
        assert_eq!(keymap.stroke(0x61, PLAIN), stroke(10, 0, 0));
        assert_eq!(keymap.stroke(0x41, shifted), stroke(10, 0, 0));
        assert_eq!(keymap.stroke(0x41, PLAIN), stroke(10, 0, SHIFT));
        assert_eq!(keymap.stroke(0x2f, PLAIN), stroke(11, 0, SHIFT));
        assert_eq!(keymap.stroke(0x40, shifted), stroke(12, SHIFT, ALTGR));
        assert_eq!(keymap.stroke(0x0100_0040, PLAIN), stroke(12, 0, ALTGR));
        assert_eq!(keymap.stroke(0xfe50, PLAIN), stroke(20, 0, SHIFT));
    }

    #[test]
    fn caps_lock_is_worked_around_with_shift() {
        let mut keymap = german();
        let caps = State { active: LOCK, locked: LOCK, group: 0 };
        assert_eq!(keymap.stroke(0x41, caps), stroke(10, 0, 0));
        assert_eq!(keymap.stroke(0x61, caps), stroke(10, 0, SHIFT));
        assert_eq!(keymap.stroke(0x37, caps), stroke(11, 0, 0));
    }

    #[test]
    fn the_keypad_follows_num_lock_and_not_shift() {
        let mut keymap = german();
        let num = State { active: NUM, locked: NUM, group: 0 };
        assert_eq!(keymap.stroke(key::KP_7, num), stroke(19, 0, 0));
        assert_eq!(keymap.stroke(key::KP_Home, num), stroke(19, NUM, 0));
        assert_eq!(keymap.stroke(key::KP_7, PLAIN), stroke(19, 0, NUM));
        assert_eq!(keymap.modifier_of(key::Num_Lock), NUM);
        assert_eq!((keymap.holder(NUM), keymap.holder(SHIFT)), (None, Some(16)));
    }

    #[test]
    fn modifiers_stay_for_keys_that_type_nothing() {
        let mut keymap = german();
        let shifted = State { active: SHIFT, ..PLAIN };
        assert_eq!(keymap.stroke(0xff09, shifted), stroke(13, 0, 0));
        assert_eq!(keymap.stroke(0xffe1, PLAIN), stroke(16, 0, 0));
    }

    #[test]
    fn the_group_of_the_moment_counts() {
        let types = vec![KeyType { mask: 0, levels: vec![] }];
        let two = Key { group_info: 2, types: [0; 4], width: 1, keysyms: vec![0x61, 0x6c6], modifiers: 0 };
        let mut keymap = Keymap::new(10, types, vec![two, key(0, &[0x20])], Vec::new());
        let russian = State { group: 1, ..PLAIN };
        assert_eq!(keymap.stroke(0x6c6, russian), stroke(10, 0, 0));
        assert_eq!(keymap.stroke(0x61, russian), None);
        assert_eq!(keymap.stroke(0x20, russian), stroke(11, 0, 0));
    }

    #[test]
    fn what_the_layout_lacks_borrows_a_keycode_and_keeps_it() {
        let mut keymap = german();
        assert_eq!(keymap.stroke(0xdf, PLAIN), None);
        assert_eq!(keymap.borrow(0xdf), Some(14));
        assert_eq!(keymap.stroke(0xdf, State { active: SHIFT, ..PLAIN }), stroke(14, 0, 0));
        assert_eq!((keymap.next_reused(), keymap.borrow(0x6d1)), (None, Some(15)));
        // ß was used longest ago until it is used again.
        keymap.stroke(0xdf, PLAIN);
        assert_eq!((keymap.next_reused(), keymap.borrow(0x0100_65e5)), (Some(15), Some(15)));
        assert_eq!(keymap.stroke(0x6d1, PLAIN), None);
        assert_eq!(keymap.borrowed(), [(14, 0xdf), (15, 0x0100_65e5)]);
    }

    #[test]
    fn a_new_layout_takes_its_keycodes_back() {
        let types = vec![KeyType { mask: 0, levels: vec![] }];
        let keymap = Keymap::new(14, types, vec![key(0, &[0xdf]), key(0, &[0x61])], vec![(14, 0xdf), (15, 0x6d1)]);
        assert_eq!(keymap.borrowed(), [(14, 0xdf)]);
    }

    #[test]
    fn a_keyboard_without_spare_keycodes() {
        let types = vec![KeyType { mask: 0, levels: vec![] }];
        assert_eq!(Keymap::new(8, types, vec![key(0, &[0x61])], Vec::new()).borrow(0xdf), None);
    }
}
