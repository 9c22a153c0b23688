//! The right edge, where a tile is not a whole block: the kernels do not know of it.

use std::{ptr, slice};

use super::{BLOCK, PairFn, Pitch, RowPair, drive::mark};
use crate::{Format, matrix::Coefficients, planes::Offsets, source::PIXEL_BYTES};

const BLOCK_BYTES: usize = BLOCK * PIXEL_BYTES;

/// Converts less than a block of pixels, by way of a whole one on the stack.
///
/// # Safety
///
/// As for [`PairFn`], for this number of pixels instead of a block.
pub(crate) unsafe fn convert_edge(
    convert: PairFn,
    pair: RowPair,
    format: Format,
    pixels: usize,
    coefficients: &Coefficients,
    tile: usize,
    changed: &mut [u64],
) {
    debug_assert!((1..BLOCK).contains(&pixels));
    let mut source = [[0_u8; BLOCK_BYTES]; 2];
    let mut rows = [[0_u8; BLOCK_BYTES]; 2];
    let mut chroma = [[0_u8; BLOCK]; 2];

    let end = pixels * PIXEL_BYTES;
    for (copy, row) in source.iter_mut().zip(pair.source) {
        // SAFETY: so many pixels can be read, says the caller, and `pixels` is less than a block.
        unsafe { ptr::copy_nonoverlapping(row, copy.as_mut_ptr(), end) };
        // The partner of an odd last pixel: with itself it averages to itself.
        copy.copy_within(end - PIXEL_BYTES..end, end);
    }
    let block = RowPair {
        source: source.each_ref().map(|row| row.as_ptr()),
        rows: rows.each_mut().map(|row| row.as_mut_ptr()),
        chroma: chroma.each_mut().map(|row| row.as_mut_ptr()),
        pitch: Pitch::default(),
    };
    // SAFETY: everything is as large as a block of the largest format.
    unsafe { convert(block, coefficients, 1, 0, &mut [0]) };

    let Offsets { row, chroma: [first, second] } = format.offsets(pixels);
    let parts = [
        (&rows[0][..row], pair.rows[0]),
        (&rows[1][..row], pair.rows[1]),
        (&chroma[0][..first], pair.chroma[0]),
        (&chroma[1][..second], pair.chroma[1]),
    ];
    for (new, old) in parts.into_iter().filter(|(new, _)| !new.is_empty()) {
        // SAFETY: so many bytes belong to the picture, and the planes to the caller alone. One slice at a time exists,
        // so that two of the rows may be the same.
        let old = unsafe { slice::from_raw_parts_mut(old, new.len()) };
        if old != new {
            old.copy_from_slice(new);
            mark(changed, tile);
        }
    }
}
