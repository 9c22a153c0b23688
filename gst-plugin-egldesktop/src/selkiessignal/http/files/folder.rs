//! The folder that files go to and come from. Names are single components, and everything is opened relative to the
//! folder without following links, so nothing outside of it can be reached.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use serde::Serialize;

use crate::selkiessignal::FilesPolicy;

/// The longest name, in bytes; file systems take 255, and a number may be added.
const MAX_NAME: usize = 200;
/// Entries of a list.
const MAX_LIST: usize = 1000;
/// How many names are tried for a file whose own is taken.
const MAX_COPIES: u32 = 1000;
/// Unfinished uploads that nobody has gone on with for so long are removed.
const STALE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const PART: &str = ".part";

/// The folder, and what may be done there.
pub(in crate::selkiessignal) struct Folder {
    path: PathBuf,
    pub(super) policy: FilesPolicy,
    /// The largest file, in bytes.
    pub(super) most: u64,
    /// Uploads that somebody has asked for, by number.
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

/// One upload at a time writes to its file; who comes later for the same one cuts the earlier one short.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) cancel: tokio::sync::Notify,
    pub(super) writer: tokio::sync::Mutex<()>,
}

/// A file as lists show it.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(super) struct Entry {
    name: String,
    /// Bytes.
    size: u64,
    /// Milliseconds since 1970.
    modified: u64,
}

/// A name that is one component, and not hidden.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |char: char| char != '/' && char != '\\' && !char.is_control();
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.chars().all(plain)
}

/// What tells uploads apart: made by the browser.
pub(super) fn is_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn part(id: &str) -> String {
    format!(".{id}{PART}")
}

impl Folder {
    /// The folder is made when it is first needed.
    pub(in crate::selkiessignal) fn new(path: PathBuf, policy: FilesPolicy, most: u64) -> Self {
        Self { path, policy, most, slots: Mutex::default() }
    }

    pub(super) fn slot(&self, id: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody holds have nothing to tell.
        slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        slots.entry(id.to_owned()).or_default().clone()
    }

    fn open_folder(&self) -> io::Result<OwnedFd> {
        Ok(rustix::fs::open(&self.path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
    }

    fn open_at(&self, name: &str, flags: OFlags) -> io::Result<File> {
        // A FIFO would wait for its other end.
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.open_folder()?, name, flags, Mode::from_raw_mode(0o666))?;
        if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(File::from(file))
    }

    /// A file to read.
    pub(in super::super) fn open(&self, name: &str) -> io::Result<File> {
        if !is_name(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.open_at(name, OFlags::RDONLY)
    }

    /// The file of an upload to go on with; made if need be.
    pub(super) fn open_part(&self, id: &str) -> io::Result<File> {
        std::fs::create_dir_all(&self.path)?;
        let file = self.open_at(&part(id), OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND)?;
        if file.metadata()?.len() == 0 {
            self.remove_stale();
        }
        Ok(file)
    }

    /// How many bytes of an upload have come.
    pub(super) fn part_length(&self, id: &str) -> u64 {
        self.open_at(&part(id), OFlags::RDONLY).and_then(|file| file.metadata()).map_or(0, |data| data.len())
    }

    pub(super) fn remove_part(&self, id: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(self.open_folder()?, part(id), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives an upload that is complete its name, or one with a number where that is taken. Returns the name.
    pub(super) fn finish(&self, id: &str, name: &str) -> io::Result<String> {
        let folder = self.open_folder()?;
        for copy in 0..MAX_COPIES {
            let name = numbered(name, copy);
            match rustix::fs::renameat_with(&folder, part(id), &folder, &name, RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(name),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// The files there, the newest first. None where there is no folder yet.
    pub(super) fn list(&self) -> Vec<Entry> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut list: Vec<_> = entries
            .filter_map(|entry| {
                let name = entry.file_name().into_string().ok().filter(|name| is_name(name))?;
                // Of a link itself, which is no file.
                let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
                let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
                let modified = u64::try_from(modified.as_millis()).ok()?;
                Some(Entry { name, size: metadata.len(), modified })
            })
            .collect();
        list.sort_by(|a, b| b.modified.cmp(&a.modified).then_with(|| a.name.cmp(&b.name)));
        list.truncate(MAX_LIST);
        list
    }

    fn remove_stale(&self) {
        for entry in std::fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_prefix('.')?.strip_suffix(PART));
            let Some(id) = id.filter(|id| is_id(id)) else { continue };
            let modified = entry.metadata().and_then(|data| data.modified()).unwrap_or(UNIX_EPOCH);
            if SystemTime::now().duration_since(modified).is_ok_and(|age| age > STALE) {
                // Another one may have done so.
                let _ = self.remove_part(id);
            }
        }
    }
}

/// "a.tar" becomes "a (2).tar" for the second one.
fn numbered(name: &str, copy: u32) -> String {
    if copy == 0 {
        return name.to_owned();
    }
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => format!("{stem} ({}).{extension}", copy + 1),
        _ => format!("{name} ({})", copy + 1),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn names_are_single_components() {
        for good in ["a", "a b.txt", "日本.png", "a..b"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "/a", "../a", "a\\b", "a\0", "a\n", &"x".repeat(300)] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_id("0123abcd-ef") && !is_id("short") && !is_id("../../../etc") && !is_id("has space"));
    }

    #[test]
    fn nothing_outside_is_reached() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("files");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(top.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink("../secret", path.join("link")).unwrap();
        std::os::unix::fs::symlink("../secret", path.join(".0123456789.part")).unwrap();
        std::fs::create_dir(path.join("folder")).unwrap();
        std::fs::write(path.join("file"), "file").unwrap();
        let folder = Folder::new(path, FilesPolicy::Both, u64::MAX);
        for name in ["link", "folder", "../secret", ".", "none", "folder/../../secret"] {
            assert!(folder.open(name).is_err(), "{name}");
        }
        assert!(folder.open_part("0123456789").is_err());
        assert_eq!(folder.part_length("0123456789"), 0);
        assert_eq!(std::fs::read(top.path().join("secret")).unwrap(), b"secret");
        let mut text = String::new();
        folder.open("file").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "file");
        assert_eq!(folder.list().iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["file"]);
    }

    #[test]
    fn an_upload_never_replaces_a_file() {
        let top = tempfile::tempdir().unwrap();
        let folder = Folder::new(top.path().join("new/folder"), FilesPolicy::Both, u64::MAX);
        assert_eq!(folder.list(), []);
        for expected in ["a.tar", "a (2).tar", "a (3).tar"] {
            folder.open_part("0123456789").unwrap().write_all(b"x").unwrap();
            assert_eq!(folder.part_length("0123456789"), 1);
            assert_eq!(folder.finish("0123456789", "a.tar").unwrap(), expected);
        }
        assert_eq!(folder.list().len(), 3);
        assert_eq!(numbered("none", 1), "none (2)");
    }
}
