//! Several runs to one line of figures.

use crate::candidate::Candidate;
use crate::case::Measured;
use crate::suite::Round;

/// What a candidate did under one load: medians over the runs. CPU shares are of one core.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    /// Frames per second that the load has drawn.
    pub(crate) drawn_rate: Option<f64>,
    /// Buffers per second.
    pub(crate) rate: f64,
    /// Those that showed something new; `None` where the picture does not tell.
    pub(crate) fresh_rate: Option<f64>,
    /// Share of what was drawn that never showed.
    pub(crate) lost: Option<f64>,
    /// Share of the frames that showed two moments.
    pub(crate) torn: Option<f64>,
    /// CPU time per buffer in milliseconds, of the process and of the X server for it.
    pub(crate) client_ms: Option<f64>,
    pub(crate) server_ms: Option<f64>,
    /// Share of a core that both take.
    pub(crate) share: f64,
    /// From the lowest to the highest of the runs.
    pub(crate) spread: (f64, f64),
    /// CPU time beside the reference's: for the same time, and for a buffer.
    pub(crate) ratio: Option<f64>,
    pub(crate) frame_ratio: Option<f64>,
    /// CPU time of a buffer beside that of a copy of the picture.
    pub(crate) copy_ratio: Option<(f64, f64)>,
    /// From the flush to the buffer, milliseconds: median and 95 of 100; over all runs together.
    pub(crate) delay: Option<(f64, f64)>,
    /// Kilobytes (1000) of the screen read for a buffer, where the source tells.
    pub(crate) read_kb: Option<f64>,
    /// How often the process woke, per second.
    pub(crate) wakeups: f64,
}

/// One run of one candidate, in seconds of CPU time per second.
struct Cost {
    client: f64,
    server: f64,
    rate: f64,
}

impl Cost {
    fn of(measured: &Measured, alone: &Measured) -> Self {
        let per_second = |time: std::time::Duration, of: &Measured| time.as_secs_f64() / of.wall.as_secs_f64();
        // A machine too busy to keep the load's pace spends less on it. What is below zero then is noise.
        let slower = drawn_rate(measured).zip(drawn_rate(alone)).map_or(1.0, |(now, before)| now / before);
        let server = (per_second(measured.server, measured) - per_second(alone.server, alone) * slower).max(0.0);
        let rate = measured.frames.total as f64 / measured.wall.as_secs_f64();
        Self { client: per_second(measured.client, measured), server, rate }
    }

    fn share(&self) -> f64 {
        self.client + self.server
    }

    fn per_frame(&self) -> Option<f64> {
        (self.rate > 0.0).then(|| self.share() / self.rate)
    }
}

/// Frames per second that the load has drawn.
fn drawn_rate(measured: &Measured) -> Option<f64> {
    measured.drawn.filter(|&drawn| drawn > 0).map(|drawn| drawn as f64 / measured.wall.as_secs_f64())
}

