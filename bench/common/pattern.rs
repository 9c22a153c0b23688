//! What moves: a picture that an encoder finds natural.

/// Some rows of a picture, four bytes a pixel (blue, green, red, nothing): slow waves and a fine grain, so that every
/// pixel changes when it moves and an encoder finds something to do.
pub fn pattern(width: u16, top: u16, rows: u16) -> Vec<u8> {
    let mut grain = Random::new(u64::from(top) + 1);
    let mut pixel = |x: u16, y: u16| {
        let wave = |length: f32, at: u16| 100.0 + 90.0 * (f32::from(at) / length).sin();
        let noise = (grain.next() & 15) as f32;
        let blue = wave(37.0, x) + noise;
        let green = (wave(53.0, x) + wave(41.0, y)) / 2.0 + noise;
        [blue as u8, green as u8, (wave(29.0, y) + noise) as u8, 0]
    };
    (top..top + rows).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y)).collect()
}

/// Xorshift: the same load each time, from no crate.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts with this, which must not be zero.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    #[expect(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Less than `end`.
    pub fn below(&mut self, end: u16) -> u16 {
        (self.next() % u64::from(end)) as u16
    }

    /// Between 0 and 1.
    pub fn fraction(&mut self) -> f64 {
        self.next() as f64 / u64::MAX as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pattern_has_the_size_that_is_asked() {
        assert_eq!(pattern(576, 32, 3).len(), 576 * 3 * 4);
    }

    #[test]
    fn a_moved_pattern_changes_nearly_everywhere() {
        let row = pattern(576, 0, 1);
        let differ = (0..320).filter(|x| row[x * 4..x * 4 + 3] != row[(x + 7) * 4..(x + 7) * 4 + 3]).count();
        assert!(differ > 310, "{differ}");
    }

    #[test]
    fn random_numbers_stay_below_the_end() {
        let mut random = Random::new(1);
        assert!((0..1000).all(|_| random.below(7) < 7 && (0.0..=1.0).contains(&random.fraction())));
    }
}
