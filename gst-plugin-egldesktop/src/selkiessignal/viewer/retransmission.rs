//! Which packets are sent again when a browser asks. Pure.
//!
//! A browser asks for each packet that it misses until it has it. That repairs losses; but when the network has become
//! slower than the stream, all that did not fit is asked for again and again, and fills the network with frames whose time
//! is over. So repairs get a share of what the network carries, and the rest is left to the next keyframe.

use std::collections::VecDeque;
use std::time::Duration;

/// Share of the estimate, and for how many seconds of it repairs may come at once.
const SHARE: f64 = 0.3;
const BURST: f64 = 0.5;
/// A packet that was sent again just now is still on its way.
const AGAIN: Duration = Duration::from_millis(60);
/// A keyframe needs this time to arrive.
const KEYFRAME_AGAIN: Duration = Duration::from_millis(500);
/// Every packet counts as this many bytes: large ones are what fills a network.
const PACKET: f64 = 1200.0;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    /// Bytes sent again beyond what the share has allowed since.
    owed: f64,
    last: Duration,
    recent: VecDeque<(Duration, u32)>,
    /// Packets were refused that the browser waits for, in vain.
    broken: bool,
    last_keyframe: Option<Duration>,
}

impl Repairs {
    /// Whether to send this packet again; `estimate` is what the network carries, in bit/s.
    pub(super) fn allow(&mut self, now: Duration, seqnum: u32, estimate: u64) -> bool {
        let rate = estimate as f64 / 8.0 * SHARE;
        self.owed = (self.owed - now.saturating_sub(self.last).as_secs_f64() * rate).max(0.0);
        self.last = now;
        while self.recent.front().is_some_and(|(sent, _)| *sent + AGAIN <= now) {
            self.recent.pop_front();
        }
        let on_its_way = self.recent.iter().any(|(_, known)| *known == seqnum);
        if on_its_way {
            return false;
        }
        if self.owed + PACKET > (rate * BURST).max(PACKET) {
            self.broken = true;
            return false;
        }
        self.owed += PACKET;
        self.recent.push_back((now, seqnum));
        true
    }

    /// Whether only a keyframe helps: something was refused, and browsers wait three seconds before they ask.
    pub(super) fn needs_keyframe(&mut self, now: Duration) -> bool {
        let wait = self.last_keyframe.is_some_and(|last| now < last + KEYFRAME_AGAIN);
        let needed = !wait && std::mem::take(&mut self.broken);
        if needed {
            self.last_keyframe = Some(now);
        }
        needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_repaired_and_floods_are_not() {
        let mut repairs = Repairs::default();
        // Five per cent of the packets of 4 Mbit/s.
        let lost = (0..200).map(|number| Duration::from_millis(number * 50));
        assert!(lost.clone().enumerate().all(|(seqnum, at)| repairs.allow(at, seqnum as u32, 4_000_000)));

        let mut repairs = Repairs::default();
        let flood =
            (0..10_000_u32).filter(|seqnum| repairs.allow(Duration::from_millis((*seqnum).into()), *seqnum, 1_000_000));
        let bits = flood.count() * 1200 * 8;
        assert!((2_500_000..3_200_000).contains(&bits), "{bits} in ten seconds");
        assert!(repairs.needs_keyframe(Duration::from_secs(10)));
        assert!(!repairs.needs_keyframe(Duration::from_secs(20)));
    }

    #[test]
    fn a_packet_on_its_way_is_not_sent_again() {
        let mut repairs = Repairs::default();
        assert!(repairs.allow(Duration::ZERO, 1, 1_000_000));
        assert!(!repairs.allow(AGAIN / 2, 1, 1_000_000));
        assert!(repairs.allow(AGAIN, 1, 1_000_000));
    }
}
