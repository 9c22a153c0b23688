//! Arm: the loads take the channels apart, so that sums need no pairs.

use std::arch::aarch64::*;

use super::{BLOCK, Functions, RowPair, bgrx, drive::drive};
use crate::{
    Format,
    matrix::{CHROMA_BITS, CHROMA_OFFSET, Coefficients, LUMA_BITS, LUMA_OFFSET, Weights},
    source::PIXEL_BYTES,
};

pub(super) const FUNCTIONS: Functions = Functions { nv12, i420, bgrx };

/// Pixels of a row that fit into the registers at a time.
const STEP: usize = 16;

/// Safety: see [`super::PairFn`].
#[target_feature(enable = "neon")]
unsafe fn nv12(pair: RowPair, coefficients: &Coefficients, blocks: usize, tile: usize, changed: &mut [u64]) {
    drive(pair, Format::Nv12, blocks, tile, changed, |pair| {
        // SAFETY: the caller vouches for all of the blocks.
        unsafe { convert::<true>(pair, coefficients) }
    });
}

/// Safety: see [`super::PairFn`].
#[target_feature(enable = "neon")]
unsafe fn i420(pair: RowPair, coefficients: &Coefficients, blocks: usize, tile: usize, changed: &mut [u64]) {
    drive(pair, Format::I420, blocks, tile, changed, |pair| {
        // SAFETY: the caller vouches for all of the blocks.
        unsafe { convert::<false>(pair, coefficients) }
    });
}

/// Safety: see [`super::PairFn`].
#[target_feature(enable = "neon")]
unsafe fn bgrx(pair: RowPair, _: &Coefficients, blocks: usize, tile: usize, changed: &mut [u64]) {
    drive(pair, Format::Bgrx, blocks, tile, changed, |pair| {
        // SAFETY: the caller vouches for all of the blocks.
        unsafe { bgrx::copy(pair) }
    });
}

/// Converts a block and returns whether it was another one before.
///
/// Safety: see [`super::PairFn`].
#[inline]
#[target_feature(enable = "neon")]
unsafe fn convert<const SEMI_PLANAR: bool>(pair: RowPair, coefficients: &Coefficients) -> bool {
    let mut changed = false;
    for x in (0..BLOCK).step_by(STEP) {
        // SAFETY: the caller vouches for a block, and the loop ends where it does.
        unsafe {
            let above = vld4q_u8(pair.source[0].wrapping_add(x * PIXEL_BYTES));
            let below = vld4q_u8(pair.source[1].wrapping_add(x * PIXEL_BYTES));
            changed |= store(pair.rows[0].wrapping_add(x), luma(above, coefficients.luma));
            changed |= store(pair.rows[1].wrapping_add(x), luma(below, coefficients.luma));

            let sums = [four_pixels(above.0, below.0), four_pixels(above.1, below.1), four_pixels(above.2, below.2)];
            let (cb, cr) = (chroma(sums, coefficients.cb), chroma(sums, coefficients.cr));
            if SEMI_PLANAR {
                let both = vcombine_u8(vzip1_u8(cb, cr), vzip2_u8(cb, cr));
                changed |= store(pair.chroma[0].wrapping_add(x), both);
            } else {
                changed |= store_half(pair.chroma[0].wrapping_add(x / 2), cb);
                changed |= store_half(pair.chroma[1].wrapping_add(x / 2), cr);
            }
        }
    }
    changed
}

#[inline]
#[target_feature(enable = "neon")]
fn luma(pixels: uint8x16x4_t, weights: Weights) -> uint8x16_t {
    let low = [pixels.0, pixels.1, pixels.2].map(|channel| vmovl_u8(vget_low_u8(channel)));
    let high = [pixels.0, pixels.1, pixels.2].map(|channel| vmovl_high_u8(channel));
    vcombine_u8(luma_half(low, weights), luma_half(high, weights))
}

#[inline]
#[target_feature(enable = "neon")]
fn luma_half([blue, green, red]: [uint16x8_t; 3], weights: Weights) -> uint8x8_t {
    // Luma weights are positive in every matrix.
    let [blue_weight, green_weight, red_weight] =
        [weights.blue, weights.green, weights.red].map(|weight| weight as u16);
    let offset = vdupq_n_u32(LUMA_OFFSET as u32);
    let low = vmlal_n_u16(offset, vget_low_u16(blue), blue_weight);
    let low = vmlal_n_u16(low, vget_low_u16(green), green_weight);
    let low = vmlal_n_u16(low, vget_low_u16(red), red_weight);
    let high = vmlal_high_n_u16(offset, blue, blue_weight);
    let high = vmlal_high_n_u16(high, green, green_weight);
    let high = vmlal_high_n_u16(high, red, red_weight);
    let both = vcombine_u16(vshrn_n_u32::<{ LUMA_BITS as i32 }>(low), vshrn_n_u32::<{ LUMA_BITS as i32 }>(high));
    vmovn_u16(both)
}

/// One channel's sums of two by two pixels.
#[inline]
#[target_feature(enable = "neon")]
fn four_pixels(above: uint8x16_t, below: uint8x16_t) -> int16x8_t {
    vreinterpretq_s16_u16(vpadalq_u8(vpaddlq_u8(above), below))
}

#[inline]
#[target_feature(enable = "neon")]
fn chroma([blue, green, red]: [int16x8_t; 3], weights: Weights) -> uint8x8_t {
    let offset = vdupq_n_s32(CHROMA_OFFSET);
    let low = vmlal_n_s16(offset, vget_low_s16(blue), weights.blue);
    let low = vmlal_n_s16(low, vget_low_s16(green), weights.green);
    let low = vmlal_n_s16(low, vget_low_s16(red), weights.red);
    let high = vmlal_high_n_s16(offset, blue, weights.blue);
    let high = vmlal_high_n_s16(high, green, weights.green);
    let high = vmlal_high_n_s16(high, red, weights.red);
    let both = vcombine_s16(vshrn_n_s32::<{ CHROMA_BITS as i32 }>(low), vshrn_n_s32::<{ CHROMA_BITS as i32 }>(high));
    vqmovun_s16(both)
}

/// Writes 16 bytes, unless they are there already. Returns whether they were not.
///
/// Safety: they must be readable and writable.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn store(target: *mut u8, new: uint8x16_t) -> bool {
    // SAFETY: the caller vouches for it.
    unsafe {
        let changed = vminvq_u8(vceqq_u8(vld1q_u8(target), new)) == 0;
        if changed {
            vst1q_u8(target, new);
        }
        changed
    }
}

/// [`store`] for 8 bytes.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn store_half(target: *mut u8, new: uint8x8_t) -> bool {
    // SAFETY: the caller vouches for it.
    unsafe {
        let changed = vminv_u8(vceq_u8(vld1_u8(target), new)) == 0;
        if changed {
            vst1_u8(target, new);
        }
        changed
    }
}
