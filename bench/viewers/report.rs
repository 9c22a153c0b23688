//! The results as a table: a row for each number of viewers.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Result;
use egldesktop_bench::machine;
use egldesktop_bench::output::Results;
use egldesktop_bench::plot::Plot;
use egldesktop_bench::quantile::{median, quantile, shown};

/// Shares of a core, frames a second.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// The desktop's own process.
    pub(crate) server: f64,
    pub(crate) screen: f64,
    pub(crate) encoded: f64,
    /// Of the one stream, Mbit/s.
    pub(crate) mbit: f64,
    /// Of each viewer.
    pub(crate) received: Vec<f64>,
    /// Of the whole machine, from 0 to 1.
    pub(crate) idle: f64,
}

impl Measured {
    /// What each viewer gets of a second that it should get.
    fn frames(&self) -> Option<f64> {
        median(self.received.iter().copied())
    }
}

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Report {
    runs: u32,
    framerate: u32,
    measured: BTreeMap<usize, Vec<Measured>>,
    machine: Vec<(&'static str, String)>,
    load: String,
}

impl Report {
    pub(crate) fn new(runs: u32, framerate: u32) -> Result<Self> {
        let (machine, load) = (machine::hardware()?, machine::load());
        Ok(Self { runs, framerate, measured: BTreeMap::new(), machine, load })
    }

    pub(crate) fn add(&mut self, viewers: usize, measured: Measured) {
        self.measured.entry(viewers).or_default().push(measured);
    }

    /// What each viewer beyond the first costs, as a share of a core at the full frame rate; median of the runs, each with
    /// the one viewer of the same run. CPU time is taken per encoded frame: a machine that is full makes fewer.
    fn each_further(&self, viewers: usize) -> Option<f64> {
        let per_frame = |measured: &Measured| measured.server / measured.encoded;
        let runs = self.measured.get(&viewers)?.iter().zip(self.measured.get(&1)?);
        let further = viewers.checked_sub(1).filter(|further| *further > 0)? as f64;
        median(runs.map(|(many, one)| (per_frame(many) - per_frame(one)) / further * f64::from(self.framerate)))
    }

    pub(crate) fn results(&self) -> Results {
        let cpu = |viewers: &usize| {
            let runs = self.measured.get(viewers)?;
            Some((*viewers as f64, median(runs.iter().map(|run| run.server))? * 100.0))
        };
        let plot = Plot {
            title: "CPU of the desktop in full motion, by viewers".to_owned(),
            x: "viewers".to_owned(),
            y: "% of a core".to_owned(),
            range: None,
            lines: vec![("desktop".to_owned(), self.measured.keys().filter_map(cpu).collect())],
        };
        let one = self.measured.get(&1).and_then(|runs| median(runs.iter().map(|run| run.server / run.encoded)));
        let ratio = |viewers: &usize| {
            let (further, one) = (self.each_further(*viewers)?, one? * f64::from(self.framerate));
            Some((format!("{viewers} viewers: CPU of each further one beside the desktop with one"), further / one))
        };
        let ratios = self.measured.keys().filter_map(ratio).collect();
        Results { section: "viewers", text: self.markdown(), plots: vec![plot], ratios }
    }

    fn markdown(&self) -> String {
        let mut text = String::from("# What a viewer costs\n\n");
        let _ = writeln!(
            text,
            "Written by `make bench-viewers`. 1920×1080, everything moves 60 times a second, x264 at 8 Mbit/s and up to {} frames a \
             second, no sound. Viewers receive by WebRTC over the loopback in one process of their own, and decode nothing. CPU is \
             that of the desktop's process, as a share of a core. \"Each further\" is what a viewer beyond the first adds, by CPU \
             time per encoded frame, at {} frames a second. Encoded frames stay what they are with one viewer: there is one \
             encoder for all.\n",
            self.framerate, self.framerate,
        );
        for (name, value) in &self.machine {
            let _ = writeln!(text, "- {name}: {value}");
        }
        let _ = writeln!(text, "- Method: median of {} runs", self.runs);
        let _ = writeln!(text, "- Machine load: {} before, {} after", self.load, machine::load());
        text += "\n| viewers | desktop, % of a core | X server | encoded frames/s | Mbit/s | frames/s of a viewer, median | slowest | each further, % of a core | machine idle |\n\
                 | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
        for (viewers, runs) in &self.measured {
            let of = |value: fn(&Measured) -> f64| median(runs.iter().map(value));
            let percent = |share: Option<f64>| share.map(|share| share * 100.0);
            let slowest = quantile(runs.iter().flat_map(|run| run.received.iter().copied()), 0.0);
            let _ = writeln!(
                text,
                "| {viewers} | {} | {} | {} | {} | {} | {} | {} | {} % |",
                shown(percent(of(|run| run.server)), 1),
                shown(percent(of(|run| run.screen)), 1),
                shown(of(|run| run.encoded), 1),
                shown(of(|run| run.mbit), 1),
                shown(median(runs.iter().filter_map(Measured::frames)), 1),
                shown(slowest, 1),
                shown(percent(self.each_further(*viewers)), 2),
                shown(percent(of(|run| run.idle)), 0),
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_machine_makes_viewers_no_cheaper() {
        let mut report = Report::new(1, 60).unwrap();
        let with = |server, encoded| Measured { server, encoded, ..Measured::default() };
        report.add(1, with(0.6, 60.0));
        // 2 % of a core each at 60 frames a second, but there are only 30.
        report.add(11, with(0.4, 30.0));
        assert!((report.each_further(11).unwrap() - 0.02).abs() < 1e-9);
        assert_eq!(report.each_further(1), None);
        assert!(
            report.markdown().contains("| 11 | 40.0 | 0.0 | 30.0 | 0.0 | – | – | 2.00 | 0 % |"),
            "{}",
            report.markdown()
        );
    }
}
