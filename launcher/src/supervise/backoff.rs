//! How long to wait before something that ended is started again, and when to give up.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
/// Whoever lived this long did not fail at its start.
const HEALTHY: Duration = Duration::from_secs(60);

/// Doubles with every quick end, and starts anew after a long life.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Self {
        Self(SHORTEST)
    }

    /// The wait after a life of this length.
    pub(crate) fn after(&mut self, lived: Duration) -> Duration {
        if lived >= HEALTHY {
            self.0 = SHORTEST;
        }
        let wait = self.0;
        self.0 = (self.0 * 2).min(LONGEST);
        wait
    }
}

/// So many ends within this time are not bad luck.
const WINDOW: Duration = Duration::from_secs(120);
const MOST: usize = 6;

/// Counts the ends of what a desktop cannot do without.
#[derive(Debug, Default)]
pub(crate) struct Limit(VecDeque<Instant>);

impl Limit {
    /// Notes an end at this time; false where there have been too many, and whoever started us had better know.
    pub(crate) fn allows(&mut self, now: Instant) -> bool {
        self.0.push_back(now);
        while self.0.front().is_some_and(|first| now.duration_since(*first) >= WINDOW) {
            self.0.pop_front();
        }
        self.0.len() < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_limit_and_forgets_after_a_long_life() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..8).map(|_| backoff.after(Duration::from_secs(1)).as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(backoff.after(HEALTHY), SHORTEST);
        assert_eq!(backoff.after(Duration::ZERO), 2 * SHORTEST);
    }

    #[test]
    fn it_gives_up_after_many_ends_in_a_short_time_only() {
        let start = Instant::now();
        let mut often = Limit::default();
        let allowed: Vec<_> = (0..6).map(|second| often.allows(start + Duration::from_secs(second))).collect();
        assert_eq!(allowed, [true, true, true, true, true, false]);
        let mut seldom = Limit::default();
        assert!((0..100).all(|count| seldom.allows(start + count * WINDOW / 5)));
    }
}
