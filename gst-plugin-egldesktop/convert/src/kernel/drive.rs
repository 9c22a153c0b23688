//! What the kernels have in common: going along a pair of rows.

use super::{BLOCK, Pitch, RowPair};
use crate::{Format, planes::Offsets, source::PIXEL_BYTES};

/// How many blocks ahead memory is asked for: a kilobyte of pixels.
const AHEAD: usize = 4;

impl RowPair {
    /// The same rows, some blocks further on.
    #[inline(always)]
    pub(crate) fn skip(self, format: Format, blocks: usize) -> Self {
        let Offsets { row, chroma } = format.offsets(blocks * BLOCK);
        self.advance(Pitch { source: PIXEL_BYTES * BLOCK * blocks, rows: row, chroma })
    }

    /// The next pair of rows.
    #[inline(always)]
    fn below(self) -> Self {
        self.advance(self.pitch)
    }

    #[inline(always)]
    fn advance(self, by: Pitch) -> Self {
        Self {
            source: self.source.map(|pointer| pointer.wrapping_add(by.source)),
            rows: self.rows.map(|pointer| pointer.wrapping_add(by.rows)),
            chroma: [self.chroma[0].wrapping_add(by.chroma[0]), self.chroma[1].wrapping_add(by.chroma[1])],
            pitch: self.pitch,
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
    let (below, ahead) = (pair.below(), AHEAD.min(blocks));
    for index in 0..blocks {
        // At the end of these rows, the beginning of the next ones is due.
        match (index + ahead).checked_sub(blocks) {
            None => prefetch(pair.skip(format, index + ahead), format),
            Some(index) => prefetch(below.skip(format, index), format),
        }
        if convert(pair.skip(format, index)) {
            mark(changed, tile + index);
        }
    }
}

/// Asks for a block that is due soon: to be read, and to be written. The hardware does that too, but stops at the end of
/// each page of memory, which is once or more per row: worth a fifth of the time of a frame that is not in the cache.
#[inline(always)]
fn prefetch(pair: RowPair, format: Format) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_ET0, _MM_HINT_T0, _mm_prefetch};
        const CACHE_LINE: usize = 64;
        let Offsets { row, chroma } = format.offsets(BLOCK);
        // SAFETY: a hint never faults, wherever it points to.
        let read = |from: *const u8| unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) };
        // SAFETY: as above.
        let write = |to: *mut u8| unsafe { _mm_prefetch::<_MM_HINT_ET0>(to.cast()) };
        for line in (0..BLOCK * PIXEL_BYTES).step_by(CACHE_LINE) {
            pair.source.into_iter().for_each(|row| read(row.wrapping_add(line)));
        }
        for line in (0..row).step_by(CACHE_LINE) {
            pair.rows.into_iter().for_each(|row| write(row.wrapping_add(line)));
        }
        // At most a line of it belongs to a block, and none where the format has no such plane.
        pair.chroma.into_iter().zip(chroma).filter(|(_, bytes)| *bytes > 0).for_each(|(plane, _)| write(plane));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (pair, format);
}

#[inline(always)]
pub(super) fn mark(changed: &mut [u64], tile: usize) {
    changed[tile / 64] |= 1 << (tile % 64);
}
