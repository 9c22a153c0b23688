//! A wall clock of a program's own, which can be set while the program runs: libfaketime. The monotonic clock stays the
//! kernel's, as when somebody sets the clock of a machine.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

/// Where Debian's package libfaketime has what is preloaded, for programs with threads.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

/// The clock of whoever is started with its [variables](Self::variables).
#[derive(Debug)]
pub struct Clock {
    folder: tempfile::TempDir,
    path: String,
}

impl Clock {
    /// One that is right.
    pub fn new() -> Result<Self> {
        ensure!(Path::new(LIBRARY).exists(), "package libfaketime is needed");
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("now").to_str().context("no path")?.to_owned();
        let clock = Self { folder, path };
        clock.set("+0")?;
        Ok(clock)
    }

    /// The environment of the program.
    pub fn variables(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", LIBRARY),
            ("FAKETIME_TIMESTAMP_FILE", &self.path),
            // Else it looks at the file again after ten seconds.
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }

    /// Sets it, by how much it is off: such as `+5h` or `-2d`.
    pub fn set(&self, offset: &str) -> Result<()> {
        let new = self.folder.path().join("new");
        std::fs::write(&new, offset)?;
        // Nobody reads half of it.
        Ok(std::fs::rename(new, &self.path)?)
    }
}
