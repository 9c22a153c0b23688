//! What a TCP connection to one viewer carries, from what the viewer says it has got; and how much may be on its way. Pure.
//!
//! TCP loses nothing: what the network does not carry waits, in our socket or in a router, and everything after it is as
//! late. So little is handed to it at a time, and what has no room is not sent at all. Frames depend on each other: what is
//! left out is everything up to the next keyframe, which is asked for when the way is free again. That is the emergency; the
//! rule is that the encoder makes what the connection carries, as [`super::estimator`] has it for WebRTC: a queue that stands
//! is congestion, silence says nothing.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

/// How long the queue may become, in seconds: a keyframe has to fit.
const ALLOWED: f64 = 0.3;
/// But this much may always be on its way, in bytes: the way starts with an estimate that may be far too low.
const LEAST_ROOM: f64 = 48.0 * 1024.0;
/// A keyframe is asked for once in this time.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// Over how much time a decision looks back, at least.
const ROUND: Duration = Duration::from_millis(150);
/// A queue of this length that never empties is congestion, in seconds. TCP sends lost segments again, and what is behind
/// them waits: more than for WebRTC.
const STANDING: f64 = 0.05;
/// How many frames say something about the connection.
const MIN_FRAMES: u32 = 3;
/// The share of what arrived that is used after congestion, less what works off the queue.
const AFTER_CONGESTION: f64 = 0.92;
/// In how many seconds the queue is to be worked off.
const DRAIN: f64 = 1.0;
/// What counts as using all of the estimate.
const USED: f64 = 0.6;
/// Growth per second while all is used: until the first congestion, and after it.
const START_GROWTH: f64 = 2.0;
const GROWTH: f64 = 0.1;
/// Each second without congestion it is larger by this.
const ACCELERATION: f64 = 0.08;
/// How long the shortest round trip counts: routes change.
const BASE_SPAN: Duration = Duration::from_secs(20);

/// What becomes of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Verdict {
    /// It goes.
    Send,
    /// It does not.
    Drop,
    /// It does not, and a keyframe is to be asked for: there is room again.
    DropAndAsk,
}

/// What follows from a receipt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Outcome {
    /// The estimate has another value.
    pub(in super::super) changed: bool,
    /// A keyframe is to be asked for: frames were left out, and there is room again.
    pub(in super::super) ask: bool,
}

/// See the module.
#[derive(Debug)]
pub(in super::super) struct Flow {
    /// bit/s
    limits: RangeInclusive<f64>,
    /// bit/s
    estimate: f64,
    /// What is on its way, in order.
    flying: VecDeque<Flying>,
    /// Bytes of it.
    in_flight: u64,
    next_sequence: u32,
    base: Base,
    round: Round,
    /// Frames sent before this went out at a rate that has been given up.
    judge_from: Duration,
    /// Since when there was no congestion, after the first one.
    calm_since: Option<Duration>,
    last_round_trip: Option<Duration>,
    /// The next keyframe is waited for.
    closed: bool,
    asked: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
struct Flying {
    size: u32,
    sent: Duration,
}

/// What happens between two decisions.
#[derive(Debug, Default)]
struct Round {
    start: Duration,
    sent: u64,
    received: u64,
    frames: u32,
    /// The shortest queue, in seconds.
    queue: Option<f64>,
}

/// The shortest round trip of the last time, as two spans of which the older one is forgotten whole.
#[derive(Debug, Default)]
struct Base {
    since: Duration,
    now: Option<Duration>,
    before: Option<Duration>,
}

impl Flow {
    /// Holds the estimate, which begins with `start`, within `limits`; both in bit/s.
    pub(in super::super) fn new(limits: RangeInclusive<u64>, start: u64) -> Self {
        let limits = *limits.start() as f64..=*limits.end() as f64;
        Self {
            estimate: (start as f64).clamp(*limits.start(), *limits.end()),
            limits,
            flying: VecDeque::new(),
            in_flight: 0,
            next_sequence: 0,
            base: Base::default(),
            round: Round::default(),
            judge_from: Duration::ZERO,
            calm_since: None,
            last_round_trip: None,
            closed: false,
            asked: None,
        }
    }

