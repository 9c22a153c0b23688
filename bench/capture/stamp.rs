//! When a frame was drawn, written into the frame: 64 pixels, black or white, one for each bit.
//!
//! That survives a conversion to any format, because the first component tells white from black in all of them. It does
//! not survive a video encoder.

use rustix::time::{ClockId, clock_gettime};

/// Pixels in a row of a stamp.
pub(crate) const WIDTH: u16 = 64;
/// Rows: as many as share a sample of colour in 4:2:0, so that the samples around stay black and white.
pub(crate) const HEIGHT: u16 = 2;

const TIME_BITS: u32 = 40;
const SEQUENCE_BITS: u32 = 16;

/// When a frame was drawn, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Microseconds of CLOCK_MONOTONIC, which all processes share; wraps after twelve days.
    micros: u64,
    sequence: u16,
}

impl Stamp {
    /// The stamp of a frame that is drawn now.
    pub(crate) fn now(sequence: u16) -> Self {
        Self { micros: micros(), sequence }
    }

    /// Microseconds since then.
    pub(crate) fn age(self) -> u64 {
        micros().wrapping_sub(self.micros) & mask(TIME_BITS)
    }

    /// How many frames later than another one this was drawn.
    pub(crate) fn frames_since(self, earlier: Self) -> u64 {
        self.sequence.wrapping_sub(earlier.sequence).into()
    }

    /// BGRx, [`HEIGHT`] rows of [`WIDTH`] pixels.
    pub(crate) fn pixels(self) -> Vec<u8> {
        let word = self.word();
        let row = (0..WIDTH).flat_map(|bit| [if word >> bit & 1 == 1 { 0xff } else { 0 }; 4]);
        row.collect::<Vec<u8>>().repeat(HEIGHT.into())
    }

    /// Reads a row of samples that are `step` bytes apart; `None` where no stamp is.
    pub(crate) fn read(row: &[u8], step: usize) -> Option<Self> {
        let word = (0..WIDTH).try_fold(0, |word: u64, bit| {
            let sample = row.get(usize::from(bit) * step)?;
            Some(word | u64::from(*sample >= 0x80) << bit)
        })?;
        let stamp = Self {
            micros: word & mask(TIME_BITS),
            sequence: (word >> TIME_BITS & mask(SEQUENCE_BITS)).try_into().ok()?,
        };
        (stamp.word() == word).then_some(stamp)
    }

    fn word(self) -> u64 {
        let word = self.micros | u64::from(self.sequence) << TIME_BITS;
        // So that neither a black screen nor half a stamp is taken for one.
        let check = word.to_le_bytes().into_iter().fold(0xa5u8, |check, byte| check.rotate_left(3) ^ byte);
        word | u64::from(check) << (TIME_BITS + SEQUENCE_BITS)
    }
}

fn mask(bits: u32) -> u64 {
    (1 << bits) - 1
}

fn micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    (now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000) & mask(TIME_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        for (micros, sequence) in [(0, 0), (1, 65535), (mask(TIME_BITS), 1), (0x12_3456_789a, 0x5aa5)] {
            let stamp = Stamp { micros, sequence };
            let pixels = stamp.pixels();
            assert_eq!(pixels.len(), 4 * 64 * 2);
            assert_eq!(Stamp::read(&pixels, 4), Some(stamp));
            // As luma of limited range.
            let luma: Vec<u8> = pixels.iter().step_by(4).map(|&pixel| if pixel == 0 { 16 } else { 235 }).collect();
            assert_eq!(Stamp::read(&luma, 1), Some(stamp));
        }
    }

    #[test]
    fn what_is_no_stamp_is_none() {
        assert_eq!(Stamp::read(&[0; 64], 1), None);
        assert_eq!(Stamp::read(&[0xff; 64], 1), None);
        assert_eq!(Stamp::read(&[0; 63], 1), None);
        let mut pixels = Stamp { micros: 5, sequence: 5 }.pixels();
        pixels[4] ^= 0xff;
        assert_eq!(Stamp::read(&pixels, 4), None);
    }

    #[test]
    fn numbers_and_times_wrap() {
        let (old, new) = (Stamp { micros: 0, sequence: 65535 }, Stamp { micros: 0, sequence: 2 });
        assert_eq!(new.frames_since(old), 3);
        let future = Stamp { micros: (micros() + 1) & mask(TIME_BITS), sequence: 0 };
        assert!(future.age() > 1 << 39 || future.age() < 1000);
    }
}
