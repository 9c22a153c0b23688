//! 256 bits: two lanes.

use std::arch::x86_64::*;

use super::x86::{self, Vector, functions, operations};
use crate::matrix::LUMA_BITS;

functions!(__m256i, "avx2");

impl Vector for __m256i {
    const BYTES: usize = 32;

    operations! {
        fn load(from: *const u8) -> Self {
            _mm256_loadu_si256(from.cast())
        }

        fn store(self, to: *mut u8) {
            _mm256_storeu_si256(to.cast(), self)
        }

        fn load_halves(low: *const u8, high: *const u8) -> Self {
            _mm256_loadu2_m128i(high.cast(), low.cast())
        }

        fn store_halves(self, low: *mut u8, high: *mut u8) {
            _mm256_storeu2_m128i(high.cast(), low.cast(), self)
        }

        fn splat32(value: i32) -> Self {
            _mm256_set1_epi32(value)
        }

        fn and(self, other: Self) -> Self {
            _mm256_and_si256(self, other)
        }

        fn upper_bytes(self) -> Self {
            _mm256_srli_epi16(self, 8)
        }

        fn add16(self, other: Self) -> Self {
            _mm256_add_epi16(self, other)
        }

        fn add_products(self, pairs: Self, weights: Self) -> Self {
            _mm256_add_epi32(self, _mm256_madd_epi16(pairs, weights))
        }

        fn add_neighbours(self, other: Self) -> Self {
            let (a, b) = (_mm256_castsi256_ps(self), _mm256_castsi256_ps(other));
            let even = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b10_00_10_00));
            let odd = _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0b11_01_11_01));
            _mm256_add_epi16(even, odd)
        }

        fn luma_to_integer(self) -> Self {
            _mm256_srli_epi32(self, LUMA_BITS as i32)
        }

        fn upper_halves(self, other: Self) -> Self {
            _mm256_blend_epi16(_mm256_srli_epi32(self, 16), other, 0b1010_1010)
        }

        fn narrow32(self, other: Self) -> Self {
            _mm256_packs_epi32(self, other)
        }

        fn narrow16(self, other: Self) -> Self {
            _mm256_packus_epi16(self, other)
        }

        fn transpose(self) -> Self {
            _mm256_permutevar8x32_epi32(self, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
        }

        fn transpose_halves(self) -> Self {
            _mm256_permute4x64_epi64(self, 0b11_01_10_00)
        }

        fn differ(new: [Self; 3], old: [Self; 3]) -> bool {
            let a = _mm256_xor_si256(new[0], old[0]);
            let b = _mm256_xor_si256(new[1], old[1]);
            let c = _mm256_xor_si256(new[2], old[2]);
            let difference = _mm256_or_si256(_mm256_or_si256(a, b), c);
            _mm256_testz_si256(difference, difference) == 0
        }
    }
}
