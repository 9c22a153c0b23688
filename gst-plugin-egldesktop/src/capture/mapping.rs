//! Memory that is mapped rather than allocated: page-aligned, and possibly shared with the X server.

use std::os::fd::AsFd;
use std::ptr::NonNull;

use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

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
    /// Zeroed memory of our own.
    pub(crate) fn private(length: usize) -> rustix::io::Result<Self> {
        // SAFETY: a new mapping at an address that the kernel chooses.
        let memory = unsafe {
            mmap_anonymous(std::ptr::null_mut(), length, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
        }?;
        Self::new(memory.cast(), length)
    }

    /// The first `length` bytes of a file that somebody else writes to; read-only.
    pub(crate) fn of_file(file: impl AsFd, length: usize) -> rustix::io::Result<Self> {
        // SAFETY: a new mapping at an address that the kernel chooses; nothing here writes to it.
        let memory = unsafe { mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0) }?;
        Self::new(memory.cast(), length)
    }

    fn new(memory: *mut u8, length: usize) -> rustix::io::Result<Self> {
        Ok(Self { memory: NonNull::new(memory).ok_or(rustix::io::Errno::NOMEM)?, length })
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

/// A [`Mapping`] that nobody else can write to, and that may therefore be looked at as a slice.
#[derive(Debug)]
pub(crate) struct Memory(Mapping);

impl Memory {
    /// Zeroed.
    pub(crate) fn new(length: usize) -> rustix::io::Result<Self> {
        Mapping::private(length).map(Self)
    }
}

impl AsRef<[u8]> for Memory {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: mapped readable with this length, initialised by the kernel, private to this value.
        unsafe { std::slice::from_raw_parts(self.0.memory.as_ptr(), self.0.length) }
    }
}

impl AsMut<[u8]> for Memory {
    fn as_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.0.memory.as_ptr(), self.0.length) }
    }
}
