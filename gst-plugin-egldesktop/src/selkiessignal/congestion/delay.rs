//! The delay of a way without its queues: the smallest of the last seconds.

use std::collections::VecDeque;
use std::time::Duration;

/// A queue that stands for longer than this was not made by us, and has to be lived with. It also follows clocks that
/// drift apart.
const MEMORY: Duration = Duration::from_secs(10);
const SLOT: Duration = Duration::from_secs(1);

/// Smallest value of the last [`MEMORY`], in seconds; the two clocks have no common zero, so it has any sign.
#[derive(Debug, Default)]
pub(super) struct BaseDelay {
    /// Start of each slot and its smallest delay.
    slots: VecDeque<(Duration, f64)>,
}

impl BaseDelay {
    /// Takes the delay of a packet sent at this time.
    pub(super) fn add(&mut self, sent: Duration, delay: f64) {
        match self.slots.back_mut() {
            Some((start, least)) if sent < *start + SLOT => *least = least.min(delay),
            _ => self.slots.push_back((sent, delay)),
        }
        while self.slots.len() > 1 && self.slots.front().is_some_and(|(start, _)| *start + MEMORY < sent) {
            self.slots.pop_front();
        }
    }

    /// The smallest, if there is any.
    pub(super) fn get(&self) -> Option<f64> {
        self.slots.iter().map(|(_, least)| *least).reduce(f64::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_for_ten_seconds_and_survives_silence() {
        let mut base = BaseDelay::default();
        assert_eq!(base.get(), None);
        for second in 0..30 {
            let delay = if second == 5 { 1.0 } else { 2.0 };
            base.add(Duration::from_secs(second), delay);
            let expected = if (5..=15).contains(&second) { 1.0 } else { 2.0 };
            assert_eq!(base.get(), Some(expected), "{second}");
        }
        base.add(Duration::from_secs(1000), 9.0);
        assert_eq!(base.get(), Some(9.0));
    }
}
