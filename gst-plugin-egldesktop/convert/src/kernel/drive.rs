//! What the kernels have in common: going along a pair of rows.

use super::{BLOCK, RowPair};
use crate::{Format, planes::Offsets, source::PIXEL_BYTES};

impl RowPair {
    /// The same rows, some blocks further on.
    #[inline(always)]
    pub(crate) fn skip(self, format: Format, blocks: usize) -> Self {
        let Offsets { row, chroma } = format.offsets(blocks * BLOCK);
        let pixels = PIXEL_BYTES * BLOCK * blocks;
        Self {
            source: self.source.map(|pointer| pointer.wrapping_add(pixels)),
            rows: self.rows.map(|pointer| pointer.wrapping_add(row)),
            chroma: [self.chroma[0].wrapping_add(chroma[0]), self.chroma[1].wrapping_add(chroma[1])],
        }
    }
}

/// Calls `convert` for each block, and marks the tiles for which it returns true.
///
/// Always inlined, and so is `convert`: both have to be compiled for the CPU features of the caller.
#[inline(always)]
pub(super) fn drive(
    pair: RowPair,
    format: Format,
    blocks: usize,
    tile: usize,
    changed: &mut [u64],
    convert: impl Fn(RowPair) -> bool,
) {
    for index in 0..blocks {
        prefetch(pair.skip(format, index));
        if convert(pair.skip(format, index)) {
            mark(changed, tile + index);
        }
    }
}

/// Asks for pixels that are due soon. The hardware does that too, but stops at the end of each page of memory, which is
/// once or more per row: worth a tenth of the time of a frame that is not in the cache.
#[inline(always)]
fn prefetch(pair: RowPair) {
    #[cfg(target_arch = "x86_64")]
    for row in pair.source {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const AHEAD: usize = 1024;
        const CACHE_LINE: usize = 64;
        for line in (0..BLOCK * PIXEL_BYTES).step_by(CACHE_LINE) {
            // SAFETY: a hint never faults, wherever it points to.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(row.wrapping_add(AHEAD + line).cast()) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = pair;
}

#[inline(always)]
pub(super) fn mark(changed: &mut [u64], tile: usize) {
    changed[tile / 64] |= 1 << (tile % 64);
}
