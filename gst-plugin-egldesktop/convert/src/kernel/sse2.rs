//! 128 bits: one lane, in which nothing is out of order.

use std::arch::x86_64::*;

use super::x86::{self, Vector, functions, operations};
use crate::matrix::LUMA_BITS;

functions!(__m128i, "sse2");

impl Vector for __m128i {
    const BYTES: usize = 16;

    operations! {
        fn load(from: *const u8) -> Self {
            _mm_loadu_si128(from.cast())
        }

        fn store(self, to: *mut u8) {
            _mm_storeu_si128(to.cast(), self)
        }

        fn load_halves(low: *const u8, high: *const u8) -> Self {
            _mm_unpacklo_epi64(_mm_loadl_epi64(low.cast()), _mm_loadl_epi64(high.cast()))
        }

        fn store_halves(self, low: *mut u8, high: *mut u8) {
            _mm_storel_epi64(low.cast(), self);
            _mm_storel_epi64(high.cast(), _mm_unpackhi_epi64(self, self));
        }

        fn splat32(value: i32) -> Self {
            _mm_set1_epi32(value)
        }

        fn and(self, other: Self) -> Self {
            _mm_and_si128(self, other)
        }

        fn upper_bytes(self) -> Self {
            _mm_srli_epi16(self, 8)
        }

        fn add16(self, other: Self) -> Self {
            _mm_add_epi16(self, other)
        }

        fn add_products(self, pairs: Self, weights: Self) -> Self {
            _mm_add_epi32(self, _mm_madd_epi16(pairs, weights))
        }

        fn add_neighbours(self, other: Self) -> Self {
            let (a, b) = (_mm_castsi128_ps(self), _mm_castsi128_ps(other));
            let even = _mm_castps_si128(_mm_shuffle_ps(a, b, 0b10_00_10_00));
            let odd = _mm_castps_si128(_mm_shuffle_ps(a, b, 0b11_01_11_01));
            _mm_add_epi16(even, odd)
        }

        fn luma_to_integer(self) -> Self {
            _mm_srli_epi32(self, LUMA_BITS as i32)
        }

        fn upper_halves(self, other: Self) -> Self {
            _mm_or_si128(_mm_srli_epi32(self, 16), _mm_and_si128(other, _mm_set1_epi32(!0xFFFF)))
        }

        fn narrow32(self, other: Self) -> Self {
            _mm_packs_epi32(self, other)
        }

        fn narrow16(self, other: Self) -> Self {
            _mm_packus_epi16(self, other)
        }

        fn transpose(self) -> Self {
            self
        }

        fn transpose_halves(self) -> Self {
            self
        }

        fn differ(new: [Self; 3], old: [Self; 3]) -> bool {
            let a = _mm_cmpeq_epi8(new[0], old[0]);
            let b = _mm_cmpeq_epi8(new[1], old[1]);
            let c = _mm_cmpeq_epi8(new[2], old[2]);
            _mm_movemask_epi8(_mm_and_si128(_mm_and_si128(a, b), c)) != 0xFFFF
        }
    }
}