/// The figures of a candidate.
pub(crate) fn figures(candidate: Candidate, rounds: &[Round]) -> Figures {
    let find = |round: &Round, wanted: Candidate| {
        round.candidates.iter().find(|(candidate, _)| *candidate == wanted).map(|(_, measured)| measured.clone())
    };
    let runs: Vec<(&Round, Measured)> =
        rounds.iter().filter_map(|round| Some((round, find(round, candidate)?))).collect();
    let costs: Vec<Cost> = runs.iter().map(|(round, measured)| Cost::of(measured, &round.alone)).collect();
    // Of the same round: what disturbed one of a pair has likely disturbed the other.
    let beside = |compare: &dyn Fn(&Cost, &Cost) -> Option<f64>| {
        let pairs = runs.iter().zip(&costs).filter_map(|((round, _), cost)| {
            compare(cost, &Cost::of(&find(round, Candidate::REFERENCE)?, &round.alone))
                .filter(|ratio| ratio.is_finite())
        });
        median(pairs)
    };
    let copied = |pick: &dyn Fn(crate::memcpy::Copy) -> f64| {
        let runs = runs.iter().zip(&costs);
        median(runs.filter_map(|((round, _), cost)| Some(cost.per_frame()? * 1e3 / pick(round.copy?))))
    };
    let sum = |pick: &dyn Fn(&Measured) -> u64| runs.iter().map(|(_, measured)| pick(measured)).sum::<u64>() as f64;
    let (fresh, drawn) = (sum(&|measured| measured.frames.fresh), sum(&|measured| measured.frames.drawn));
    let told = drawn > 0.0;
    let per_frame = |part: &dyn Fn(&Cost) -> f64| {
        median(costs.iter().filter(|cost| cost.rate > 0.0).map(|cost| part(cost) / cost.rate * 1e3))
    };

    let mut delays: Vec<u64> = runs.iter().flat_map(|(_, measured)| measured.frames.delays.iter().copied()).collect();
    delays.sort_unstable();
    let delay = |share| percentile(&delays, share).map(|micros| micros as f64 / 1e3);
    let shares = || costs.iter().map(Cost::share);
    Figures {
        drawn_rate: median(runs.iter().filter_map(|(_, measured)| drawn_rate(measured))),
        rate: median(costs.iter().map(|cost| cost.rate)).unwrap_or_default(),
        fresh_rate: median(runs.iter().map(|(_, run)| run.frames.fresh as f64 / run.wall.as_secs_f64()))
            .filter(|_| told),
        lost: told.then(|| 1.0 - fresh / drawn),
        torn: told.then(|| sum(&|measured| measured.frames.torn) / fresh),
        client_ms: per_frame(&|cost| cost.client),
        server_ms: per_frame(&|cost| cost.server),
        share: median(shares()).unwrap_or_default(),
        spread: (shares().fold(f64::INFINITY, f64::min), shares().fold(0.0, f64::max)),
        ratio: beside(&|ours, reference| Some(ours.share() / reference.share())),
        frame_ratio: beside(&|ours, reference| Some(ours.per_frame()? / reference.per_frame()?)),
        copy_ratio: copied(&|copy| copy.hot).zip(copied(&|copy| copy.cold)),
        delay: delay(0.5).zip(delay(0.95)),
        read_kb: median(
            runs.iter().filter_map(|(_, run)| Some(run.read? as f64 / 1e3 / run.frames.total.max(1) as f64)),
        ),
        wakeups: median(runs.iter().map(|(_, measured)| measured.wakeups as f64 / measured.wall.as_secs_f64()))
            .unwrap_or_default(),
    }
}

/// The middle one, or the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    Some(if values.len() % 2 == 1 { upper } else { (values[half - 1] + upper) / 2.0 })
}

/// The value that this share of the sorted ones does not exceed.
fn percentile(sorted: &[u64], share: f64) -> Option<u64> {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::case::Frames;
    use crate::memcpy::Copy;

    fn measured(client_ms: u64, server_ms: u64, total: u64, drawn: u64) -> Measured {
        let frames = Frames { total, fresh: 9, drawn: 10, torn: 0, delays: vec![1000; 9] };
        let ms = Duration::from_millis;
        Measured {
            wall: ms(1000),
            client: ms(client_ms),
            server: ms(server_ms),
            wakeups: 3,
            read: Some(5000 * total),
            drawn: Some(drawn),
            frames,
        }
    }

    #[test]
    fn what_the_load_costs_the_server_is_taken_off() {
        let round = Round {
            alone: measured(0, 40, 0, 60),
            candidates: vec![
                (Candidate::XimageI420, measured(400, 120, 50, 30)),
                (Candidate::OursBgrx, measured(40, 50, 50, 60)),
            ],
            copy: Some(Copy { hot: 0.5, cold: 1.0 }),
        };
        let ours = figures(Candidate::OursBgrx, &[round]);
        let close = |value: Option<f64>, expected: f64| value.is_some_and(|value| (value - expected).abs() < 1e-9);
        assert!(close(Some(ours.share), 0.05) && close(ours.ratio, 0.1) && close(ours.frame_ratio, 0.1), "{ours:?}");
        assert!(close(ours.client_ms, 0.8) && close(ours.server_ms, 0.2) && close(ours.lost, 0.1), "{ours:?}");
        let (hot, cold) = ours.copy_ratio.unwrap();
        assert!(close(Some(hot), 2.0) && close(Some(cold), 1.0));
        assert_eq!((ours.delay, ours.wakeups), (Some((1.0, 1.0)), 3.0));
    }

    #[test]
    fn nothing_measured_is_nothing_and_no_panic() {
        let figures = figures(Candidate::OursNv12, &[]);
        assert_eq!((figures.ratio, figures.delay, figures.lost), (None, None, None));
    }

    #[test]
    fn middles() {
        assert_eq!(median([].into_iter()), None);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0].into_iter()), Some(2.5));
        let values: Vec<u64> = (1..=100).collect();
        assert_eq!(
            (percentile(&values, 0.5), percentile(&values, 0.95), percentile(&[], 0.5)),
            (Some(50), Some(95), None)
        );
    }
}
