//! What the way to one viewer carries, from its transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-01).

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::delay::BaseDelay;

/// A queue of this length that never empties is congestion, in seconds. Above what schedulers of radio networks hold
/// back, far below what a person notices.
const STANDING: f64 = 0.025;
/// How much has to have been sent before it says something about the link: fewer packets, or all in one burst, are the
/// desktop's silence and not the network's limit.
const MIN_PACKETS: usize = 8;
const MIN_SPAN: Duration = Duration::from_millis(60);
/// Over how much sending a decision looks back.
const WINDOW: Duration = Duration::from_millis(200);
/// A picture is sent at once. Where so many of its packets…
const BURST_PACKETS: usize = 5;
const BURST_SPAN: Duration = Duration::from_millis(5);
/// …arrive one after the other, the last so late, in seconds…
const BURST_LATE: f64 = 0.05;
/// …evenly, no gap being more than this share of the time…
const BURST_GAP: f64 = 0.5;
/// …and no faster than this share of the estimate, the link has become slower: that is known before the queue has stood for
/// a while.
const BURST_SHARE: f64 = 0.7;
/// What is used of it at first: the queue is to be worked off.
const BURST_AFTER: f64 = 0.6;
/// The share of what arrived that is used after congestion: the rest keeps the queue empty.
const AFTER_CONGESTION: f64 = 0.9;
/// In how many seconds a queue is to be worked off.
const DRAIN: f64 = 0.5;
/// Growth per second while all of the estimate is used.
const GROWTH: f64 = 0.08;
/// What counts as "all".
const USED: f64 = 0.7;

/// Above this share of lost packets the rate falls; below, they are sent again.
const LOSS: f64 = 0.1;
/// And above this one nothing comes through, at whatever rate.
const OUTAGE: f64 = 0.9;
/// Over how many packets, at least, and how long losses are counted.
const LOSS_PACKETS: u32 = 20;
const LOSS_SPAN: Duration = Duration::from_millis(300);

/// A probe sends this many times the estimate…
const PROBE_FACTOR: f64 = 2.0;
/// …for this many seconds, but some packets at least: fewer measure the clock.
const PROBE_SECONDS: f64 = 0.015;
const PROBE_MIN_BYTES: f64 = 6000.0;
/// From one probe to the next: after one that found more, and after ones that did not (it doubles up to the second).
const PROBE_AGAIN: Duration = Duration::from_millis(300);
const PROBE_PAUSE: RangeInclusive<Duration> = Duration::from_millis(750)..=Duration::from_secs(3);
/// Packets that are sent within this time of a probe are part of it.
const PROBE_SLACK: Duration = Duration::from_millis(10);
/// A probe that nothing is heard of is given up.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// What is known about a packet that was sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Report {
    /// By our clock.
    pub(in super::super) sent: Duration,
    /// By the viewer's clock; `None` when it did not arrive.
    pub(in super::super) arrived: Option<Duration>,
    /// In bytes.
    pub(in super::super) size: u32,
}

/// See the module.
#[derive(Debug)]
pub(in super::super) struct Estimator {
    /// bit/s
    limits: RangeInclusive<f64>,
    /// bit/s
    estimate: f64,
    base: BaseDelay,
    /// What arrived lately: time of sending, of arrival, and size.
    recent: VecDeque<Arrival>,
    /// Packets sent before this time went out at a rate that has been given up.
    judge_from: Duration,
    /// What arrived while the queue stood, in bit/s.
    congestion: Option<f64>,
    losses: Losses,
    last_judged: Duration,
    probe: Option<Probe>,
    next_probe: Duration,
    probe_pause: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Arrival {
    sent: Duration,
    arrived: Duration,
    size: u32,
}

#[derive(Debug, Default)]
struct Losses {
    since: Option<Duration>,
    lost: u32,
    all: u32,
}

#[derive(Debug)]
struct Probe {
    start: Duration,
    /// bit/s
    rate: f64,
    arrivals: Vec<Arrival>,
    lost: usize,
}

impl Estimator {
    /// Holds the estimate, which begins with `start`, within `limits`; both in bit/s.
    pub(in super::super) fn new(limits: RangeInclusive<u64>, start: u64) -> Self {
        let limits = *limits.start() as f64..=*limits.end() as f64;
        Self {
            estimate: (start as f64).clamp(*limits.start(), *limits.end()),
            limits,
            base: BaseDelay::default(),
            recent: VecDeque::new(),
            judge_from: Duration::ZERO,
            congestion: None,
            losses: Losses::default(),
            last_judged: Duration::ZERO,
            probe: None,
            next_probe: Duration::ZERO,
            probe_pause: *PROBE_PAUSE.start(),
        }
    }

