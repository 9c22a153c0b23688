//! When to take a picture, and when to send the last one again. Pure: time is an argument.
//!
//! - Damage is captured at once after a pause, and at most at the maximum rate while it goes on. The rate is kept by a
//!   GCRA (ITU-T I.371): "not sooner than one interval after the last one" beats against the client's own rate and
//!   adds up to a frame of delay, a leaky bucket with some tolerance does not.
//! - After the last change the picture is repeated a few times: a rate-controlled encoder needs some frames to bring a
//!   still picture to full quality. The more was drawn, the more it has to make up for, and the quicker they come.
//! - Then once a second, because browsers ask for a keyframe after three seconds of silence.

use std::time::{Duration, Instant};

/// How long a picture has to stand still before it is refined: longer than the pauses of somebody who types, whose every
/// key would cost a second frame.
const SETTLED: Duration = Duration::from_millis(200);
/// How often a picture that has stopped changing is sent again, and how quickly.
const REFINEMENTS: u32 = 10;
const REFINEMENT_INTERVAL: Duration = Duration::from_millis(60);
/// The same where much was drawn. Longer than the pauses of a film, whose every picture would cost a second frame.
const SETTLED_AFTER_MUCH: Duration = Duration::from_millis(60);
/// How many quick repeats a picture costs that is all new: with them, an encoder's buffer is full each time, and not once in
/// four times. Two intervals apart, so that what is drawn meanwhile finds the encoder free.
const QUICK_REFINEMENTS: f64 = 18.0;
const QUICK_INTERVALS: u32 = 2;
/// What a key draws is less than this part of the picture, and is sharp in its first frame.
const MUCH: f64 = 1.0 / 32.0;
/// Always below the three seconds after which libwebrtc asks for a keyframe.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// How long to wait while nobody watches; what ends that comes as an event.
const NOBODY: Duration = Duration::from_secs(3600);
/// Slightly above the nominal rate, so that a client that draws at exactly that rate never accumulates delay.
const INTERVAL_FACTOR: f64 = 0.97;
/// How early a frame may be, in intervals; absorbs the client's jitter.
const TOLERANCE: f64 = 0.6;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Take a picture.
    Capture,
    /// Send the last picture again.
    Repeat,
    /// Nothing before this time, unless something happens.
    Wait(Instant),
}

/// What there is a frame for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// For what was drawn, at the maximum rate at most.
    Damage,
    /// For each tick of the rate, whether or not something was drawn.
    Fixed,
}

/// Decides the times of the frames.
#[derive(Debug)]
pub(crate) struct Cadence {
    pace: Pace,
    interval: Duration,
    /// GCRA's theoretical arrival time of the next frame.
    arrival: Option<Instant>,
    last_sent: Option<Instant>,
    refinements_left: u32,
    /// Quick ones, which come before the others.
    owed: f64,
    /// The picture has been sent again since it changed.
    settled: bool,
    refresh: bool,
    idle: bool,
}

impl Cadence {
    /// `rate` is the highest number of frames per second.
    pub(crate) fn new(pace: Pace, rate: f64) -> Self {
        Self {
            pace,
            interval: interval(pace, rate),
            arrival: None,
            last_sent: None,
            refinements_left: 0,
            owed: 0.0,
            settled: false,
            refresh: false,
            idle: false,
        }
    }

    /// Changes the highest number of frames per second.
    pub(crate) fn set_rate(&mut self, rate: f64) {
        self.interval = interval(self.pace, rate);
    }

    /// Somebody needs a picture now, changed or not: a new viewer, a keyframe request.
    pub(crate) fn request_refresh(&mut self) {
        self.refresh = true;
    }

    /// Whether nobody watches: then there are no pictures but those that are asked for.
    pub(crate) fn set_idle(&mut self, idle: bool) {
        self.idle = idle;
    }

    /// By how much a picture may be late without the next being later for it.
    pub(crate) fn tolerance(&self) -> Duration {
        match self.pace {
            Pace::Damage => self.interval.mul_f64(TOLERANCE),
            Pace::Fixed => Duration::ZERO,
        }
    }

    /// What to do at `now`, given whether something was drawn since the last picture.
    pub(crate) fn step(&self, now: Instant, damaged: bool) -> Step {
        let Some(last_sent) = self.last_sent else { return Step::Capture };
        if self.idle && !self.refresh {
            return Step::Wait(now + NOBODY);
        }
        if self.pace == Pace::Fixed && !self.refresh {
            let due = self.arrival.unwrap_or(now);
            return if now >= due { Step::Capture } else { Step::Wait(due) };
        }
        if damaged && self.pace == Pace::Damage {
            let due = self.arrival.map_or(now, |arrival| arrival - self.tolerance());
            return if now >= due { Step::Capture } else { Step::Wait(due) };
        }
        if self.refresh {
            return Step::Repeat;
        }
        let silence = match (self.owed >= 1.0, self.settled) {
            (true, false) => SETTLED_AFTER_MUCH,
            (true, true) => self.interval * QUICK_INTERVALS,
            (false, false) => SETTLED,
            (false, true) if self.refinements_left == 0 => KEEP_ALIVE,
            (false, true) => REFINEMENT_INTERVAL,
        };
        let due = last_sent + silence;
        if now >= due { Step::Repeat } else { Step::Wait(due) }
    }

