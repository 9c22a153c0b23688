//! A private folder in memory where Xvfb keeps its framebuffer, so that the capture reads the screen in place.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use rustix::fs::{StatVfsMountFlags, statfs, statvfs};
use tempfile::TempDir;

use crate::settings::Screen;

/// statfs(2)'s number for tmpfs. On a disk, Xvfb would write the screen out again and again.
const TMPFS: i64 = 0x0102_1994;

/// Makes one below the first of these folders that lies in memory and has room for the screen. `None` costs speed, not
/// function: the capture then asks the X server for copies.
pub(crate) fn folder(screen: Screen, candidates: &[&Path]) -> Option<TempDir> {
    let found = candidates.iter().find(|folder| has_room(folder, screen))?;
    // Readable by us alone: it is everything that is on the screen.
    let private = Permissions::from_mode(0o700);
    match tempfile::Builder::new().prefix("egldesktop-screen-").permissions(private).tempdir_in(found) {
        Ok(folder) => Some(folder),
        Err(error) => {
            tracing::debug!("no folder for the framebuffer in {}: {error}", found.display());
            None
        }
    }
}

fn has_room(folder: &Path, screen: Screen) -> bool {
    let (Ok(kind), Ok(state)) = (statfs(folder), statvfs(folder)) else { return false };
    let free = state.f_bavail.saturating_mul(state.f_frsize);
    // Xvfb touches all of it at the start; where there is no room it is killed. With some to spare for others.
    let needed = u64::from(screen.width) * u64::from(screen.height) * 4 * 5 / 4 + (1 << 20);
    kind.f_type == TMPFS && !state.f_flag.contains(StatVfsMountFlags::RDONLY) && free >= needed
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCREEN: Screen = Screen { width: 640, height: 480, depth: 24, dpi: 96, refresh: 60 };

    #[test]
    fn only_memory_with_room_will_do() {
        let shared = Path::new("/dev/shm");
        // A machine without it has nothing to test here, and says so in the log of the launcher as well.
        if has_room(shared, SCREEN) {
            let made = folder(SCREEN, &[Path::new("/proc"), shared]).unwrap();
            assert!(made.path().starts_with(shared));
            assert_eq!(made.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
            let huge = Screen { width: 16384, height: 16384, ..SCREEN };
            let free = statvfs(shared).unwrap();
            assert_eq!(has_room(shared, huge), free.f_bavail * free.f_frsize >= 16384 * 16384 * 5 + (1 << 20));
        }
        assert!(folder(SCREEN, &[Path::new("/proc"), Path::new("/nonexistent")]).is_none());
    }
}
