//! How long a message takes to the viewer, measured as Selkies' server does it: half of the time from `ping` to `pong`.
//!
//! Clients answer with a time of their own clock, or with ours; neither is needed.

use std::time::{Duration, Instant};

/// Who has not answered by then will not: a client may have had no ears yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ping that waits for its answer. One at a time: an answer does not say which one it is for.
#[derive(Debug, Default)]
pub(super) struct Ping(Option<Instant>);

impl Ping {
    /// Whether another one may go out.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.0.is_none_or(|sent| now.duration_since(sent) > PATIENCE)
    }

    /// It has gone out.
    pub(super) fn sent(&mut self, now: Instant) {
        self.0 = Some(now);
    }

    /// The answer is there; returns half of the time that it took. `None` where nothing was asked.
    pub(super) fn answered(&mut self, now: Instant) -> Option<Duration> {
        self.0.take().map(|sent| now.duration_since(sent) / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_half_of_its_time() {
        let (mut ping, start) = (Ping::default(), Instant::now());
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        assert_eq!(ping.answered(start), None);
        assert!(ping.is_due(start));
        ping.sent(start);
        assert!(!ping.is_due(after(1000)));
        assert_eq!(ping.answered(after(1500)), Some(Duration::from_millis(750)));
        assert_eq!(ping.answered(after(1501)), None);
        assert!(ping.is_due(after(2000)));
    }

    #[test]
    fn an_answer_that_never_comes_is_given_up() {
        let (mut ping, start) = (Ping::default(), Instant::now());
        ping.sent(start);
        assert!(ping.is_due(start + PATIENCE + Duration::from_secs(1)));
    }
}