    /// The screen was looked at, and what was drawn there had changed nothing.
    pub(crate) fn looked(&mut self, now: Instant) {
        let on_time = match self.pace {
            Pace::Damage => self.arrival.map_or(now, |arrival| arrival.max(now)),
            // Late by less than a tick does not move the next ones; what was missed is not made up for.
            Pace::Fixed => self.arrival.filter(|arrival| now.duration_since(*arrival) < self.interval).unwrap_or(now),
        };
        self.arrival = Some(on_time + self.interval);
    }

    /// A new picture was sent, of which this part was drawn anew, 0 to 1.
    pub(crate) fn captured(&mut self, now: Instant, drawn: f64) {
        self.looked(now);
        self.last_sent = Some(now);
        self.refinements_left = REFINEMENTS;
        if drawn >= MUCH {
            self.owed = (self.owed + drawn * QUICK_REFINEMENTS).min(QUICK_REFINEMENTS);
        }
        self.settled = false;
        self.refresh = false;
    }

    /// The last picture was sent again.
    pub(crate) fn repeated(&mut self, now: Instant) {
        self.last_sent = Some(now);
        if self.owed >= 1.0 {
            self.owed -= 1.0;
        } else {
            self.refinements_left = self.refinements_left.saturating_sub(1);
        }
        self.settled = true;
        self.refresh = false;
    }
}

