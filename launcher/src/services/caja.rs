//! MATE's file manager draws the desktop's icons, but not for root, unless it is told to. It ends at once then, and
//! mate-session starts it again, several times a second, for ever.

use std::{env, ffi::OsString, fs, io, path::Path};

/// What mate-session starts; a file of the same name in a folder before it stands in for it (XDG Desktop Entry, XDG Base
/// Directory).
const ENTRY: &str = "applications/caja.desktop";
const SYSTEM: &str = "/usr/share";

/// Makes an entry below the runtime folder that tells it to, and returns the XDG_DATA_DIRS that finds it. `None` where
/// there is nothing to do: other users, no Caja.
pub(super) fn data_dirs_for_root(runtime: &Path) -> io::Result<Option<OsString>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let Ok(entry) = fs::read_to_string(Path::new(SYSTEM).join(ENTRY)) else { return Ok(None) };
    let share = runtime.join("share");
    let target = share.join(ENTRY);
    fs::create_dir_all(target.parent().unwrap_or(&share))?;
    fs::write(target, forced(&entry))?;
    let others = env::var_os("XDG_DATA_DIRS").filter(|dirs| !dirs.is_empty());
    let others = others.unwrap_or_else(|| "/usr/local/share:/usr/share".into());
    let mut dirs = share.into_os_string();
    dirs.push(":");
    dirs.push(others);
    Ok(Some(dirs))
}

/// The entry, with a command that draws the desktop whoever the user is.
fn forced(entry: &str) -> String {
    let line =
        |line: &str| if line.starts_with("Exec=") { "Exec=caja --force-desktop".into() } else { line.to_owned() };
    entry.lines().map(|text| line(text) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_command_changes() {
        let entry = "[Desktop Entry]\nExec=caja\nX-MATE-AutoRestart=true\n";
        assert_eq!(forced(entry), "[Desktop Entry]\nExec=caja --force-desktop\nX-MATE-AutoRestart=true\n");
    }
}
