//! What a viewer gets whose network carries less than the stream: as much as fits, in whole pictures. Pure.
//!
//! The encoder follows another viewer's network, and frames depend on each other; so what does not fit is left out up to
//! the next keyframe, and that is asked for when there is room again. Left to the network, all would be late or lost, and
//! each loss would ask for a keyframe, which all viewers pay for.

use std::time::Duration;

use crate::selkiessignal::congestion::Verdict;

/// How much may be on its way, in seconds: a keyframe has to fit.
const ALLOWED: f64 = 0.5;
/// A keyframe is asked for once in this time.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Bytes on their way, as far as the estimate tells.
    queued: f64,
    last: Duration,
    /// The next keyframe is waited for.
    closed: bool,
    asked: Option<Duration>,
}

impl Gate {
    /// Decides about a frame of this size in bytes; `estimate` is what the network carries, in bit/s.
    pub(super) fn admit(&mut self, now: Duration, size: usize, is_keyframe: bool, estimate: u64) -> Verdict {
        let rate = estimate as f64 / 8.0;
        self.queued = (self.queued - now.saturating_sub(self.last).as_secs_f64() * rate).max(0.0);
        self.last = now;
        let room = rate * ALLOWED;
        let passes = match self.closed {
            true => is_keyframe && self.queued <= room / 2.0,
            // A frame that never fits goes when the way is free.
            false => self.queued + size as f64 <= room || self.queued <= 0.0,
        };
        self.closed = !passes;
        if passes {
            self.queued += size as f64;
            return Verdict::Send;
        }
        if self.queued > room / 4.0 || self.asked.is_some_and(|asked| now < asked + ASK_AGAIN) {
            return Verdict::Drop;
        }
        self.asked = Some(now);
        Verdict::DropAndAsk
    }

    /// Whether the next keyframe is waited for.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(16);

    /// Bytes sent, and keyframes asked for, in ten seconds of a stream of 8 Mbit/s.
    fn run(estimate: u64) -> (usize, usize) {
        let (mut gate, mut now, mut keyframe) = (Gate::default(), Duration::ZERO, true);
        let (mut sent, mut asked) = (0, 0);
        while now < Duration::from_secs(10) {
            let size = if keyframe { 60_000 } else { 16_000 };
            let verdict = gate.admit(now, size, keyframe, estimate);
            keyframe = verdict == Verdict::DropAndAsk;
            asked += usize::from(keyframe);
            sent += if verdict == Verdict::Send { size } else { 0 };
            now += FRAME;
        }
        (sent, asked)
    }

    #[test]
    fn who_is_fast_enough_gets_everything() {
        assert_eq!(run(10_000_000), (60_000 + 624 * 16_000, 0));
    }

    #[test]
    fn who_is_slow_gets_what_fits_and_asks_seldom() {
        let (sent, asked) = run(1_000_000);
        assert!((600_000..1_400_000).contains(&sent), "{sent}");
        assert!((5..30).contains(&asked), "{asked}");
    }

    #[test]
    fn after_a_gap_only_a_keyframe_goes_out() {
        let mut gate = Gate::default();
        let mut now = Duration::ZERO;
        while gate.admit(now, 16_000, false, 1_000_000) == Verdict::Send {
            now += FRAME;
        }
        assert!(gate.is_closed());
        now += Duration::from_secs(9);
        assert_eq!(gate.admit(now, 16_000, false, 1_000_000), Verdict::DropAndAsk);
        assert_eq!(gate.admit(now, 16_000, false, 1_000_000), Verdict::Drop);
        assert_eq!(gate.admit(now, 500_000, true, 1_000_000), Verdict::Send);
        assert!(!gate.is_closed());
    }
}
