//! The results as a table: a row for each figure, a column for each way, and ours beside Selkies.

use std::fmt::Write as _;

use anyhow::Result;
use egldesktop_bench::machine;
use egldesktop_bench::output::{Ratios, Results};
use egldesktop_bench::peer::Peer;
use egldesktop_bench::plot::Plot;
use egldesktop_bench::quantile::{maximum, median, quantile, shown};
use egldesktop_tests::link::Profile;

use crate::visit::{ALL, Case, Measured};

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Report {
    bitrates: Vec<u32>,
    profile: Profile,
    runs: u32,
    /// Name of the case, bitrate, result.
    measured: Vec<(&'static str, u32, Measured)>,
    notes: Vec<String>,
    machine: Vec<(&'static str, String)>,
    load: String,
}

struct Figure {
    name: &'static str,
    digits: usize,
    of: fn(&[&Measured]) -> Option<f64>,
}

fn delays(runs: &[&Measured]) -> Vec<f64> {
    runs.iter().flat_map(|run| run.flips.iter().copied()).collect()
}

static FIGURES: &[Figure] = &[
    Figure { name: "glass to glass, median, ms", digits: 0, of: |runs| median(delays(runs)) },
    Figure { name: "– p95", digits: 0, of: |runs| quantile(delays(runs), 0.95) },
    Figure { name: "– longest", digits: 0, of: |runs| maximum(delays(runs)) },
    Figure { name: "frames/s in the page", digits: 1, of: |runs| median(runs.iter().map(|run| run.frames)) },
    Figure { name: "Mbit/s on the link", digits: 1, of: |runs| median(runs.iter().map(|run| run.mbit)) },
    Figure {
        name: "first frame, new browser, ms",
        digits: 0,
        of: |runs| median(runs.iter().map(|run| run.first_frame)),
    },
    Figure {
        name: "changes that were not seen within 10 s",
        digits: 0,
        of: |runs| (!runs.is_empty()).then(|| runs.iter().map(|run| f64::from(run.unseen)).sum()),
    },
];

impl Report {
    pub(crate) fn new(bitrates: &[u32], profile: Profile, runs: u32) -> Result<Self> {
        let (machine, load) = (machine::hardware()?, machine::load());
        Ok(Self { bitrates: bitrates.to_vec(), profile, runs, measured: vec![], notes: vec![], machine, load })
    }

    /// Takes a result; one that fails is said, and the others are measured all the same.
    pub(crate) fn add(&mut self, case: &Case, bitrate: u32, measured: Result<Measured>) {
        match measured {
            Ok(measured) => self.measured.push((case.name, bitrate, measured)),
            Err(error) => self.notes.push(format!("{}, {bitrate} kbit/s: a run failed: {error:#}", case.name)),
        }
    }

    pub(crate) fn skipped(&mut self, case: &Case, reason: &str) {
        let note = format!("{} is skipped: {reason}", case.name);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(crate) fn results(&self) -> Results {
        let plot = |bitrate: &u32| {
            let of = |case: &Case| delays(&self.runs_of(case, *bitrate));
            let lines =
                ALL.iter().map(|case| (case.name.to_owned(), of(case))).filter(|(_, delays)| !delays.is_empty());
            Plot::distribution(&format!("Glass to glass, asked for {bitrate} kbit/s"), "ms", lines)
        };
        let plots = self.bitrates.iter().map(plot).collect();
        Results { section: "narrow", text: self.markdown(), plots, ratios: Ratios::new() }
    }

    fn runs_of(&self, case: &Case, bitrate: u32) -> Vec<&Measured> {
        let of = |(name, rate, _): &&(&str, u32, Measured)| *name == case.name && *rate == bitrate;
        self.measured.iter().filter(of).map(|(_, _, measured)| measured).collect()
    }

    fn markdown(&self) -> String {
        let mut text = String::from("# Full motion behind a narrow link\n\n");
        let Profile { delay, rate, .. } = self.profile;
        let _ = writeln!(
            text,
            "Written by `make bench-narrow`. 1920×1080, everything moves 60 times a second, from before the page is opened. Between \
             the desktop and Chromium is an emulated link of {} Mbit/s towards the browser, {} ms of delay each way, and a buffer of \
             300 ms, whose end drops packets. x264, no sound. Everybody is asked for the same bitrate, one that fits the link and \
             one that does not, in turns. Selkies 2 in its default mode, a WebSocket. \"Glass to glass\" is from the X client's \
             flush to the frame callback in the page in which the new colour is read back.\n",
            shown(rate.map(|rate| rate as f64 / 1e6), 0),
            delay.as_millis(),
        );
        for (name, value) in &self.machine {
            let _ = writeln!(text, "- {name}: {value}");
        }
        let _ = writeln!(
            text,
            "- Method: {} runs that took turns; delays of all runs together, else the median",
            self.runs
        );
        let _ = writeln!(text, "- Machine load: {} before, {} after", self.load, machine::load());
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        let theirs = |case: &Case| case.peer != Peer::Ours;
        for bitrate in &self.bitrates {
            let _ = writeln!(text, "\n## Asked for {bitrate} kbit/s\n");
            let names: String = ALL.iter().map(|case| format!(" {} |", case.name)).collect();
            let ours = || ALL.iter().filter(|case| !theirs(case));
            let ratios: String = ours().map(|case| format!(" {} ÷ Selkies 2 |", case.name)).collect();
            let _ = writeln!(text, "| |{names}{ratios}");
            let _ = writeln!(text, "| --- |{}", " ---: |".repeat(ALL.len() + ours().count()));
            for figure in FIGURES {
                let value = |case: &Case| (figure.of)(&self.runs_of(case, *bitrate));
                let _ = write!(text, "| {} |", figure.name);
                for case in ALL {
                    let _ = write!(text, " {} |", shown(value(case), figure.digits));
                }
                let other = ALL.iter().find(|case| theirs(case)).and_then(value);
                for case in ours() {
                    let ratio = value(case).zip(other).map(|(ours, theirs)| ours / theirs);
                    let _ = write!(text, " {} |", shown(ratio.filter(|ratio| ratio.is_finite()), 2));
                }
                text.push('\n');
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_divided_by_theirs() {
        let mut report = Report::new(&[8000], Profile::default(), 1).unwrap();
        for (case, delay) in ALL.iter().zip([150.0, 100.0, 200.0]) {
            report.add(case, 8000, Ok(Measured { flips: vec![delay; 3], ..Measured::default() }));
        }
        let text = report.markdown();
        assert!(text.contains("| glass to glass, median, ms | 150 | 100 | 200 | 0.75 | 0.50 |"), "{text}");
        assert!(text.contains("| changes that were not seen within 10 s | 0 | 0 | 0 | – | – |"), "{text}");
    }
}
