//! Two pictures, by their luma.

use anyhow::{Context as _, Result, anyhow};
use image_compare::prelude::GrayImage;
use image_compare::{Algorithm, gray_similarity_structure};

/// How alike two pictures are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Likeness {
    /// Mean structural similarity, of windows of 8×8 (Wang et al. 2004); 1 for the same.
    pub(crate) ssim: f64,
    /// In dB; infinite for the same.
    pub(crate) psnr: f64,
}

/// The luma of a picture, a byte a pixel.
#[derive(Debug, Clone)]
pub(crate) struct Luma(GrayImage);

impl Luma {
    /// Of rows without gaps.
    pub(crate) fn new(width: u32, height: u32, bytes: Vec<u8>) -> Result<Self> {
        GrayImage::from_raw(width, height, bytes).map(Self).context("a picture of another size")
    }

    /// Of what an X server has: blue, green, red, nothing. BT.709, limited range.
    pub(crate) fn of_screen(width: u32, height: u32, pixels: &[u8]) -> Result<Self> {
        let luma = |pixel: &[u8]| {
            let [blue, green, red] = [0, 1, 2].map(|index| pixel.get(index).copied().map_or(0.0, f64::from));
            (16.0 + (0.2126 * red + 0.7152 * green + 0.0722 * blue) * 219.0 / 255.0).round() as u8
        };
        Self::new(width, height, pixels.chunks_exact(4).map(luma).collect())
    }

    /// How much this one is like the other.
    pub(crate) fn likeness(&self, other: &Self) -> Result<Likeness> {
        let score = |algorithm| {
            let similarity = gray_similarity_structure(&algorithm, &self.0, &other.0);
            similarity.map(|it| it.score).map_err(|error| anyhow!("{error}"))
        };
        // The crate's score is 1 less the error as a share of 255.
        let error = 1.0 - score(Algorithm::RootMeanSquared)?;
        Ok(Likeness { ssim: score(Algorithm::MSSIMSimple)?, psnr: -20.0 * error.log10() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_alike_and_a_little_noise_is_less() {
        let even = Luma::new(16, 16, (0..=255).collect()).unwrap();
        let noisy = Luma::new(16, 16, (0..=255_u8).map(|it| it ^ 1).collect()).unwrap();
        assert_eq!(even.likeness(&even).unwrap(), Likeness { ssim: 1.0, psnr: f64::INFINITY });
        let likeness = even.likeness(&noisy).unwrap();
        // An error of 1 everywhere.
        assert!((likeness.psnr - 48.13).abs() < 0.01 && likeness.ssim < 1.0, "{likeness:?}");
    }

    #[test]
    fn black_and_white_are_16_and_235() {
        let luma = Luma::of_screen(2, 1, &[0, 0, 0, 0, 255, 255, 255, 0]).unwrap();
        assert_eq!(luma.0.as_raw(), &[16, 235]);
    }
}
