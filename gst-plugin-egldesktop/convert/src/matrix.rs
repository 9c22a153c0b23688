//! RGB to YCbCr in fixed point.
//!
//! 15 and 14 fractional bits are the most for which 16-bit multipliers (`pmaddwd` and its kin) do: what is left of the
//! rounding of the coefficients is below 0.02 of a step, so a result is the correctly rounded one but for near ties.
//! 8-bit multipliers would be faster in cache, but are off by up to 0.85, and there the memory is the limit anyway.

/// Fractional bits of the luma coefficients.
pub const LUMA_BITS: u32 = 15;
/// Fractional bits of the chroma sums: 14 of the coefficient and two because four pixels are added up.
pub const CHROMA_BITS: u32 = 16;

/// What an all-zero picture has for luma, and the rounding.
pub const LUMA_OFFSET: i32 = (16 << LUMA_BITS) + (1 << (LUMA_BITS - 1));
/// The middle of the chroma range, and the rounding.
pub const CHROMA_OFFSET: i32 = (128 << CHROMA_BITS) + (1 << (CHROMA_BITS - 1));

/// How colours become luma and chroma.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Matrix {
    /// ITU-R BT.709, luma 16 to 235: what every decoder assumes of HD video.
    #[default]
    Bt709Limited,
    /// ITU-R BT.601, luma 16 to 235.
    Bt601Limited,
}

/// The share of each channel, in memory order of a BGRx pixel.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the fields are the channels")]
pub struct Weights {
    pub blue: i16,
    pub green: i16,
    pub red: i16,
}

/// What is added up for luma (of one pixel) and for the two colour differences (of four pixels). All converters compute
/// `(offset + blue * weight + green * weight + red * weight) >> bits`, so all of them write the same bytes.
#[derive(Debug, Clone, Copy)]
pub struct Coefficients {
    /// With [`LUMA_BITS`] and [`LUMA_OFFSET`].
    pub luma: Weights,
    /// With [`CHROMA_BITS`] and [`CHROMA_OFFSET`].
    pub cb: Weights,
    /// As above.
    pub cr: Weights,
}

impl Matrix {
    /// The matrix in fixed point.
    #[must_use]
    pub const fn coefficients(self) -> Coefficients {
        const BT709: Coefficients = Coefficients::limited(0.2126, 0.0722);
        const BT601: Coefficients = Coefficients::limited(0.299, 0.114);
        match self {
            Self::Bt709Limited => BT709,
            Self::Bt601Limited => BT601,
        }
    }
}

impl Coefficients {
    /// From the luma shares of red and blue, as the standards define a matrix.
    const fn limited(red: f64, blue: f64) -> Self {
        const LUMA: f64 = 219.0 / 255.0 * (1_u32 << LUMA_BITS) as f64;
        const CHROMA: f64 = 224.0 / 255.0 * (1_u32 << (CHROMA_BITS - 2)) as f64;
        Self {
            luma: Weights::summing_to(fixed(LUMA), fixed(blue * LUMA), fixed(red * LUMA)),
            cb: Weights::summing_to(0, fixed(0.5 * CHROMA), fixed(-0.5 * red / (1.0 - blue) * CHROMA)),
            cr: Weights::summing_to(0, fixed(-0.5 * blue / (1.0 - red) * CHROMA), fixed(0.5 * CHROMA)),
        }
    }
}

impl Weights {
    /// Green takes what rounding leaves over, so that greys have no colour at all and white is exactly white.
    const fn summing_to(sum: i16, blue: i16, red: i16) -> Self {
        Self { blue, green: sum - blue - red, red }
    }
}

const fn fixed(value: f64) -> i16 {
    value.round() as i16
}
