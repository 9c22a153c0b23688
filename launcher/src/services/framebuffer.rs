//! The memory of the private screen: how much of it, and where Xvfb keeps it so that the capture reads it in place.

use std::{fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use rustix::fs::{StatVfsMountFlags, statfs, statvfs};
use tempfile::TempDir;

use crate::settings::Screen;

/// statfs(2)'s number for tmpfs. On a disk, Xvfb would write the screen out again and again.
const TMPFS: i64 = 0x0102_1994;

/// How large a screen may become while it runs, the best first: Xvfb can shrink it and let it grow again, but not beyond
/// the size it started with. Not powers of two: rows that lie such a distance apart share too few lines of the cache.
const LARGEST: [(u32, u32); 4] = [(7680, 4320), (5120, 2880), (3840, 2160), (2560, 1600)];

/// Where there is no memory to be shared, and so nothing that says how much there is of it.
const UNSHARED: (u32, u32) = LARGEST[2];

/// Memory for a screen.
pub(crate) struct Framebuffer {
    /// A private folder in memory. `None` costs speed, not function: the capture then asks the X server for copies.
    pub(crate) folder: Option<TempDir>,
    /// Width and height in pixels that the screen may grow to.
    pub(crate) largest: (u32, u32),
}

impl Framebuffer {
    /// Makes the folder below the first of these that lies in memory and has room: for the largest screen that leaves
    /// half of it to others (browsers keep a lot in /dev/shm, and containers have little of it), else for this screen.
    pub(crate) fn make(screen: Screen, candidates: &[&Path]) -> Self {
        let roomy = LARGEST.map(|size| (holding(size, screen), 2));
        let exact = ((screen.width, screen.height), 1);
        for (largest, share) in roomy.into_iter().chain([exact]) {
            let Some(place) = candidates.iter().find(|folder| has_room(folder, bytes(largest) * share)) else {
                continue;
            };
            // Readable by us alone: it is everything that is on the screen.
            let private = Permissions::from_mode(0o700);
            match tempfile::Builder::new().prefix("egldesktop-screen-").permissions(private).tempdir_in(place) {
                Ok(folder) => return Self { folder: Some(folder), largest },
                Err(error) => tracing::debug!("no folder for the framebuffer in {}: {error}", place.display()),
            }
        }
        Self { folder: None, largest: holding(UNSHARED, screen) }
    }
}

/// The size, or more where the screen needs more.
fn holding((width, height): (u32, u32), screen: Screen) -> (u32, u32) {
    (width.max(screen.width), height.max(screen.height))
}

/// What Xvfb writes: 32 bits per pixel, a header, and some more to spare.
fn bytes((width, height): (u32, u32)) -> u64 {
    u64::from(width) * u64::from(height) * 4 * 9 / 8 + (1 << 20)
}

/// Xvfb touches all of it at the start; where there is no room it is killed.
fn has_room(folder: &Path, needed: u64) -> bool {
    let (Ok(kind), Ok(state)) = (statfs(folder), statvfs(folder)) else { return false };
    let free = state.f_bavail.saturating_mul(state.f_frsize);
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
        if has_room(shared, bytes((640, 480))) {
            let made = Framebuffer::make(SCREEN, &[Path::new("/proc"), shared]);
            let folder = made.folder.unwrap();
            assert!(folder.path().starts_with(shared));
            assert_eq!(folder.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
            let roomy = LARGEST.into_iter().find(|size| has_room(shared, 2 * bytes(*size)));
            assert_eq!(made.largest, roomy.unwrap_or((640, 480)));
            let state = statvfs(shared).unwrap();
            assert!(!has_room(shared, state.f_bavail * state.f_frsize + 1));
        }
        let made = Framebuffer::make(SCREEN, &[Path::new("/proc"), Path::new("/nonexistent")]);
        assert!(made.folder.is_none());
        assert_eq!(made.largest, UNSHARED);
    }

    #[test]
    fn the_screen_fits_whatever_its_shape_is() {
        let tall = Screen { width: 1440, height: 5120, ..SCREEN };
        let made = Framebuffer::make(tall, &[]);
        assert_eq!(made.largest, (3840, 5120));
    }
}