fn interval(pace: Pace, rate: f64) -> Duration {
    let factor = if pace == Pace::Damage { INTERVAL_FACTOR } else { 1.0 };
    Duration::from_secs_f64(factor / rate.clamp(0.1, 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays damage at the given times; returns when pictures were taken and when the last one was repeated.
    fn play(rate: f64, damage: impl IntoIterator<Item = f64>, until: f64) -> (Vec<f64>, Vec<f64>) {
        play_parts(rate, damage, until, 0.001)
    }

    /// The same with damage of this part of the picture each time.
    fn play_parts(rate: f64, damage: impl IntoIterator<Item = f64>, until: f64, part: f64) -> (Vec<f64>, Vec<f64>) {
        let start = Instant::now();
        let seconds = |time: Instant| time.duration_since(start).as_secs_f64();
        let mut damage: std::collections::VecDeque<f64> = damage.into_iter().collect();
        let (mut captures, mut repeats) = (Vec::new(), Vec::new());
        let mut cadence = Cadence::new(Pace::Damage, rate);
        let (mut now, mut damaged) = (start, false);
        while seconds(now) < until {
            while damage.front().is_some_and(|&time| time <= seconds(now)) {
                damage.pop_front();
                damaged = true;
            }
            match cadence.step(now, damaged) {
                Step::Capture => {
                    captures.push(seconds(now));
                    cadence.captured(now, part);
                    damaged = false;
                }
                Step::Repeat => {
                    repeats.push(seconds(now));
                    cadence.repeated(now);
                }
                Step::Wait(due) => {
                    assert!(due > now, "a wait must end in the future");
                    let next =
                        damage.front().map(|&time| start + Duration::from_secs_f64(time) + Duration::from_nanos(1));
                    // While damaged, more damage changes nothing.
                    now = match next {
                        Some(next) if !damaged && next < due => next,
                        _ => due,
                    };
                }
            }
        }
        (captures, repeats)
    }

    #[test]
    fn damage_after_a_pause_is_captured_at_once() {
        let (captures, _) = play(60.0, [5.0], 6.0);
        assert!((captures[1] - 5.0).abs() < 1e-6, "{captures:?}");
    }

    #[test]
    fn a_client_at_the_nominal_rate_loses_no_frame_and_waits_for_none() {
        let drawn: Vec<f64> = (1..=300).map(|frame| f64::from(frame) / 60.0).collect();
        let (captures, _) = play(60.0, drawn.clone(), 5.1);
        assert_eq!(captures.len(), 301);
        for (captured, drawn) in captures[1..].iter().zip(drawn) {
            assert!(captured - drawn < 0.001, "drawn {drawn}, captured {captured}");
        }
    }

    #[test]
    fn a_faster_client_is_held_to_the_maximum_rate() {
        let (captures, _) = play(60.0, (1..=1440).map(|frame| f64::from(frame) / 144.0), 10.0);
        let rate = captures.len() as f64 / 10.0;
        assert!((59.0..=62.5).contains(&rate), "{rate}");
    }

    #[test]
    fn a_still_picture_is_refined_and_then_kept_alive() {
        let (captures, repeats) = play(60.0, [], 10.0);
        assert_eq!(captures.len(), 1);
        let refined = REFINEMENTS as usize;
        assert!(repeats[refined - 1] < 1.0, "{repeats:?}");
        for pair in repeats[refined - 1..].windows(2) {
            assert!((pair[1] - pair[0] - 1.0).abs() < 0.01, "{repeats:?}");
        }
    }

    #[test]
    fn what_was_drawn_all_over_is_refined_at_once_and_quickly() {
        let (_, repeats) = play_parts(60.0, [], 10.0, 1.0);
        let quick = repeats.iter().filter(|&&time| time < 0.7).count();
        assert!(repeats[0] < 0.07 && quick >= QUICK_REFINEMENTS as usize, "{repeats:?}");
        // The others follow, and then it is kept alive.
        let refined = QUICK_REFINEMENTS as usize + REFINEMENTS as usize;
        assert!(repeats[refined - 1] < 1.5 && repeats[refined] - repeats[refined - 1] > 0.9, "{repeats:?}");
    }

    #[test]
    fn a_film_is_a_frame_per_picture() {
        let (captures, repeats) = play_parts(60.0, (0..120).map(|frame| 2.0 + f64::from(frame) / 24.0), 7.0, 0.5);
        assert_eq!(captures.len(), 121);
        assert!(repeats.iter().all(|time| !(2.0..=6.9).contains(time)), "{repeats:?}");
    }

    #[test]
    fn who_types_after_much_was_drawn_pays_for_that_once() {
        let start = Instant::now();
        let mut cadence = Cadence::new(Pace::Damage, 60.0);
        cadence.captured(start, 1.0);
        let mut quick = 0;
        for key in 1..=60 {
            let now = start + Duration::from_millis(100 * key);
            while cadence.step(now, false) == Step::Repeat {
                cadence.repeated(now);
                quick += 1;
            }
            cadence.captured(now, 0.001);
        }
        assert_eq!(quick, QUICK_REFINEMENTS as u32);
    }

    #[test]
    fn typing_is_a_frame_per_key() {
        let (captures, repeats) = play(60.0, (0..50).map(|key| 1.0 + 0.1 * f64::from(key)), 6.0);
        assert_eq!(captures.len(), 51);
        assert!(repeats.iter().all(|&time| time < 1.0), "{repeats:?}");
    }

    #[test]
    fn nothing_is_captured_while_nobody_watches() {
        let start = Instant::now();
        let later = start + Duration::from_secs(60);
        let mut cadence = Cadence::new(Pace::Damage, 60.0);
        cadence.set_idle(true);
        assert_eq!(cadence.step(start, false), Step::Capture, "the first picture shows that it works");
        cadence.captured(start, 0.0);
        assert!(matches!(cadence.step(later, true), Step::Wait(due) if due > later));
        cadence.request_refresh();
        assert_eq!(cadence.step(later, false), Step::Repeat);
        cadence.repeated(later);
        cadence.set_idle(false);
        assert_eq!(cadence.step(later, true), Step::Capture, "what was drawn meanwhile");
    }

    #[test]
    fn a_refresh_is_answered_at_once_and_only_once() {
        let start = Instant::now();
        let mut cadence = Cadence::new(Pace::Damage, 60.0);
        cadence.captured(start, 0.0);
        cadence.request_refresh();
        assert_eq!(cadence.step(start, false), Step::Repeat);
        cadence.repeated(start);
        assert!(matches!(cadence.step(start, false), Step::Wait(_)));
    }

    #[test]
    fn a_fixed_rate_is_kept_whatever_is_drawn() {
        let start = Instant::now();
        let mut cadence = Cadence::new(Pace::Fixed, 50.0);
        let (mut now, mut frames) = (start, 0);
        while now < start + Duration::from_millis(990) {
            match cadence.step(now, frames % 2 == 0) {
                Step::Capture => {
                    frames += 1;
                    // It takes a while, and every second one shows nothing new.
                    now += Duration::from_millis(7);
                    cadence.looked(now - Duration::from_millis(7));
                    cadence.repeated(now);
                }
                Step::Wait(due) => now = due,
                Step::Repeat => panic!("a fixed rate has no repeats of its own"),
            }
        }
        assert_eq!(frames, 50);
        // After a stall it goes on from there.
        now += Duration::from_secs(5);
        assert_eq!(cadence.step(now, false), Step::Capture);
        cadence.looked(now);
        assert_eq!(cadence.step(now, true), Step::Wait(now + Duration::from_millis(20)));
    }
}
