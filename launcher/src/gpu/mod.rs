//! What the GPU does: its load and its memory, wherever the driver tells.

mod nvidia;
mod sysfs;

use std::path::Path;

/// At one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Statistics {
    /// From 0 to 1.
    pub(crate) load: f64,
    /// In bytes.
    pub(crate) memory_used: u64,
    /// In bytes; 0 where the GPU has no memory of its own.
    pub(crate) memory_total: u64,
}

/// A GPU that tells.
#[derive(Debug)]
pub(crate) enum Gpu {
    Nvidia(Box<nvidia::Nvidia>),
    Sysfs(sysfs::Card),
}

impl Gpu {
    /// The one of this number, as SELKIES_GPU_ID counts.
    pub(crate) fn open(number: u32) -> Option<Self> {
        let nvidia = nvidia::Nvidia::open(number).map(|gpu| Self::Nvidia(Box::new(gpu)));
        nvidia.or_else(|| sysfs::Card::open(Path::new("/sys/class/drm"), number).map(Self::Sysfs))
    }

    /// What it does now. The first answer of a GPU that only counts may be none.
    pub(crate) fn read(&mut self) -> Option<Statistics> {
        match self {
            Self::Nvidia(gpu) => gpu.read(),
            Self::Sysfs(card) => card.read(std::time::Instant::now()),
        }
    }
}