    /// Other limits, in bit/s.
    pub(in super::super) fn set_limits(&mut self, limits: RangeInclusive<u64>) {
        self.limits = *limits.start() as f64..=*limits.end() as f64;
        self.estimate = self.estimate.clamp(*self.limits.start(), *self.limits.end());
    }

    /// What the connection carries, in bit/s.
    pub(in super::super) fn estimate(&self) -> u64 {
        self.estimate as u64
    }

    /// Of the last frame that the viewer has got.
    pub(in super::super) fn round_trip(&self) -> Option<Duration> {
        self.last_round_trip
    }

    /// Bytes that the viewer has not said it has got.
    pub(in super::super) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Decides about a picture of this size in bytes.
    pub(in super::super) fn admit(&mut self, now: Duration, size: usize, is_keyframe: bool) -> Verdict {
        let room = self.room();
        let in_flight = self.in_flight as f64;
        let passes = match self.closed {
            true => is_keyframe && in_flight <= room / 4.0,
            // One that never fits goes when the way is free.
            false => in_flight + size as f64 <= room || self.in_flight == 0,
        };
        self.closed = !passes;
        match passes {
            true => Verdict::Send,
            false if self.may_ask(now) => Verdict::DropAndAsk,
            false => Verdict::Drop,
        }
    }

    /// Decides about sound, which is little, and of which each packet is whole.
    pub(in super::super) fn admit_sound(&self, size: usize) -> bool {
        (self.in_flight + size as u64) as f64 <= 2.0 * self.room()
    }

    /// Something goes out now; returns its sequence number.
    pub(in super::super) fn send(&mut self, now: Duration, size: usize) -> u32 {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        self.flying.push_back(Flying { size, sent: now });
        self.in_flight += u64::from(size);
        self.round.sent += u64::from(size);
        sequence
    }

    /// The viewer has got everything up to this sequence number. One that was not sent, or was told before, says nothing.
    pub(in super::super) fn received(&mut self, now: Duration, sequence: u32) -> Outcome {
        let first = self.next_sequence.wrapping_sub(self.flying.len() as u32);
        let count = sequence.wrapping_sub(first) as usize + 1;
        if count > self.flying.len() {
            return Outcome::default();
        }
        let mut last = None;
        for flying in self.flying.drain(..count) {
            self.in_flight -= u64::from(flying.size);
            self.round.received += u64::from(flying.size);
            last = Some(flying);
        }
        let Some(last) = last else { return Outcome::default() };
        let round_trip = now.saturating_sub(last.sent);
        self.last_round_trip = Some(round_trip);
        self.base.add(now, round_trip);
        if last.sent >= self.judge_from {
            // What a frame takes for its size is no queue.
            let own = f64::from(last.size) * 8.0 / self.estimate;
            let queue = (round_trip.as_secs_f64() - self.base.get().as_secs_f64() - own).max(0.0);
            self.round.queue = Some(self.round.queue.map_or(queue, |shortest| shortest.min(queue)));
            self.round.frames += 1;
        }
        Outcome { changed: self.judge(now), ask: self.closed && self.may_ask(now) }
    }

