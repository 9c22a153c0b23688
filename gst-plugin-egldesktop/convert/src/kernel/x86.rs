//! The x86 kernel, over vectors of any width.
//!
//! The 16-bit lanes of a vector of pixels hold blue and green, red and padding. Masking leaves (blue, red), shifting
//! leaves (green, padding), and a multiply-and-add of pairs (`pmaddwd`) of each, added up, is a weighted sum.
//!
//! Wide vectors are rows of 128-bit lanes that do not mix. Here four vectors become one twice, each lane for itself,
//! which leaves its 32-bit units in the order of lanes first: `transpose` puts them right at the end.

use super::{BLOCK, RowPair};
use crate::{
    matrix::{CHROMA_OFFSET, Coefficients, LUMA_OFFSET, Weights},
    source::PIXEL_BYTES,
};

/// The instructions that the kernel is made of, in one width.
///
/// Every method must be inlined into a function that enables the CPU features, or it becomes a slow call.
///
/// # Safety
///
/// All of it may only be used on a CPU that has the features, and pointers must be good for [`Self::BYTES`], or half as
/// many where there are two.
pub(super) trait Vector: Copy {
    const BYTES: usize;

    unsafe fn load(from: *const u8) -> Self;
    unsafe fn store(self, to: *mut u8);
    unsafe fn load_halves(low: *const u8, high: *const u8) -> Self;
    unsafe fn store_halves(self, low: *mut u8, high: *mut u8);

    unsafe fn splat32(value: i32) -> Self;
    unsafe fn and(self, other: Self) -> Self;
    /// The upper byte of each 16 bits.
    unsafe fn upper_bytes(self) -> Self;
    unsafe fn add16(self, other: Self) -> Self;
    /// `self` plus the weighted pairs of 16 bits.
    unsafe fn add_products(self, pairs: Self, weights: Self) -> Self;
    /// Sums of the two halves of each 64 bits, as pairs of 16 bits: first those of `self`, then those of `other`.
    unsafe fn add_neighbours(self, other: Self) -> Self;
    /// Each 32 bits of luma without the fraction.
    unsafe fn luma_to_integer(self) -> Self;
    /// The upper 16 bits of each 32: of `self` into the lower ones, of `other` into the upper ones.
    unsafe fn upper_halves(self, other: Self) -> Self;
    /// 32 bits to 16.
    unsafe fn narrow32(self, other: Self) -> Self;
    /// 16 bits to 8.
    unsafe fn narrow16(self, other: Self) -> Self;
    /// Undoes the order of lanes of four vectors narrowed to one.
    unsafe fn transpose(self) -> Self;
    /// Undoes the order of lanes of two vectors narrowed to one.
    unsafe fn transpose_halves(self) -> Self;
    /// Whether any of three vectors differs from its partner.
    unsafe fn differ(new: [Self; 3], old: [Self; 3]) -> bool;
}

/// The weights of (blue, red) and of (green, padding), for each pixel of a vector.
#[derive(Clone, Copy)]
struct Pairs<V> {
    blue_red: V,
    green: V,
}

impl<V: Vector> Pairs<V> {
    /// Safety: see [`Vector`].
    #[inline(always)]
    unsafe fn weights(weights: Weights) -> Self {
        let pair = |low: i16, high: i16| i32::from(high) << 16 | i32::from(low) & 0xFFFF;
        // SAFETY: the caller's.
        unsafe {
            Self { blue_red: V::splat32(pair(weights.blue, weights.red)), green: V::splat32(pair(weights.green, 0)) }
        }
    }

    /// Safety: see [`Vector`].
    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's.
        unsafe {
            let pixels = V::load(from);
            Self { blue_red: pixels.and(V::splat32(0x00FF_00FF)), green: pixels.upper_bytes() }
        }
    }

    /// Safety: see [`Vector`].
    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the caller's.
        unsafe { Self { blue_red: self.blue_red.add16(other.blue_red), green: self.green.add16(other.green) } }
    }

    /// Safety: see [`Vector`].
    #[inline(always)]
    unsafe fn add_neighbours(self, other: Self) -> Self {
        // SAFETY: the caller's.
        unsafe {
            Self {
                blue_red: self.blue_red.add_neighbours(other.blue_red),
                green: self.green.add_neighbours(other.green),
            }
        }
    }

    /// Safety: see [`Vector`].
    #[inline(always)]
    unsafe fn weigh(self, weights: Self, offset: i32) -> V {
        // SAFETY: the caller's.
        unsafe {
            let sum = V::splat32(offset).add_products(self.blue_red, weights.blue_red);
            sum.add_products(self.green, weights.green)
        }
    }
}

/// Four vectors of a row of pixels, which make one of luma.
type Row<V> = [Pairs<V>; 4];

/// Safety: see [`Vector`].
#[inline(always)]
unsafe fn load_row<V: Vector>(from: *const u8) -> Row<V> {
    let part = |index: usize| from.wrapping_add(index * V::BYTES);
    // SAFETY: the caller's.
    unsafe { [Pairs::load(part(0)), Pairs::load(part(1)), Pairs::load(part(2)), Pairs::load(part(3))] }
}

