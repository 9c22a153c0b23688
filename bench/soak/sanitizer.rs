//! AddressSanitizer and LeakSanitizer in a program that was built without them: the library of the C compiler, preloaded,
//! takes the place of the C library's `malloc` and of what copies memory. So it sees the heap of all libraries alike.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// What is the libraries' own, with the proof of each.
const SUPPRESSIONS: &str = include_str!("leaks.supp");

/// Where it is, and what it has to say.
pub(crate) struct Sanitizer {
    folder: tempfile::TempDir,
    library: String,
    options: String,
    leak_options: String,
}

impl Sanitizer {
    pub(crate) fn new() -> Result<Self> {
        let output = Command::new("cc").arg("-print-file-name=libasan.so").output().context("no C compiler")?;
        let name = String::from_utf8(output.stdout)?;
        // What the name leads to, once that is found, is a file of this name and a version.
        let library = Path::new(name.trim()).canonicalize().context("the C compiler has no AddressSanitizer")?;
        ensure!(library.is_absolute(), "the C compiler has no AddressSanitizer");
        let folder = tempfile::tempdir()?;
        let suppressions = folder.path().join("suppressions");
        std::fs::write(&suppressions, SUPPRESSIONS)?;
        let options = [
            // Processes that only try something may end however they like.
            "exitcode=0",
            &format!("log_path={}", folder.path().join("log").display()),
            // GLib and GStreamer have no frame pointers.
            "fast_unwind_on_malloc=0",
            "malloc_context_size=20",
            // What is used after it is freed is seen to be something else: 0xfd.
            "max_free_fill_size=4096",
            "free_fill_byte=253",
            "quarantine_size_mb=64",
            "detect_leaks=1",
            // How a critical of GLib ends the process here: with the stack, in the log.
            "handle_sigtrap=1",
        ];
        Ok(Self {
            library: library.display().to_string(),
            options: options.join(":"),
            leak_options: format!("print_suppressions=0:suppressions={}", suppressions.display()),
            folder,
        })
    }

    /// The environment of the program.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("LD_PRELOAD", &self.library),
            ("ASAN_OPTIONS", &self.options),
            ("LSAN_OPTIONS", &self.leak_options),
            // Else it has an allocator of its own.
            ("G_SLICE", "always-malloc"),
        ]
    }

    /// What was found in a process, once it has ended; empty for nothing.
    pub(crate) fn found(&self, process: u32) -> Result<String> {
        let path = self.folder.path().join(format!("log.{process}"));
        if !path.exists() {
            return Ok(String::new());
        }
        Ok(std::fs::read_to_string(path)?)
    }
}
