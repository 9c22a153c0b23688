//! A window manager, which gives windows the focus.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, ensure};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask};

use crate::PATIENCE;
use crate::process::Process;

/// Starts Marco, and returns once it manages the screen: when it has said so as EWMH asks for.
pub fn start(display: &str) -> Result<Process> {
    let (connection, number) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[number].root;
    let changes = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
    connection.change_window_attributes(root, &changes)?.check()?;
    let check = connection.intern_atom(false, b"_NET_SUPPORTING_WM_CHECK")?.reply()?.atom;
    let manager = Process::start(
        Command::new("marco")
            .args(["--sm-disable", "--no-composite"])
            .env("DISPLAY", display)
            // Nobody's settings, and no bus.
            .env("GSETTINGS_BACKEND", "memory")
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    let deadline = Instant::now() + PATIENCE;
    while connection.get_property(false, root, check, AtomEnum::WINDOW, 0, 1)?.reply()?.value_len == 0 {
        ensure!(Instant::now() < deadline, "marco does not begin");
        connection.wait_for_event()?;
    }
    Ok(manager)
}
