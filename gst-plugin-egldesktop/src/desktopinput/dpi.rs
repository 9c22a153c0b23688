//! How large things are drawn: the X resources and XSETTINGS that toolkits read.

use x11rb::protocol::xproto::{AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, PropMode};
use x11rb::wrapper::ConnectionExt as _;

use super::display::{Display, InputError};
use super::imp::CAT;

/// What X calls unscaled.
const UNSCALED: f64 = 96.0;
/// Pixels of the pointer at that.
const CURSOR: f64 = 24.0;
/// The most of the resource property that is read, in units of four bytes.
const MAX_RESOURCES: u32 = 1 << 18;

/// Tells all X clients this many dots per inch. `serial` is larger with each call.
pub(super) fn apply(display: &Display, dpi: f64, serial: u32) -> Result<(), InputError> {
    let cursor = (CURSOR * dpi / UNSCALED).round();
    let (connection, root, name) = (&display.connection, display.root, AtomEnum::RESOURCE_MANAGER);
    let old = connection.get_property(false, root, name, AtomEnum::STRING, 0, MAX_RESOURCES)?.reply()?;
    let values = [("Xft.dpi", dpi.round()), ("Xcursor.size", cursor)];
    let new = merge(&old.value, &values);
    connection.change_property8(PropMode::REPLACE, root, name, AtomEnum::STRING, &new)?;

    let atoms = &display.atoms;
    let owner = connection.get_selection_owner(atoms.XSETTINGS_S0)?.reply()?.owner;
    if owner != x11rb::NONE && owner != display.window {
        gst::debug!(CAT, "the desktop session has a settings manager of its own");
        return Ok(());
    }
    let settings = xsettings(serial, &[("Xft/DPI", (dpi * 1024.0) as i32), ("Gtk/CursorThemeSize", cursor as i32)]);
    let kind = atoms.XSETTINGS_SETTINGS;
    connection.change_property8(PropMode::REPLACE, display.window, kind, kind, &settings)?;
    if owner == x11rb::NONE {
        connection.set_selection_owner(display.window, atoms.XSETTINGS_S0, x11rb::CURRENT_TIME)?;
        // Clients that found no manager wait for this (ICCCM 2.8).
        let data = [x11rb::CURRENT_TIME, atoms.XSETTINGS_S0, display.window, 0, 0];
        let message = ClientMessageEvent::new(32, root, atoms.MANAGER, data);
        connection.send_event(false, root, EventMask::STRUCTURE_NOTIFY, message)?;
    }
    Ok(())
}

/// The X resources with these values instead of their old ones.
fn merge(resources: &[u8], values: &[(&str, f64)]) -> Vec<u8> {
    let replaced = |line: &[u8]| {
        values.iter().any(|(name, _)| {
            line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"))
        })
    };
    let kept = resources.split(|&byte| byte == b'\n').filter(|line| !line.is_empty() && !replaced(line));
    let mut merged: Vec<u8> = kept.flat_map(|line| line.iter().copied().chain([b'\n'])).collect();
    for (name, value) in values {
        merged.extend(format!("{name}:\t{value}\n").bytes());
    }
    merged
}

/// Integer settings in the format of the XSETTINGS specification, in the machine's byte order.
fn xsettings(serial: u32, values: &[(&str, i32)]) -> Vec<u8> {
    let mut bytes = vec![u8::from(cfg!(target_endian = "big")), 0, 0, 0];
    bytes.extend(serial.to_ne_bytes());
    bytes.extend((values.len() as u32).to_ne_bytes());
    for (name, value) in values {
        // Type 0 is an integer.
        bytes.extend([0, 0]);
        bytes.extend((name.len() as u16).to_ne_bytes());
        bytes.extend(name.bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(serial.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_resources_stay() {
        let old = b"Xft.dpi:\t96\n*font: fixed\nXft.dpiother: 1\nXcursor.size : 16";
        let new = merge(old, &[("Xft.dpi", 144.0), ("Xcursor.size", 36.0)]);
        assert_eq!(new, b"*font: fixed\nXft.dpiother: 1\nXft.dpi:\t144\nXcursor.size:\t36\n");
    }

    #[test]
    fn settings_are_padded_to_words() {
        let bytes = xsettings(2, &[("Xft/DPI", 98_304)]);
        assert_eq!(bytes.len(), 12 + 4 + 8 + 8);
        assert_eq!(&bytes[16..24], b"Xft/DPI\0");
        assert_eq!(bytes[28..], 98_304i32.to_ne_bytes());
    }
}