    /// Whether the next keyframe is waited for.
    pub(in super::super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How much may be on its way, in bytes.
    fn room(&self) -> f64 {
        (self.estimate / 8.0 * (self.base.get().as_secs_f64() + ALLOWED)).max(LEAST_ROOM)
    }

    fn may_ask(&mut self, now: Duration) -> bool {
        let may = self.in_flight as f64 <= self.room() / 8.0 && self.asked.is_none_or(|asked| now >= asked + ASK_AGAIN);
        if may {
            self.asked = Some(now);
        }
        may
    }

    /// Once in a round.
    fn judge(&mut self, now: Duration) -> bool {
        let elapsed = now.saturating_sub(self.round.start);
        if elapsed < ROUND.max(self.base.get()) {
            return false;
        }
        let round = std::mem::replace(&mut self.round, Round { start: now, ..Round::default() });
        // A desktop that was silent for long: the time before the first frame is none of the network's.
        let seconds = elapsed.as_secs_f64();
        let before = self.estimate;
        let standing = round.queue.filter(|queue| *queue > STANDING && round.frames >= MIN_FRAMES);
        if let Some(queue) = standing {
            let carried = round.received as f64 * 8.0 / seconds;
            let share = AFTER_CONGESTION - (queue / DRAIN).min(0.5);
            self.estimate = self.estimate.min(carried * share.max(0.4));
            self.judge_from = now;
            self.calm_since = Some(now);
        } else if round.sent as f64 * 8.0 / seconds >= USED * self.estimate {
            let growth = match self.calm_since {
                None => START_GROWTH,
                Some(since) => GROWTH + ACCELERATION * now.saturating_sub(since).as_secs_f64(),
            };
            self.estimate *= 1.0 + growth.min(START_GROWTH) * seconds.min(0.5);
        }
        self.estimate = self.estimate.clamp(*self.limits.start(), *self.limits.end());
        self.estimate != before
    }
}

impl Base {
    fn add(&mut self, now: Duration, round_trip: Duration) {
        if now.saturating_sub(self.since) > BASE_SPAN {
            self.before = self.now.take();
            self.since = now;
        }
        self.now = Some(self.now.map_or(round_trip, |shortest| shortest.min(round_trip)));
    }