/// Safety: see [`Vector`].
#[inline(always)]
unsafe fn luma<V: Vector>([a, b, c, d]: Row<V>, weights: Weights) -> V {
    // SAFETY: the caller's.
    unsafe {
        let weights = Pairs::weights(weights);
        let a = a.weigh(weights, LUMA_OFFSET).luma_to_integer();
        let b = b.weigh(weights, LUMA_OFFSET).luma_to_integer();
        let c = c.weigh(weights, LUMA_OFFSET).luma_to_integer();
        let d = d.weigh(weights, LUMA_OFFSET).luma_to_integer();
        a.narrow32(b).narrow16(c.narrow32(d)).transpose()
    }
}

/// Blue and red differences, interleaved.
///
/// Safety: see [`Vector`].
#[inline(always)]
unsafe fn chroma<V: Vector>(above: Row<V>, below: Row<V>, coefficients: &Coefficients) -> V {
    // SAFETY: the caller's.
    unsafe {
        let (cb, cr) = (Pairs::weights(coefficients.cb), Pairs::weights(coefficients.cr));
        let left = above[0].add(below[0]).add_neighbours(above[1].add(below[1]));
        let right = above[2].add(below[2]).add_neighbours(above[3].add(below[3]));
        let left = left.weigh(cb, CHROMA_OFFSET).upper_halves(left.weigh(cr, CHROMA_OFFSET));
        let right = right.weigh(cb, CHROMA_OFFSET).upper_halves(right.weigh(cr, CHROMA_OFFSET));
        left.narrow16(right).transpose()
    }
}

/// Converts a block and returns whether it was another one before.
///
/// All of this is straight-line code in functions that are always inlined. A closure, or an adapter that takes one,
/// would be compiled without the CPU features, and calls to the instructions would remain calls.
///
/// # Safety
///
/// As for [`super::PairFn`], in a function that enables the features of `V`.
#[inline(always)]
pub(super) unsafe fn convert<V: Vector, const SEMI_PLANAR: bool>(pair: RowPair, coefficients: &Coefficients) -> bool {
    let mut changed = false;
    for x in (0..BLOCK).step_by(V::BYTES) {
        // SAFETY: the caller's; the loop ends where the block does.
        unsafe {
            let above = load_row::<V>(pair.source[0].wrapping_add(x * PIXEL_BYTES));
            let below = load_row::<V>(pair.source[1].wrapping_add(x * PIXEL_BYTES));
            let new = [luma(above, coefficients.luma), luma(below, coefficients.luma)];
            let chroma = chroma(above, below, coefficients);

            let at = [pair.rows[0].wrapping_add(x), pair.rows[1].wrapping_add(x)];
            let old = [V::load(at[0]), V::load(at[1])];
            if SEMI_PLANAR {
                let chroma_at = pair.chroma[0].wrapping_add(x);
                if V::differ([new[0], new[1], chroma], [old[0], old[1], V::load(chroma_at)]) {
                    new[0].store(at[0]);
                    new[1].store(at[1]);
                    chroma.store(chroma_at);
                    changed = true;
                }
            } else {
                let (cb_at, cr_at) = (pair.chroma[0].wrapping_add(x / 2), pair.chroma[1].wrapping_add(x / 2));
                let chroma = chroma.and(V::splat32(0x00FF_00FF)).narrow16(chroma.upper_bytes()).transpose_halves();
                if V::differ([new[0], new[1], chroma], [old[0], old[1], V::load_halves(cb_at, cr_at)]) {
                    new[0].store(at[0]);
                    new[1].store(at[1]);
                    chroma.store_halves(cb_at, cr_at);
                    changed = true;
                }
            }
        }
    }
    changed
}

/// Methods of [`Vector`], without saying four times as much as they do.
macro_rules! operations {
    ($(fn $name:ident($($arguments:tt)*) $(-> $result:ty)? $body:block)+) => {
        $(
            #[inline(always)]
            unsafe fn $name($($arguments)*) $(-> $result)? {
                // Not all of SSE2's is unsafe on x86-64.
                #[allow(unused_unsafe)]
                // SAFETY: the caller of a method of `Vector` vouches for the CPU features and the pointers.
                unsafe {
                    $body
                }
            }
        )+
    };
}
pub(super) use operations;

/// The functions of a kernel: the same code, compiled for some CPU features.
macro_rules! functions {
    ($vector:ty, $($feature:literal),+) => {
        pub(super) const FUNCTIONS: $crate::kernel::Functions = $crate::kernel::Functions { nv12, i420, bgrx };
        functions!(@one nv12, Nv12, $($feature),+; |pair, coefficients| x86::convert::<$vector, true>(pair, coefficients));
        functions!(@one i420, I420, $($feature),+; |pair, coefficients| x86::convert::<$vector, false>(pair, coefficients));
        functions!(@one bgrx, Bgrx, $($feature),+; |pair, _coefficients| $crate::kernel::bgrx::copy(pair));
    };
    (@one $name:ident, $format:ident, $($feature:literal),+; |$pair:ident, $coefficients:ident| $convert:expr) => {
        /// Safety: see [`super::PairFn`].
        $(#[target_feature(enable = $feature)])+
        unsafe fn $name(
            pair: $crate::kernel::RowPair,
            $coefficients: &$crate::matrix::Coefficients,
            blocks: usize,
            tile: usize,
            changed: &mut [u64],
        ) {
            $crate::kernel::drive::drive(pair, $crate::Format::$format, blocks, tile, changed, |$pair| {
                // SAFETY: the caller vouches for all of the blocks and for the features.
                unsafe { $convert }
            });
        }
    };
}
pub(super) use functions;
