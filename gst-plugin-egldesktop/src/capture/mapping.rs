//! Memory that is shared with the X server.

use std::os::fd::AsFd;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// A mapping; unmapped on drop.
#[derive(Debug)]
pub(crate) struct Mapping {
    memory: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to this value alone and stays at its place until drop.
unsafe impl Send for Mapping {}
// SAFETY: through a shared reference it can only be read.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// The first `length` bytes of a file that somebody else writes to; read-only.
    pub(crate) fn of_file(file: impl AsFd, length: usize) -> rustix::io::Result<Self> {
        // SAFETY: a new mapping at an address that the kernel chooses; nothing here writes to it.
        let memory = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0) }?;
        Ok(Self { memory: NonNull::new(memory.cast()).ok_or(rustix::io::Errno::NOMEM)?, length })
    }

    /// Where it begins. For memory that another process writes to, which must not become a slice.
    pub(crate) fn as_ptr(&self) -> *const u8 {
        self.memory.as_ptr()
    }

    /// Its length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.length
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped with this length, and nobody can hold a reference into it any more.
        let _ = unsafe { munmap(self.memory.as_ptr().cast(), self.length) };
    }
}
