//! Which keycode types a keysym. Pure: works on a copy of the server's keyboard mapping.

use xkeysym::Keysym;

/// Columns of the core keyboard mapping that are levels of the first group, in the order of their levels: plain,
/// Shift, AltGr, Shift+AltGr (XKB protocol, "Computing a Core Keyboard Mapping": groups 1 and 2 have two columns
/// each before the further levels follow).
const LEVEL_COLUMNS: [usize; 4] = [0, 1, 4, 5];

/// The level that a set of modifiers selects: bit 0 Shift, bit 1 AltGr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level(u8);

impl Level {
    pub(super) fn new(shift: bool, altgr: bool) -> Self {
        Self(u8::from(shift) | u8::from(altgr) << 1)
    }

    pub(super) fn shift(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn altgr(self) -> bool {
        self.0 & 2 != 0
    }
}

/// How to type a keysym.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) keycode: u8,
    /// The level that must be active; `None` when the key gives the keysym whatever the modifiers are, or when
    /// modifiers must not be touched.
    pub(super) level: Option<Level>,
}

/// A copy of the server's mapping.
#[derive(Debug)]
pub(super) struct Keymap {
    min_keycode: u8,
    columns: usize,
    keysyms: Vec<u32>,
    /// Keycodes that we have given a keysym of our own, least recently used first.
    borrowed: Vec<(u8, u32)>,
    /// Keycodes that had no keysym when the mapping was fetched.
    spare: Vec<u8>,
}

impl Keymap {
    /// From the reply to GetKeyboardMapping. `borrowed` are the keycodes that we had given keysyms before.
    pub(super) fn new(min_keycode: u8, columns: u8, keysyms: Vec<u32>, borrowed: Vec<(u8, u32)>) -> Self {
        let columns = usize::from(columns).max(1);
        let mut keymap = Self { min_keycode, columns, keysyms, borrowed: Vec::new(), spare: Vec::new() };
        // Ours only while they still carry what we gave them: a new layout may have taken the keycode.
        keymap.borrowed = borrowed.into_iter().filter(|&(keycode, keysym)| keymap.at(keycode, 0) == keysym).collect();
        let all =
            (0..keymap.keysyms.len() / columns).filter_map(|index| u8::try_from(index).ok()?.checked_add(min_keycode));
        keymap.spare = all.filter(|&keycode| keymap.row(keycode).iter().all(|&keysym| keysym == 0)).collect();
        keymap
    }

    fn row(&self, keycode: u8) -> &[u32] {
        let start = usize::from(keycode.saturating_sub(self.min_keycode)) * self.columns;
        self.keysyms.get(start..start + self.columns).unwrap_or(&[])
    }

    fn at(&self, keycode: u8, level: usize) -> u32 {
        self.row(keycode).get(LEVEL_COLUMNS[level]).copied().unwrap_or(0)
    }

    /// What the key gives at a level. A missing second level is the first one, upper-case for letters (X protocol,
    /// "Keyboards").
    fn effective(&self, keycode: u8, level: usize) -> u32 {
        match (level, self.at(keycode, level)) {
            (1, 0) => upper(self.at(keycode, 0)),
            (3, 0) => self.at(keycode, 2),
            (_, keysym) => keysym,
        }
    }

    /// The keycodes that give this keysym at the first level: the keys of modifiers.
    pub(super) fn keycodes(&self, keysym: u32) -> impl Iterator<Item = u8> {
        self.all().filter(move |&keycode| self.at(keycode, 0) == keysym)
    }

    fn all(&self) -> impl Iterator<Item = u8> + '_ {
        (0..self.keysyms.len() / self.columns)
            .filter_map(|index| u8::try_from(index).ok()?.checked_add(self.min_keycode))
    }

    /// How to type `keysym` when the modifiers select `active` now. Prefers the key that needs no change of
    /// modifiers, then the lowest level.
    pub(super) fn stroke(&mut self, keysym: u32, active: Level) -> Option<Stroke> {
        if let Some(position) = self.borrowed.iter().position(|&(_, borrowed)| same(borrowed, keysym)) {
            let entry = self.borrowed.remove(position);
            self.borrowed.push(entry);
            return Some(Stroke { keycode: entry.0, level: None });
        }
        let find = |level: usize| self.all().find(|&keycode| same(self.effective(keycode, level), keysym));
        let (keycode, level) =
            [usize::from(active.0), 0, 1, 2, 3].into_iter().find_map(|level| Some((find(level)?, level)))?;
        // Shift+Tab, Shift+F10 and the like: the modifiers are what the user holds on purpose.
        let level = is_printable(keysym).then_some(Level(level as u8));
        Some(Stroke { keycode, level })
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
        let start = usize::from(keycode - self.min_keycode) * self.columns;
        if let Some(row) = self.keysyms.get_mut(start..start + self.columns) {
            row.fill(0);
            row[0] = keysym;
        }
        Some(keycode)
    }

    /// The keycodes that carry keysyms of ours.
    pub(super) fn borrowed(&self) -> &[(u8, u32)] {
        &self.borrowed
    }
}

