//! A display number that no other X server takes.
//!
//! Left to choose by itself, an X server looks for a free abstract socket. In a network namespace of its own (a
//! container that shares /tmp, a sandbox) every abstract socket is free, and it takes the path of the socket away from
//! the server that has the number. So the number is reserved the way X servers do it when they are given one: by its
//! lock file (Xserver(1), FILES).

use std::{
    fs,
    io::{self, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use rustix::process::{Pid, test_kill_process};

/// The first number that is tried: the one that the old image has since 2023, and out of the way of real screens.
const FIRST: u32 = 20;
/// How many are tried.
const TRIES: u32 = 1000;

/// A number, ours until this is dropped.
#[derive(Debug)]
pub(crate) struct DisplayNumber {
    pub(crate) number: u32,
    lock: PathBuf,
}

impl DisplayNumber {
    /// Takes the first free one.
    pub(crate) fn reserve() -> io::Result<Self> {
        Self::reserve_in(Path::new("/tmp"))
    }

    fn reserve_in(folder: &Path) -> io::Result<Self> {
        for number in FIRST..FIRST + TRIES {
            let lock = folder.join(format!(".X{number}-lock"));
            if !take(&lock)? {
                continue;
            }
            let taken = Self { number, lock };
            // A server that has no lock file: started with -displayfd, or without locks.
            if UnixStream::connect(folder.join(format!(".X11-unix/X{number}"))).is_err() {
                return Ok(taken);
            }
        }
        Err(io::Error::other(format!("display numbers {FIRST} to {} are all in use", FIRST + TRIES - 1)))
    }
}

impl Drop for DisplayNumber {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.lock) {
            tracing::debug!("{}: {error}", self.lock.display());
        }
    }
}

/// Makes the lock file, unless a living process has it.
fn take(lock: &Path) -> io::Result<bool> {
    // Once for the file as it is, once after a stale one was removed.
    for _ in 0..2 {
        match fs::File::create_new(lock) {
            Ok(mut file) => {
                // The format is fixed: ten characters and a line feed.
                writeln!(file, "{:10}", std::process::id())?;
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !is_stale(lock) || fs::remove_file(lock).is_err() {
                    return Ok(false);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Whether the process that made it is gone. A file that says nothing is somebody's who is just writing it.
fn is_stale(lock: &Path) -> bool {
    let owner = fs::read_to_string(lock).ok().and_then(|text| Pid::from_raw(text.trim().parse().ok()?));
    owner.is_some_and(|pid| test_kill_process(pid) == Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let first = DisplayNumber::reserve_in(folder.path()).unwrap();
        let second = DisplayNumber::reserve_in(folder.path()).unwrap();
        assert_eq!((first.number, second.number), (FIRST, FIRST + 1));
        assert_eq!(
            fs::read(folder.path().join(".X20-lock")).unwrap(),
            format!("{:10}\n", std::process::id()).as_bytes()
        );
        drop(first);
        assert_eq!(DisplayNumber::reserve_in(folder.path()).unwrap().number, FIRST);
    }

    #[test]
    fn a_dead_process_has_no_number() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        fs::write(folder.path().join(".X20-lock"), format!("{:10}\n", child.id())).unwrap();
        fs::write(folder.path().join(".X21-lock"), "").unwrap();
        let numbers = [(); 2].map(|()| DisplayNumber::reserve_in(folder.path()).unwrap());
        assert_eq!(numbers.map(|taken| taken.number), [FIRST, FIRST + 2]);
    }

    #[test]
    fn a_server_without_a_lock_keeps_its_number() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(".X11-unix")).unwrap();
        let _server = std::os::unix::net::UnixListener::bind(folder.path().join(".X11-unix/X20")).unwrap();
        assert_eq!(DisplayNumber::reserve_in(folder.path()).unwrap().number, FIRST + 1);
        assert!(!folder.path().join(".X20-lock").exists());
    }
}