    fn get(&self) -> Duration {
        self.now.into_iter().chain(self.before).min().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: u64 = 1_000_000;
    const FRAME: Duration = Duration::from_nanos(16_666_667);

    /// A desktop, a connection that loses nothing, and a viewer, in simulated time.
    struct Session {
        flow: Flow,
        /// bit/s
        rate: u64,
        /// One way.
        delay: Duration,
        now: Duration,
        free_at: Duration,
        /// When receipts are here, and what they say.
        receipts: VecDeque<(Duration, u32)>,
        keyframe_due: bool,
        /// The viewer says nothing.
        silent: bool,
        worst: Duration,
        dropped: u32,
        sent: u64,
    }

    impl Session {
        fn new(rate: u64) -> Self {
            Self {
                flow: Flow::new(MBIT / 10..=8 * MBIT, 4 * MBIT),
                rate,
                delay: Duration::from_millis(25),
                now: Duration::from_secs(1000),
                free_at: Duration::ZERO,
                receipts: VecDeque::new(),
                keyframe_due: true,
                silent: false,
                worst: Duration::ZERO,
                dropped: 0,
                sent: 0,
            }
        }

        /// Frames of this size, as the estimate has it; 0 for none.
        fn run(&mut self, seconds: u64, size: impl Fn(u64, u64) -> u64) {
            let end = self.now + Duration::from_secs(seconds);
            let mut number = 0;
            while self.now < end {
                while let Some((at, sequence)) =
                    self.receipts.front().copied().filter(|(at, _)| *at <= self.now && !self.silent)
                {
                    self.receipts.pop_front();
                    self.keyframe_due |= self.flow.received(at, sequence).ask;
                }
                let mut size = size(number, self.flow.estimate()) as usize;
                if size > 0 {
                    let keyframe = std::mem::take(&mut self.keyframe_due);
                    size *= if keyframe { 6 } else { 1 };
                    match self.flow.admit(self.now, size, keyframe) {
                        Verdict::Send => self.send(size),
                        Verdict::Drop => self.dropped += 1,
                        Verdict::DropAndAsk => (self.dropped, self.keyframe_due) = (self.dropped + 1, true),
                    }
                }
                number += 1;
                self.now += FRAME;
            }
        }

        fn send(&mut self, size: usize) {
            let sequence = self.flow.send(self.now, size);
            self.free_at = self.free_at.max(self.now) + Duration::from_secs_f64(size as f64 * 8.0 / self.rate as f64);
            self.sent += size as u64;
            self.worst = self.worst.max(self.free_at + self.delay - self.now);
            self.receipts.push_back((self.free_at + self.delay * 2, sequence));
        }

        fn motion(&mut self, seconds: u64) {
            self.run(seconds, |_, estimate| estimate / 60 / 8);
        }
    }

    #[test]
    fn finds_what_a_connection_carries_and_keeps_its_queue_short() {
        for rate in [MBIT / 2, MBIT, 2 * MBIT, 3 * MBIT, 6 * MBIT] {
            let mut session = Session::new(rate);
            session.motion(10);
            (session.worst, session.sent, session.dropped) = (Duration::ZERO, 0, 0);
            session.motion(20);
            let used = session.sent * 8 / 20;
            assert!(used > rate * 7 / 10, "{used} of {rate}");
            assert!(session.worst < Duration::from_millis(330), "{rate}: {:?}", session.worst);
            assert!(session.dropped < 60, "{rate}: {} dropped", session.dropped);
        }
    }

    #[test]
    fn reaches_the_limit_where_nothing_stands_in_the_way() {
        let mut session = Session::new(100 * MBIT);
        session.motion(2);
        assert_eq!((session.flow.estimate(), session.dropped), (8 * MBIT, 0));
    }

    #[test]
    fn silence_and_typing_cost_nothing() {
        let mut session = Session::new(20 * MBIT);
        session.motion(3);
        session.run(60, |number, _| if number % 60 == 0 { 300 } else { 0 });
        session.run(20, |number, _| if number % 8 == 0 { 4000 } else { 0 });
        assert_eq!((session.flow.estimate(), session.dropped), (8 * MBIT, 0));
    }

    #[test]
    fn follows_a_connection_that_changes() {
        let mut session = Session::new(6 * MBIT);
        session.motion(10);
        session.rate = MBIT;
        session.motion(5);
        session.worst = Duration::ZERO;
        session.motion(5);
        assert!(session.flow.estimate() < MBIT * 11 / 10, "{}", session.flow.estimate());
        assert!(session.worst < Duration::from_millis(500), "{:?}", session.worst);
        session.rate = 6 * MBIT;
        session.motion(10);
        assert!(session.flow.estimate() > 3 * MBIT, "{}", session.flow.estimate());
    }

    #[test]
    fn a_viewer_that_stops_reading_is_bounded_and_comes_back_with_a_keyframe() {
        let mut session = Session::new(8 * MBIT);
        session.motion(3);
        session.silent = true;
        session.run(60, |_, _| 16_000);
        let bound = 8 * MBIT / 8;
        assert!(session.flow.in_flight() < bound, "{}", session.flow.in_flight());
        assert!(session.flow.is_closed() && session.dropped > 3000);
        // It reads on: nothing but a keyframe goes out, and that is asked for.
        let last = session.flow.next_sequence.wrapping_sub(1);
        assert_eq!(session.flow.admit(session.now, 1000, true), Verdict::Drop);
        assert!(session.flow.received(session.now, last).ask);
        assert_eq!(session.flow.admit(session.now, 1000, false), Verdict::Drop);
        assert_eq!(session.flow.admit(session.now, 60_000, true), Verdict::Send);
        assert!(!session.flow.is_closed());
    }

    #[test]
    fn receipts_that_make_no_sense_say_nothing() {
        let mut flow = Flow::new(MBIT..=2 * MBIT, 9 * MBIT);
        assert_eq!(flow.estimate(), 2 * MBIT);
        assert_eq!(flow.received(Duration::ZERO, 0), Outcome::default());
        for _ in 0..3 {
            flow.send(Duration::from_secs(5), 1000);
        }
        for bad in [3, 4, u32::MAX, 1 << 31] {
            flow.received(Duration::from_secs(5), bad);
            assert_eq!(flow.in_flight(), 3000, "{bad}");
        }
        // Before it was sent.
        flow.received(Duration::ZERO, 1);
        flow.received(Duration::from_secs(9), 1);
        assert_eq!(flow.in_flight(), 1000);
        assert!((MBIT..=2 * MBIT).contains(&flow.estimate()));
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut flow = Flow::new(MBIT..=2 * MBIT, MBIT);
        flow.next_sequence = u32::MAX;
        assert_eq!(flow.send(Duration::ZERO, 10), u32::MAX);
        assert_eq!(flow.send(Duration::ZERO, 10), 0);
        flow.received(Duration::from_secs(1), 0);
        assert_eq!(flow.in_flight(), 0);
    }
}
