//! The portable kernel, and the definition of what all the others compute.

use super::{BLOCK, Functions, RowPair, bgrx, drive::drive};
use crate::{
    Format,
    matrix::{CHROMA_BITS, CHROMA_OFFSET, Coefficients, LUMA_BITS, LUMA_OFFSET, Weights},
};

pub(super) const FUNCTIONS: Functions = Functions { nv12, i420, bgrx };

/// Safety: see [`super::PairFn`].
unsafe fn nv12(pair: RowPair, coefficients: &Coefficients, blocks: usize, tile: usize, changed: &mut [u64]) {
    drive(pair, Format::Nv12, blocks, tile, changed, |pair| {
        // SAFETY: the caller vouches for all of the blocks.
        let (cb, cr, changed) = unsafe { convert(pair, coefficients) };
        let mut both = [0; BLOCK];
        for (both, (cb, cr)) in both.as_chunks_mut().0.iter_mut().zip(cb.into_iter().zip(cr)) {
            *both = [cb, cr];
        }
        // SAFETY: as above.
        changed | unsafe { store(pair.chroma[0], &both) }
    });
}

/// Safety: see [`super::PairFn`].
unsafe fn i420(pair: RowPair, coefficients: &Coefficients, blocks: usize, tile: usize, changed: &mut [u64]) {
    drive(pair, Format::I420, blocks, tile, changed, |pair| {
        // SAFETY: the caller vouches for all of the blocks.
        unsafe {
            let (cb, cr, changed) = convert(pair, coefficients);
            changed | store(pair.chroma[0], &cb) | store(pair.chroma[1], &cr)
        }
    });
}

/// Safety: see [`super::PairFn`].
unsafe fn bgrx(pair: RowPair, _: &Coefficients, blocks: usize, tile: usize, changed: &mut [u64]) {
    drive(pair, Format::Bgrx, blocks, tile, changed, |pair| {
        // SAFETY: the caller vouches for all of the blocks.
        unsafe { bgrx::copy(pair) }
    });
}

type Chroma = [u8; BLOCK / 2];

/// Writes the luma of a block. Returns the chroma, and whether the luma changed.
///
/// Plain loops over arrays of known length and whole words per pixel: that is what compilers vectorise.
///
/// Safety: see [`super::PairFn`].
#[inline(always)]
unsafe fn convert(pair: RowPair, coefficients: &Coefficients) -> (Chroma, Chroma, bool) {
    // The pixels are copied out first: luma and chroma must be of the same ones even if somebody draws meanwhile.
    // SAFETY: the caller vouches for it.
    let [above, below] = pair.source.map(|row| unsafe { row.cast::<[u32; BLOCK]>().read_unaligned() });

    let mut changed = false;
    for (pixels, row) in [above, below].iter().zip(pair.rows) {
        let mut luma = [0; BLOCK];
        for (luma, pixel) in luma.iter_mut().zip(pixels) {
            let channels = Channel::ALL.map(|channel| channel.of(*pixel));
            *luma = (weigh(channels, coefficients.luma, LUMA_OFFSET) >> LUMA_BITS) as u8;
        }
        // SAFETY: the caller vouches for it.
        changed |= unsafe { store(row, &luma) };
    }

    let mut sums = [[0; BLOCK / 2]; 3];
    for (sums, channel) in sums.iter_mut().zip(Channel::ALL) {
        for (index, sum) in sums.iter_mut().enumerate() {
            let (left, right) = (2 * index, 2 * index + 1);
            *sum =
                channel.of(above[left]) + channel.of(above[right]) + channel.of(below[left]) + channel.of(below[right]);
        }
    }
    let (mut cb, mut cr) = ([0; BLOCK / 2], [0; BLOCK / 2]);
    for index in 0..BLOCK / 2 {
        let sums = [sums[0][index], sums[1][index], sums[2][index]];
        cb[index] = (weigh(sums, coefficients.cb, CHROMA_OFFSET) >> CHROMA_BITS) as u8;
        cr[index] = (weigh(sums, coefficients.cr, CHROMA_OFFSET) >> CHROMA_BITS) as u8;
    }
    (cb, cr, changed)
}

/// The position of a channel in a pixel, in bits.
#[derive(Clone, Copy)]
struct Channel(u32);

impl Channel {
    const ALL: [Self; 3] = [Self(0), Self(8), Self(16)];

    #[inline(always)]
    fn of(self, pixel: u32) -> i32 {
        (u32::from_le(pixel) >> self.0 & 0xFF) as i32
    }
}

#[inline(always)]
fn weigh([blue, green, red]: [i32; 3], weights: Weights, offset: i32) -> i32 {
    offset + blue * i32::from(weights.blue) + green * i32::from(weights.green) + red * i32::from(weights.red)
}

/// Writes bytes, unless they are there already. Returns whether they were not.
///
/// Safety: so many bytes must be readable and writable.
#[inline(always)]
unsafe fn store<const N: usize>(target: *mut u8, new: &[u8; N]) -> bool {
    let target = target.cast::<[u8; N]>();
    // SAFETY: the caller vouches for it, and bytes have no alignment.
    unsafe {
        let changed = target.read() != *new;
        if changed {
            target.write(*new);
        }
        changed
    }
}
