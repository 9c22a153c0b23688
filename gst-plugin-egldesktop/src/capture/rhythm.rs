//! Of how many operations the pictures that clients draw are, and how often they come. Pure.
//!
//! - A picture of many operations is not there with the first of them.
//! - One that is drawn at once, as games and players do, is. But they may draw faster than pictures are taken: then the
//!   time at which the frame rate allows one falls anywhere between two of theirs, and often into one, so what is taken is
//!   torn or as old as a whole period. Right after a drawing it is neither, and there is the most time until the next.

use std::time::Duration;

/// So far apart are drawings of different pictures.
const APART: Duration = Duration::from_millis(3);
/// After such a pause it may be somebody else who draws.
const PAUSE: Duration = Duration::from_millis(100);
/// So many pictures drawn at once in a row, and the next is taken for one too.
const MEMORY: u32 = 30;
/// How late the next may be, in periods.
const PATIENCE: f64 = 1.25;

/// The times of the drawings, by the X server's clock.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    last: Option<u32>,
    /// The last two times from one to the next.
    gaps: [Duration; 2],
    /// For how many pictures more operations are to be expected than are known.
    composed: u32,
}

impl Rhythm {
    /// Something was drawn at `time`, milliseconds of the X server, which wrap.
    pub(super) fn drawn(&mut self, time: u32) {
        let gap = self.last.replace(time).map(|last| Duration::from_millis(time.wrapping_sub(last).into()));
        self.composed = match gap {
            Some(gap) if gap < APART => MEMORY,
            Some(gap) if gap < PAUSE => self.composed,
            _ => self.composed.max(1),
        };
        self.gaps = [self.gaps[1], gap.unwrap_or_default()];
    }

    /// A picture was taken.
    pub(super) fn taken(&mut self) {
        self.composed = self.composed.saturating_sub(1);
    }

    /// Whether more may belong to the picture than what is known to be drawn.
    pub(super) fn is_composed(&self) -> bool {
        self.composed > 0
    }

    /// How long it is worth waiting for the next drawing: at most `limit`, beyond which it is not.
    pub(super) fn patience(&self, limit: Duration) -> Option<Duration> {
        let patience = self.gaps[0].max(self.gaps[1]).mul_f64(PATIENCE);
        (self.gaps.iter().all(|gap| *gap >= APART) && patience <= limit).then_some(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(10);

    /// A picture is taken after each drawing.
    fn after(times: &[u32]) -> Rhythm {
        let mut rhythm = Rhythm::default();
        for &time in times {
            rhythm.drawn(time);
            rhythm.taken();
        }
        rhythm
    }

    fn patience(times: &[u32]) -> Option<u128> {
        after(times).patience(LIMIT).map(|patience| patience.as_micros())
    }

    #[test]
    fn who_draws_often_is_waited_for() {
        assert_eq!(patience(&[0, 7, 14]), Some(8750));
        assert_eq!(patience(&[u32::MAX - 10, u32::MAX - 3, 3]), Some(8750), "the clock wraps");
    }

    #[test]
    fn nobody_else_is() {
        assert_eq!(patience(&[]), None);
        assert_eq!(patience(&[0, 7]), None, "twice is no rhythm");
        assert_eq!(patience(&[0, 16, 32]), None, "at the rate of the pictures");
        assert_eq!(patience(&[0, 7, 100]), None, "after a pause");
        assert_eq!(patience(&[0, 0, 1, 7, 7, 8]), None, "pictures of several operations");
    }

    #[test]
    fn pictures_of_several_operations_are_known_by_them() {
        let mut rhythm = Rhythm::default();
        rhythm.drawn(0);
        assert!(rhythm.is_composed(), "who knows");
        rhythm.taken();
        rhythm.drawn(16);
        assert!(!rhythm.is_composed(), "the first was one");
        rhythm.drawn(17);
        assert!(rhythm.is_composed(), "but this is not");
        for picture in 0..MEMORY {
            assert!(rhythm.is_composed());
            rhythm.taken();
            rhythm.drawn(33 + 16 * picture);
        }
        assert!(!rhythm.is_composed(), "so many were");
        rhythm.drawn(5000);
        assert!(rhythm.is_composed(), "after a pause");
    }
}
