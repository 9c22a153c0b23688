//! The inner loops. Every kernel does the same arithmetic on 64 by 2 pixels, with the instructions that a CPU has.

mod bgrx;
mod drive;
mod edge;
mod scalar;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::LazyLock;

pub(crate) use edge::convert_edge;

use crate::{Format, matrix::Coefficients};

/// Pixels that a kernel converts at a time; a tile's width, so that one answer to "did it change?" is for one tile.
pub(crate) const BLOCK: usize = crate::TILE_WIDTH as usize;

/// Two rows of the picture, and where they go. Both may be the same one, if its height is odd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowPair {
    pub(crate) source: [*const u8; 2],
    /// Luma, or BGRx.
    pub(crate) rows: [*mut u8; 2],
    /// NV12 has one plane of chroma, I420 two.
    pub(crate) chroma: [*mut u8; 2],
    /// From here to the next pair. For hints only: there need not be one.
    pub(crate) pitch: Pitch,
}

/// Distances in bytes, for each of the pointers of a [`RowPair`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pitch {
    pub(crate) source: usize,
    pub(crate) rows: usize,
    pub(crate) chroma: [usize; 2],
}

/// Converts this many blocks of a pair of rows. The first one belongs to the tile of the given number of the row of
/// tiles, whose bits are set if the bytes were not these already.
///
/// Safety: so many blocks must be readable at the source, readable and writable elsewhere, and the CPU must have the
/// instructions.
pub(crate) type PairFn =
    unsafe fn(pair: RowPair, coefficients: &Coefficients, blocks: usize, tile: usize, changed: &mut [u64]);

/// The function for each format.
struct Functions {
    nv12: PairFn,
    i420: PairFn,
    bgrx: PairFn,
}

/// An implementation for certain CPUs. All of them give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Any CPU.
    Scalar,
    /// Any x86-64.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    /// x86-64 since about 2013.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512 BW and VNNI: since about 2019 (Intel) and 2022 (AMD).
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// Any 64-bit Arm.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Kernel {
    /// Every kernel of this architecture, the fastest last.
    #[cfg(target_arch = "x86_64")]
    pub const ALL: &[Self] = &[Self::Scalar, Self::Sse2, Self::Avx2, Self::Avx512Vnni];
    /// Every kernel of this architecture, the fastest last.
    #[cfg(target_arch = "aarch64")]
    pub const ALL: &[Self] = &[Self::Scalar, Self::Neon];
    /// Every kernel of this architecture, the fastest last.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub const ALL: &[Self] = &[Self::Scalar];

    /// Whether this CPU has the instructions.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => std::arch::is_aarch64_feature_detected!("neon"),
        }
    }

    /// The fastest one that this CPU can run.
    #[must_use]
    pub fn best() -> Self {
        static BEST: LazyLock<Kernel> = LazyLock::new(|| {
            Kernel::ALL.iter().copied().rfind(|kernel| kernel.is_available()).unwrap_or(Kernel::Scalar)
        });
        *BEST
    }

    /// The function for a format. It may be called if the kernel [is available](Self::is_available).
    pub(crate) fn pair_fn(self, format: Format) -> PairFn {
        let functions = match self {
            Self::Scalar => &scalar::FUNCTIONS,
            #[cfg(target_arch = "x86_64")]
            Self::Sse2 => &sse2::FUNCTIONS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => &avx2::FUNCTIONS,
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => &avx512::FUNCTIONS,
            #[cfg(target_arch = "aarch64")]
            Self::Neon => &neon::FUNCTIONS,
        };
        match format {
            Format::Nv12 => functions.nv12,
            Format::I420 => functions.i420,
            Format::Bgrx => functions.bgrx,
        }
    }
}