    /// What may be sent, in bit/s.
    pub(in super::super) fn estimate(&self) -> u64 {
        self.estimate as u64
    }

    /// Other limits from now on, in bit/s.
    pub(in super::super) fn set_limits(&mut self, limits: RangeInclusive<u64>) {
        self.limits = *limits.start() as f64..=*limits.end() as f64;
        self.set(self.estimate);
    }

    /// Takes what the viewer says about packets, in the order in which they were sent. Returns whether the estimate
    /// has changed.
    pub(in super::super) fn feedback(&mut self, now: Duration, reports: &[Report]) -> bool {
        let before = self.estimate();
        for report in reports {
            let loss = self.losses.add(report);
            if let Some(loss) = loss.filter(|loss| (LOSS..OUTAGE).contains(loss)) {
                // But what has arrived can be carried.
                let carried = rate(self.recent.iter().map(|arrival| (arrival.arrived, arrival.size))).unwrap_or(0.0);
                let least = (carried / 2.0).min(self.estimate);
                self.set((self.estimate * (1.0 - loss / 2.0)).max(least));
                self.start_over(now);
            }
            self.probe_report(report);
            let Some(arrived) = report.arrived else { continue };
            let arrival = Arrival { sent: report.sent, arrived, size: report.size };
            self.base.add(report.sent, arrival.delay());
            if report.sent >= self.judge_from {
                self.recent.push_back(arrival);
            }
        }
        self.finish_probe(now);
        self.forget();
        self.judge(now);
        self.estimate() != before
    }

    /// How many bytes to send beside what there is, at once, to learn whether the link carries more; `None` when that
    /// is not asked now. To be called when there is something to send: silence is not disturbed.
    pub(in super::super) fn probe(&mut self, now: Duration) -> Option<usize> {
        self.probe.take_if(|probe| probe.start + PROBE_LIMIT < now);
        let wanted = self.estimate < *self.limits.end() * 0.98;
        if !wanted
            || self.probe.is_some()
            || now < self.next_probe
            || self.congestion.is_some()
            || self.base.get().is_none()
        {
            return None;
        }
        let bytes = (self.estimate * PROBE_FACTOR * PROBE_SECONDS / 8.0).max(PROBE_MIN_BYTES);
        let rate = self.estimate * PROBE_FACTOR;
        self.probe = Some(Probe { start: now, rate, arrivals: Vec::new(), lost: 0 });
        self.next_probe = now + self.probe_pause;
        Some(bytes as usize)
    }

    fn set(&mut self, estimate: f64) {
        self.estimate = estimate.clamp(*self.limits.start(), *self.limits.end());
    }

    /// What was sent until now says nothing about the new rate.
    fn start_over(&mut self, now: Duration) {
        self.recent.clear();
        self.judge_from = now;
    }

    /// Keeps the last [`WINDOW`], and more where that has few packets.
    fn forget(&mut self) {
        let Some(last) = self.recent.back().map(|arrival| arrival.sent) else { return };
        let old = |age: Duration, first: &Arrival| first.sent + age < last;
        while self
            .recent
            .front()
            .is_some_and(|first| old(WINDOW, first) && self.recent.len() > MIN_PACKETS * 2 || old(WINDOW * 3, first))
        {
            self.recent.pop_front();
        }
    }

    fn judge(&mut self, now: Duration) {
        let elapsed = now.saturating_sub(self.last_judged).as_secs_f64().min(WINDOW.as_secs_f64());
        let (Some(first), Some(last), Some(base)) = (self.recent.front(), self.recent.back(), self.base.get()) else {
            return;
        };
        let span = last.sent.saturating_sub(first.sent);
        if self.recent.len() < MIN_PACKETS || span < MIN_SPAN {
            return;
        }
        self.last_judged = now;
        let standing = self.recent.iter().map(|arrival| arrival.delay() - base).fold(f64::INFINITY, f64::min);
        let Some(arriving) = rate(self.recent.iter().map(|arrival| (arrival.arrived, arrival.size))) else { return };

        if let Some(carried) = self.burst(base).filter(|carried| *carried < self.estimate * BURST_SHARE) {
            self.congestion = Some(carried);
            self.set(carried * BURST_AFTER);
            self.start_over(now);
            self.next_probe = now + *PROBE_PAUSE.start();
        } else if standing > STANDING {
            // While the queue stands, the link is never idle: what arrives is what it carries.
            self.congestion = Some(arriving);
            let share = (AFTER_CONGESTION - standing / DRAIN).max(0.5);
            self.set(self.estimate.min(arriving * share));
            self.start_over(now);
            self.next_probe = now + *PROBE_PAUSE.start();
        } else if let Some(carried) = self.congestion.take_if(|_| standing < STANDING / 2.0) {
            self.set(self.estimate.max(carried * AFTER_CONGESTION));
        } else if self.congestion.is_none() {
            let sending = rate(self.recent.iter().map(|arrival| (arrival.sent, arrival.size)));
            if sending.is_some_and(|sending| sending > self.estimate * USED) {
                self.set(self.estimate * (1.0 + GROWTH * elapsed));
            }
        }
    }

