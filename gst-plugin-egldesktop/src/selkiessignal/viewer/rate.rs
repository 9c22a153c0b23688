//! How many messages of one viewer are read, and how many wait for it. Whoever sends more than any hand can, or takes nothing
//! of what it is told, costs no more than others. The time comes from the caller.

use std::time::{Duration, Instant};

/// Messages in a second that are read; a mouse that reports a thousand times, and four gamepads, have half of that.
const RATE: u32 = 5000;
/// Messages that may come at once: the pieces of a large clipboard.
const BURST: u32 = 20_000;
/// Bytes that may wait for a viewer. What it is told is state: a newer message says all that the older ones did.
pub(super) const MAX_BACKLOG: u64 = 4 << 20;

/// A generic cell rate algorithm (ITU-T I.371): one time instead of a counter and a clock.
#[derive(Debug)]
pub(super) struct Rate {
    /// When the messages that were read would have come at exactly the rate.
    expected: Instant,
}

impl Rate {
    pub(super) fn new(now: Instant) -> Self {
        Self { expected: now }
    }

    /// Whether a message that comes now is read.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / RATE as u64);
        let next = self.expected.max(now) + INTERVAL;
        let admitted = next.duration_since(now) <= INTERVAL * BURST;
        if admitted {
            self.expected = next;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_held_to_the_rate_and_hands_are_not() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        let admitted = (0..1_000_000u32).filter(|_| rate.admits(start)).count();
        assert_eq!(admitted, BURST as usize);
        // The next second has its own, and no more.
        let later = start + Duration::from_secs(1);
        let admitted = (0..1_000_000u32).filter(|_| rate.admits(later)).count();
        assert_eq!(admitted, RATE as usize);
        let mut rate = Rate::new(start);
        assert!((0..100_000).all(|number| rate.admits(start + Duration::from_micros(500) * number)));
    }
}
