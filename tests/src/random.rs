//! A small generator, so that a failing sequence can be played again.

/// Starts from a seed, which a test prints.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below the limit, which is not 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(limit)) as u32
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u32) as usize]
    }
}
