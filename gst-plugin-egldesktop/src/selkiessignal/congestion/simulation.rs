//! A link and a desktop to try the law on, in simulated time.

use std::collections::VecDeque;
use std::time::Duration;

use super::estimator::{Estimator, Report};

const PACKET: u32 = 1200;
/// As Chromium sends it.
const FEEDBACK: Duration = Duration::from_millis(100);
const FRAME: Duration = Duration::from_nanos(16_666_667);

/// A bottleneck with a queue of 300 ms in front of it.
pub(super) struct Link {
    /// bit/s
    pub(super) rate: u64,
    /// One way.
    pub(super) delay: Duration,
    /// At most this much more delay, for all of a frame.
    pub(super) jitter: Duration,
    /// Share of packets.
    pub(super) loss: f64,
    /// Bytes that have arrived.
    pub(super) delivered: u64,
    pub(super) worst_queue: Duration,
    /// Packets that found the queue full.
    pub(super) dropped: u32,
    free_at: Duration,
    random: u64,
}

impl Link {
    pub(super) fn of(rate: u64) -> Self {
        Self {
            rate,
            delay: Duration::from_millis(20),
            jitter: Duration::ZERO,
            loss: 0.0,
            delivered: 0,
            worst_queue: Duration::ZERO,
            dropped: 0,
            free_at: Duration::ZERO,
            random: 1,
        }
    }

    /// When a packet arrives that is sent now, if it does.
    fn send(&mut self, now: Duration, size: u32, late: Duration) -> Option<Duration> {
        let queue = self.free_at.saturating_sub(now);
        if queue > Duration::from_millis(300) {
            self.dropped += 1;
            return None;
        }
        if self.random() < self.loss {
            return None;
        }
        self.worst_queue = self.worst_queue.max(queue);
        self.free_at = now + queue + Duration::from_secs_f64(f64::from(size) * 8.0 / self.rate as f64);
        self.delivered += u64::from(size);
        Some(self.free_at + self.delay + late)
    }

    /// From 0 to 1; xorshift, so that each run is the same.
    fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % 10_000) as f64 / 10_000.0
    }
}

/// A desktop, its viewer, and the law between them.
pub(super) struct Session {
    pub(super) estimator: Estimator,
    pub(super) link: Link,
    now: Duration,
    /// Sent, and not yet reported.
    flying: VecDeque<Report>,
    next_feedback: Duration,
    pub(super) feedback_each: Duration,
    /// For so long nothing passes behind the third packet of the next picture.
    pub(super) stall: Option<Duration>,
}