    /// What the link carries, in bit/s, by the last picture that was held up.
    fn burst(&self, base: f64) -> Option<f64> {
        let last = self.recent.back().filter(|last| last.delay() - base > BURST_LATE)?;
        let start = last.sent.saturating_sub(BURST_SPAN);
        let burst = self.recent.iter().rev().take_while(|arrival| arrival.sent >= start);
        let (count, first) = burst.clone().fold((0, last), |(count, _), arrival| (count + 1, arrival));
        let between = |from: &Arrival, to: &Arrival| to.arrived.saturating_sub(from.arrived).as_secs_f64();
        let gaps = burst.clone().zip(burst.clone().skip(1)).map(|(later, earlier)| between(earlier, later));
        let is_even = gaps.fold(0.0, f64::max) <= between(first, last) * BURST_GAP;
        (count >= BURST_PACKETS && is_even).then(|| rate(burst.map(|arrival| (arrival.arrived, arrival.size))))?
    }

    fn probe_report(&mut self, report: &Report) {
        let Some(probe) = &mut self.probe else { return };
        if report.sent < probe.start || report.sent > probe.start + PROBE_SLACK {
            return;
        }
        match report.arrived {
            Some(arrived) => probe.arrivals.push(Arrival { sent: report.sent, arrived, size: report.size }),
            None => probe.lost += 1,
        }
    }

    /// Looks at the probe once feedback has gone past it.
    fn finish_probe(&mut self, now: Duration) {
        let newest = self.recent.back().map_or(Duration::ZERO, |arrival| arrival.sent);
        let done = |probe: &Probe| newest > probe.start + PROBE_SLACK || probe.start + PROBE_LIMIT / 4 < now;
        let Some(probe) = self.probe.take_if(|probe| !probe.arrivals.is_empty() && done(probe)) else { return };
        let arriving = rate(probe.arrivals.iter().map(|arrival| (arrival.arrived, arrival.size)));
        let whole = probe.arrivals.len() >= 4 && probe.lost * 10 <= probe.arrivals.len();
        // Faster than it was sent is a burst that something on the way has held back.
        let found = arriving.filter(|_| whole).map_or(0.0, |arriving| arriving.min(probe.rate) * AFTER_CONGESTION);
        if found > self.estimate {
            self.set(found);
        }
        if found >= probe.rate * AFTER_CONGESTION * 0.9 {
            self.probe_pause = *PROBE_PAUSE.start();
            self.next_probe = now + PROBE_AGAIN;
        } else {
            self.probe_pause = (self.probe_pause * 2).min(*PROBE_PAUSE.end());
            self.next_probe = now + self.probe_pause;
        }
    }
}

impl Arrival {
    /// On the way, in seconds, beside a constant that the two clocks differ by.
    fn delay(&self) -> f64 {
        self.arrived.as_secs_f64() - self.sent.as_secs_f64()
    }
}

impl Losses {
    /// The share that was lost, when enough has been counted.
    fn add(&mut self, report: &Report) -> Option<f64> {
        let since = *self.since.get_or_insert(report.sent);
        self.all += 1;
        self.lost += u32::from(report.arrived.is_none());
        if self.all < LOSS_PACKETS || report.sent.saturating_sub(since) < LOSS_SPAN {
            return None;
        }
        let share = f64::from(self.lost) / f64::from(self.all);
        *self = Self::default();
        Some(share)
    }
}

/// bit/s of packets that passed at these times. The first only starts the clock; `None` when all passed at once.
fn rate(packets: impl Iterator<Item = (Duration, u32)>) -> Option<f64> {
    let mut bytes = 0_u64;
    let mut bounds: Option<(Duration, Duration)> = None;
    for (at, size) in packets {
        match &mut bounds {
            Some((start, end)) => {
                bytes += u64::from(size);
                *start = at.min(*start);
                *end = at.max(*end);
            }
            None => bounds = Some((at, at)),
        }
    }
    let (start, end) = bounds?;
    // The resolution of the feedback: 250 µs.
    let seconds = end.saturating_sub(start).as_secs_f64().max(0.000_25);
    (bytes > 0).then(|| bytes as f64 * 8.0 / seconds)
}
