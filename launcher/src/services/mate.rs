//! What MATE's session starts otherwise than its own desktop entries say.
//!
//! - The panel of 1.25 to 1.27 never registers with the session manager (mate-panel issue 1111), which waits 30 s for it
//!   before it starts anything else: no wallpaper and no icons until then. Nobody is waited for in the phase of the
//!   applications.
//! - The file manager draws the desktop's icons, but not for root, unless it is told to. It ends at once then, and is
//!   started again, several times a second, for ever.

use std::{env, ffi::OsString, fs, io, path::Path};

/// A file of the same name in a folder before [`SYSTEM`] stands in for an entry there (XDG Desktop Entry, XDG Base
/// Directory).
const SYSTEM: &str = "/usr/share";

struct Change {
    entry: &'static str,
    key: &'static str,
    value: &'static str,
    only_for_root: bool,
}

static CHANGES: &[Change] = &[
    Change {
        entry: "applications/mate-panel.desktop",
        key: "X-MATE-Autostart-Phase",
        value: "Applications",
        only_for_root: false,
    },
    Change { entry: "applications/caja.desktop", key: "Exec", value: "caja --force-desktop", only_for_root: true },
];

/// Makes the changed entries below the runtime folder, and returns the XDG_DATA_DIRS that finds them. `None` where there
/// is nothing to change: another desktop.
pub(super) fn data_dirs(runtime: &Path) -> io::Result<Option<OsString>> {
    let root = rustix::process::geteuid().is_root();
    let share = runtime.join("share");
    let mut changed = false;
    for change in CHANGES.iter().filter(|change| root || !change.only_for_root) {
        let Ok(entry) = fs::read_to_string(Path::new(SYSTEM).join(change.entry)) else { continue };
        let target = share.join(change.entry);
        fs::create_dir_all(target.parent().unwrap_or(&share))?;
        fs::write(target, change.apply(&entry))?;
        changed = true;
    }
    if !changed {
        return Ok(None);
    }
    let others = env::var_os("XDG_DATA_DIRS").filter(|dirs| !dirs.is_empty());
    let others = others.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let mut dirs = share.into_os_string();
    dirs.push(":");
    dirs.push(others);
    Ok(Some(dirs))
}

impl Change {
    fn apply(&self, entry: &str) -> String {
        let line = |line: &str| match line.split_once('=') {
            Some((key, _)) if key.trim_end() == self.key => format!("{}={}", self.key, self.value),
            _ => line.to_owned(),
        };
        entry.lines().map(|text| line(text) + "\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_key_changes() {
        let entry = "[Desktop Entry]\nExec=caja\nTryExec=caja\nX-MATE-AutoRestart=true\n";
        let changed = CHANGES[1].apply(entry);
        assert_eq!(changed, "[Desktop Entry]\nExec=caja --force-desktop\nTryExec=caja\nX-MATE-AutoRestart=true\n");
        let entry = "[Desktop Entry]\nExec=mate-panel\nX-MATE-Autostart-Phase=Panel\n";
        assert_eq!(CHANGES[0].apply(entry), "[Desktop Entry]\nExec=mate-panel\nX-MATE-Autostart-Phase=Applications\n");
    }
}