impl Session {
    pub(super) fn new(estimator: Estimator, link: Link) -> Self {
        // The viewer's clock has another zero, but that is the delay's affair.
        Self {
            estimator,
            link,
            now: Duration::from_secs(1000),
            flying: VecDeque::new(),
            next_feedback: Duration::ZERO,
            feedback_each: FEEDBACK,
            stall: None,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    /// Everything moves: an encoder at constant bitrate, 60 frames a second.
    pub(super) fn motion(&mut self, duration: Duration) {
        self.run(duration, |_, target| (target / 60 / 8) as u32);
    }

    /// One small frame a second.
    pub(super) fn silence(&mut self, duration: Duration) {
        self.run(duration, |frame, _| if frame % 60 == 0 { 300 } else { 0 });
    }

    /// Eight changes a second, each with a few packets.
    pub(super) fn typing(&mut self, duration: Duration) {
        self.run(duration, |frame, _| if frame % 8 == 0 { 3 * PACKET } else { 0 });
    }

    fn run(&mut self, duration: Duration, frame_size: impl Fn(u64, u64) -> u32) {
        let end = self.now + duration;
        let mut frame = 0;
        while self.now < end {
            let size = frame_size(frame, self.estimator.estimate());
            if size > 0 {
                let late = self.link.jitter.mul_f64(self.link.random());
                self.send(size, late);
                if let Some(bytes) = self.estimator.probe(self.now) {
                    self.send(bytes as u32, late);
                }
            }
            frame += 1;
            self.now += FRAME;
            if self.now >= self.next_feedback {
                self.next_feedback = self.now + self.feedback_each;
                self.feedback();
            }
        }
    }

    fn send(&mut self, mut size: u32, late: Duration) {
        for number in 0.. {
            if size == 0 {
                break;
            }
            let packet = size.min(PACKET);
            size -= packet;
            if number == 3
                && let Some(stall) = self.stall.take()
            {
                self.link.free_at = self.link.free_at.max(self.now) + stall;
            }
            let arrived = self.link.send(self.now, packet, late);
            self.flying.push_back(Report { sent: self.now, arrived, size: packet });
        }
    }

    /// Tells what has arrived, as soon as the feedback is here too.
    fn feedback(&mut self) {
        let heard = self.now.saturating_sub(self.link.delay);
        let is_known = |report: &Report| report.arrived.map_or(report.sent + self.link.delay, |at| at) < heard;
        let known = self.flying.iter().take_while(|report| is_known(report)).count();
        let reports: Vec<_> = self.flying.drain(..known).collect();
        // Nothing that has arrived since: nothing to say. A gap is told with the next packet behind it.
        if reports.iter().any(|report| report.arrived.is_some()) {
            self.estimator.feedback(self.now, &reports);
        } else {
            reports.into_iter().rev().for_each(|report| self.flying.push_front(report));
        }
    }
}

mod tests {
    use super::*;

    const MBIT: u64 = 1_000_000;

    fn session(link: Link) -> Session {
        Session::new(Estimator::new(MBIT / 10..=8 * MBIT, 4 * MBIT), link)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[track_caller]
    fn assert_between(session: &Session, low: u64, high: u64) {
        let estimate = session.estimator.estimate();
        assert!((low..=high).contains(&estimate), "{estimate} after {:?}", session.now());
    }

    #[test]
    fn finds_what_a_link_carries_and_keeps_its_queue_short() {
        for rate in [MBIT / 2, MBIT, 2 * MBIT, 3 * MBIT, 6 * MBIT] {
            let mut session = session(Link::of(rate));
            session.motion(seconds(5));
            assert_between(&session, rate * 7 / 10, rate * 21 / 20);
            session.link.worst_queue = Duration::ZERO;
            let before = session.link.delivered;
            session.motion(seconds(20));
            assert!(session.link.worst_queue < Duration::from_millis(180), "{rate}: {:?}", session.link.worst_queue);
            let used = (session.link.delivered - before) * 8 / 20;
            assert!(used > rate * 8 / 10, "{used} of {rate}");
        }
    }

    #[test]
    fn reaches_the_limit_where_nothing_stands_in_the_way() {
        let mut session = session(Link::of(100 * MBIT));
        session.motion(seconds(2));
        assert_between(&session, 8 * MBIT * 98 / 100, 8 * MBIT);
    }

    #[test]
    fn follows_a_link_that_changes() {
        let mut session = session(Link::of(4 * MBIT));
        session.motion(seconds(10));
        assert_between(&session, 3 * MBIT, 4_200_000);
        session.link.rate = MBIT;
        session.motion(seconds(2));
        assert_between(&session, MBIT / 2, 1_050_000);
        session.motion(seconds(8));
        assert_between(&session, MBIT * 7 / 10, 1_050_000);
        session.link.rate = 4 * MBIT;
        session.motion(seconds(5));
        assert_between(&session, 2_800_000, 4_200_000);
    }

    /// As long as the queue takes what comes until the viewer has said so.
    #[test]
    fn little_is_lost_where_a_link_becomes_slower() {
        for feedback in [50, 100] {
            let mut session = session(Link::of(4 * MBIT));
            session.feedback_each = Duration::from_millis(feedback);
            session.motion(seconds(10));
            session.link.rate = MBIT;
            session.motion(seconds(5));
            assert!(session.link.dropped < 20, "{}", session.link.dropped);
            assert_between(&session, MBIT * 7 / 10, 1_050_000);
        }
    }

    #[test]
    fn pictures_that_are_held_up_in_their_middle_say_nothing() {
        let mut session = session(Link::of(20 * MBIT));
        session.motion(seconds(5));
        session.feedback_each = Duration::from_millis(10);
        session.stall = Some(Duration::from_millis(70));
        for _ in 0..30 {
            session.motion(Duration::from_millis(100));
            assert_between(&session, 7 * MBIT, 8 * MBIT);
        }
    }

    /// The case that GCC fails: a minute of nothing but keep-alives, some of them late.
    #[test]
    fn silence_costs_nothing_and_a_burst_after_it_has_the_former_rate() {
        let mut session = session(Link::of(20 * MBIT));
        session.motion(seconds(5));
        session.link.jitter = Duration::from_millis(60);
        session.silence(seconds(60));
        assert_between(&session, 7_800_000, 8 * MBIT);
        session.link.jitter = Duration::ZERO;
        let before = session.link.delivered;
        session.motion(seconds(2));
        let rate = (session.link.delivered - before) * 8 / 2;
        assert!(rate > 7 * MBIT, "{rate}");
    }

    #[test]
    fn typing_on_a_slow_link_is_no_congestion() {
        let mut session = session(Link::of(2 * MBIT));
        session.motion(seconds(8));
        let before = session.estimator.estimate();
        session.typing(seconds(30));
        assert_between(&session, before * 8 / 10, 2_200_000);
    }

    #[test]
    fn losses_are_no_congestion_until_they_are_many() {
        let mut session = session(Link::of(20 * MBIT));
        session.link.loss = 0.05;
        session.motion(seconds(10));
        assert_between(&session, 7 * MBIT, 8 * MBIT);
        session.link.loss = 0.3;
        session.motion(seconds(5));
        assert_between(&session, 0, 2 * MBIT);
    }

    #[test]
    fn an_outage_is_got_over() {
        let mut session = session(Link::of(20 * MBIT));
        session.motion(seconds(5));
        session.link.loss = 1.0;
        session.motion(seconds(2));
        session.link.loss = 0.0;
        session.motion(seconds(3));
        assert_between(&session, 7 * MBIT, 8 * MBIT);
    }

    #[test]
    fn a_queue_that_others_fill_does_not_starve_us() {
        let mut session = session(Link::of(20 * MBIT));
        session.motion(seconds(5));
        session.link.delay += Duration::from_millis(100);
        session.motion(seconds(20));
        assert_between(&session, 5 * MBIT, 8 * MBIT);
    }

    #[test]
    fn feedback_that_makes_no_sense_stays_within_the_limits() {
        let mut estimator = Estimator::new(MBIT..=2 * MBIT, 9 * MBIT);
        assert_eq!(estimator.estimate(), 2 * MBIT);
        let report = |sent, arrived| Report { sent, arrived, size: 1200 };
        let far = Duration::from_secs(1 << 40);
        for round in 0..50_u64 {
            let now = Duration::from_millis(round * 50);
            let reports = [report(now, Some(far)), report(far, Some(now)), report(now, None), report(now, Some(now))];
            estimator.feedback(now, &reports);
            estimator.probe(now);
            assert!((MBIT..=2 * MBIT).contains(&estimator.estimate()));
        }
    }
}