/// Whether both type the same character: `U+00DF` has two keysyms, `ssharp` and the Unicode one.
fn same(a: u32, b: u32) -> bool {
    a == b || (a != 0 && is_printable(a) && is_printable(b) && Keysym::new(a).key_char() == Keysym::new(b).key_char())
}

/// Whether this keysym types a character, so that Shift and AltGr only serve to reach it.
fn is_printable(keysym: u32) -> bool {
    !(0xfd00..=0xffff).contains(&keysym) && Keysym::new(keysym).key_char().is_some_and(|char| !char.is_control())
}

fn upper(keysym: u32) -> u32 {
    let char = Keysym::new(keysym).key_char().filter(|_| is_printable(keysym));
    match char.map(|char| (char, char.to_uppercase().collect::<Vec<_>>())) {
        Some((char, upper)) if upper.len() == 1 && upper[0] != char => Keysym::from_char(upper[0]).raw(),
        _ => keysym,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Level = Level(0);
    const SHIFT: Level = Level(1);

    /// Keycode 10: a A, 11: 7 / (German), 12: q Q @ (AltGr), 13: Tab, 14 and 15: nothing, 16: Shift_L.
    fn german() -> Keymap {
        let rows: [[u32; 6]; 7] = [
            [0x61, 0x41, 0x61, 0x41, 0, 0],
            [0x37, 0x2f, 0x37, 0x2f, 0x7b, 0],
            [0x71, 0x51, 0x71, 0x51, 0x40, 0x7d9],
            [0xff09, 0xfe20, 0xff09, 0xfe20, 0, 0],
            [0; 6],
            [0; 6],
            [0xffe1, 0, 0, 0, 0, 0],
        ];
        Keymap::new(10, 6, rows.concat(), Vec::new())
    }

    #[test]
    fn levels() {
        let mut keymap = german();
        let at = |keycode, level| Some(Stroke { keycode, level: Some(Level(level)) });
        assert_eq!(keymap.stroke(0x61, PLAIN), at(10, 0));
        assert_eq!(keymap.stroke(0x41, SHIFT), at(10, 1));
        assert_eq!(keymap.stroke(0x41, PLAIN), at(10, 1));
        assert_eq!(keymap.stroke(0x2f, PLAIN), at(11, 1));
        assert_eq!(keymap.stroke(0x40, PLAIN), at(12, 2));
        assert_eq!(keymap.stroke(0x0100_0040, PLAIN), at(12, 2));
    }

    #[test]
    fn modifiers_stay_for_keys_that_type_nothing() {
        let mut keymap = german();
        assert_eq!(keymap.stroke(0xff09, SHIFT), Some(Stroke { keycode: 13, level: None }));
        assert_eq!(keymap.stroke(0xffe1, PLAIN), Some(Stroke { keycode: 16, level: None }));
    }

    #[test]
    fn what_the_layout_lacks_borrows_a_keycode_and_keeps_it() {
        let mut keymap = german();
        assert_eq!(keymap.stroke(0xdf, PLAIN), None);
        assert_eq!(keymap.borrow(0xdf), Some(14));
        assert_eq!(keymap.stroke(0xdf, SHIFT), Some(Stroke { keycode: 14, level: None }));
        assert_eq!(keymap.borrow(0x6d1), Some(15));
        // ß was used longest ago until it is used again.
        keymap.stroke(0xdf, PLAIN);
        assert_eq!(keymap.borrow(0x0100_65e5), Some(15));
        assert_eq!(keymap.stroke(0x6d1, PLAIN), None);
        assert_eq!(keymap.borrowed(), [(14, 0xdf), (15, 0x0100_65e5)]);
    }

    #[test]
    fn a_new_layout_takes_its_keycodes_back() {
        let mut rows = vec![0u32; 4];
        rows[0] = 0xdf;
        rows[2] = 0x61;
        let keymap = Keymap::new(14, 2, rows, vec![(14, 0xdf), (15, 0x6d1)]);
        assert_eq!(keymap.borrowed(), [(14, 0xdf)]);
    }

    #[test]
    fn a_keyboard_without_spare_keycodes() {
        let mut keymap = Keymap::new(8, 2, vec![0x61, 0x41], Vec::new());
        assert_eq!(keymap.borrow(0xdf), None);
    }
}
