//! Keys of navigation events: the names of keysyms.

/// The key of a navigation event for a keysym: the name that `XKeysymToString` has for it (`a`, `Return`), else
/// `U` and the code point in hexadecimal digits, else `0x` and the keysym.
pub fn key_name(keysym: u32) -> String {
    let keysym = xkeysym::Keysym::new(keysym);
    match (plain_name(keysym), keysym.key_char()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(char)) => format!("U{:04X}", u32::from(char)),
        (None, None) => format!("{:#x}", keysym.raw()),
    }
}

/// The keysym for the key of a navigation event: everything that [`key_name`] prints, and single characters.
pub fn key_keysym(name: &str) -> Option<u32> {
    use std::collections::HashMap;
    use std::sync::LazyLock;
    /// The crate knows names by keysym only. Lower numbers win: they are what keyboards send.
    static NAMES: LazyLock<HashMap<&str, u32>> = LazyLock::new(|| {
        let vendor = 0x1008_0000..0x1009_0000;
        let unicode = 0x0100_0000..0x0101_0000;
        let all = (1..0x1_0000).chain(unicode).chain(vendor);
        let names = all.rev().filter_map(|raw| Some((plain_name(xkeysym::Keysym::new(raw))?, raw)));
        names.collect()
    });

    if let Some(&keysym) = NAMES.get(name) {
        return Some(keysym);
    }
    let mut chars = name.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        return Some(xkeysym::Keysym::from_char(only).raw()).filter(|keysym| *keysym != 0);
    }
    if let Some(char) = name.strip_prefix('U').and_then(|hex| u32::from_str_radix(hex, 16).ok()) {
        return char::from_u32(char).map(|char| xkeysym::Keysym::from_char(char).raw());
    }
    let keysym = u32::from_str_radix(name.strip_prefix("0x")?, 16).ok()?;
    (1..=0x1fff_ffff).contains(&keysym).then_some(keysym)
}

/// The crate prints the C name of the constant.
fn plain_name(keysym: xkeysym::Keysym) -> Option<&'static str> {
    let name = keysym.name()?;
    Some(name.strip_prefix("XK_").or_else(|| name.split_once("XK_").map(|(_, rest)| rest)).unwrap_or(name))
        .filter(|name| *name != "NoSymbol" && *name != "VoidSymbol")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_xlib() {
        for (keysym, name) in [(0x61, "a"), (0xff0d, "Return"), (0xffe1, "Shift_L"), (0xdf, "ssharp"), (0x20, "space")]
        {
            assert_eq!(key_name(keysym), name);
        }
        assert_eq!(key_name(0x0100_65e5), "U65E5");
    }

    #[test]
    fn keys_that_other_sinks_send() {
        assert_eq!(key_keysym("ß"), Some(0xdf));
        assert_eq!(key_keysym("U42F"), Some(0x6f1));
        assert_eq!(key_keysym("0xff0d"), Some(0xff0d));
        for bad in ["", "nonsense", "0x", "0xffffffff", "UD800"] {
            assert_eq!(key_keysym(bad), None, "{bad}");
        }
    }
}
