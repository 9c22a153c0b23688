//! 512 bits: four lanes, and `vpdpwssd` for the sums.

use std::arch::x86_64::*;

use super::x86::{self, Vector, functions, operations};
use crate::matrix::LUMA_BITS;

functions!(__m512i, "avx512f", "avx512bw", "avx512vnni");

impl Vector for __m512i {
    const BYTES: usize = 64;

    operations! {
        fn load(from: *const u8) -> Self {
            _mm512_loadu_si512(from.cast())
        }

        fn store(self, to: *mut u8) {
            _mm512_storeu_si512(to.cast(), self)
        }

        fn load_halves(low: *const u8, high: *const u8) -> Self {
            _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256(low.cast())), _mm256_loadu_si256(high.cast()), 1)
        }

        fn store_halves(self, low: *mut u8, high: *mut u8) {
            _mm256_storeu_si256(low.cast(), _mm512_castsi512_si256(self));
            _mm256_storeu_si256(high.cast(), _mm512_extracti64x4_epi64(self, 1));
        }

        fn splat32(value: i32) -> Self {
            _mm512_set1_epi32(value)
        }

        fn and(self, other: Self) -> Self {
            _mm512_and_si512(self, other)
        }

        fn upper_bytes(self) -> Self {
            _mm512_srli_epi16(self, 8)
        }

        fn add16(self, other: Self) -> Self {
            _mm512_add_epi16(self, other)
        }

        fn add_products(self, pairs: Self, weights: Self) -> Self {
            _mm512_dpwssd_epi32(self, pairs, weights)
        }

        fn add_neighbours(self, other: Self) -> Self {
            let (a, b) = (_mm512_castsi512_ps(self), _mm512_castsi512_ps(other));
            let even = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0b10_00_10_00));
            let odd = _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0b11_01_11_01));
            _mm512_add_epi16(even, odd)
        }

        fn luma_to_integer(self) -> Self {
            _mm512_srli_epi32(self, LUMA_BITS)
        }

        fn upper_halves(self, other: Self) -> Self {
            _mm512_mask_mov_epi16(_mm512_srli_epi32(self, 16), 0xAAAA_AAAA, other)
        }

        fn narrow32(self, other: Self) -> Self {
            _mm512_packs_epi32(self, other)
        }

        fn narrow16(self, other: Self) -> Self {
            _mm512_packus_epi16(self, other)
        }

        fn transpose(self) -> Self {
            let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
            _mm512_permutexvar_epi32(order, self)
        }

        fn transpose_halves(self) -> Self {
            _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), self)
        }

        fn differ(new: [Self; 3], old: [Self; 3]) -> bool {
            let a = _mm512_xor_si512(new[0], old[0]);
            let b = _mm512_xor_si512(new[1], old[1]);
            let c = _mm512_xor_si512(new[2], old[2]);
            // All of them ORed in one instruction.
            _mm512_test_epi32_mask(_mm512_ternarylogic_epi32(a, b, c, 0xFE), _mm512_set1_epi32(!0)) != 0
        }
    }
}
