//! The results as a table: a row for each figure, a column for each peer, and ours beside each.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use egldesktop_bench::machine;
use egldesktop_bench::peer::Peer;
use egldesktop_bench::plot::Plot;
use egldesktop_bench::quantile::{median, quantile, shown};

use crate::measure::Measured;

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Report {
    peers: Vec<(Peer, Vec<Measured>)>,
    notes: Vec<String>,
    machine: Vec<(&'static str, String)>,
    load: String,
    runs: u32,
}

struct Figure {
    name: &'static str,
    digits: usize,
    of: fn(&[Measured]) -> Option<f64>,
}

macro_rules! all {
    ($field:ident, $share:expr) => {
        |runs| quantile(runs.iter().flat_map(|run| run.$field.iter().copied()), $share)
    };
}

macro_rules! cost {
    ($motion:ident, $process:ident) => {
        |runs| median(runs.iter().map(|run| run.$motion.$process))
    };
}

static FIGURES: &[Figure] = &[
    Figure { name: "first frame, new browser, ms", digits: 0, of: all!(first_frame, 0.5) },
    Figure { name: "first frame, again, ms", digits: 0, of: all!(again, 0.5) },
    Figure { name: "reconnect, ms", digits: 0, of: all!(reconnect, 0.5) },
    Figure { name: "glass to glass, at rest, median, ms", digits: 1, of: all!(flips, 0.5) },
    Figure { name: "– p95", digits: 1, of: all!(flips, 0.95) },
    Figure { name: "– p99", digits: 1, of: all!(flips, 0.99) },
    Figure { name: "glass to glass, full motion, median, ms", digits: 1, of: all!(flips_in_motion, 0.5) },
    Figure { name: "– p95", digits: 1, of: all!(flips_in_motion, 0.95) },
    Figure { name: "– p99", digits: 1, of: all!(flips_in_motion, 0.99) },
    Figure { name: "click to photon, median, ms", digits: 1, of: all!(clicks, 0.5) },
    Figure { name: "– p95", digits: 1, of: all!(clicks, 0.95) },
    Figure { name: "server at idle, CPU s/min", digits: 2, of: cost!(idle, server) },
    Figure { name: "– its X server", digits: 2, of: cost!(idle, screen) },
    Figure { name: "server while typing, CPU s/min", digits: 2, of: cost!(typing, server) },
    Figure { name: "– its X server", digits: 2, of: cost!(typing, screen) },
    Figure { name: "server while a page scrolls, CPU s/min", digits: 1, of: cost!(scrolling, server) },
    Figure { name: "– its X server", digits: 1, of: cost!(scrolling, screen) },
    Figure { name: "server while a video plays, CPU s/min", digits: 1, of: cost!(video, server) },
    Figure { name: "– its X server", digits: 1, of: cost!(video, screen) },
    Figure { name: "server in full motion, CPU s/min", digits: 1, of: cost!(motion, server) },
    Figure { name: "– its X server", digits: 1, of: cost!(motion, screen) },
    Figure { name: "– frames/s in the page", digits: 1, of: |runs| median(runs.iter().filter_map(|run| run.frames)) },
    Figure { name: "memory, MB", digits: 0, of: |runs| median(runs.iter().map(|run| run.memory as f64 / 1e6)) },
    Figure {
        name: "changes and clicks that were never seen",
        digits: 0,
        of: |runs| (!runs.is_empty()).then(|| runs.iter().map(|run| f64::from(run.unseen)).sum()),
    },
];

impl Report {
    pub(crate) fn new(peers: &[Peer], folder: &Path, runs: u32) -> Result<Self> {
        let mut report =
            Self { peers: Vec::new(), notes: Vec::new(), machine: machine::hardware()?, load: machine::load(), runs };
        for peer in peers {
            match peer.missing(folder) {
                None => report.peers.push((*peer, Vec::new())),
                Some(reason) => report.notes.push(format!("{} is skipped: {reason}", peer.name())),
            }
        }
        Ok(report)
    }

    pub(crate) fn measurable(&self) -> Vec<Peer> {
        self.peers.iter().map(|(peer, _)| *peer).collect()
    }

    pub(crate) fn add(&mut self, peer: Peer, measured: Measured) {
        if let Some((_, runs)) = self.peers.iter_mut().find(|(other, _)| *other == peer) {
            runs.push(measured);
        }
    }

    pub(crate) fn failed(&mut self, peer: Peer, error: &anyhow::Error) {
        self.notes.push(format!("{}: a run failed: {error:#}", peer.name()));
    }

    /// How the delays are spread.
    pub(crate) fn plots(&self) -> Vec<Plot> {
        let plot = |title: &str, of: fn(&Measured) -> &Vec<f64>| {
            let line = |(peer, runs): &(Peer, Vec<Measured>)| {
                (peer.name().to_owned(), runs.iter().flat_map(|run| of(run).iter().copied()).collect::<Vec<_>>())
            };
            Plot::distribution(title, "ms", self.peers.iter().map(line).filter(|(_, delays)| !delays.is_empty()))
        };
        vec![
            plot("Glass to glass, at rest", |run| &run.flips),
            plot("Glass to glass, full motion", |run| &run.flips_in_motion),
            plot("Click to photon", |run| &run.clicks),
        ]
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("# Beside others\n\n");
        text += "Written by `make bench-desktop`. The same Xvfb (1920×1080, nothing but one client on it), the same Chromium, \
                 no sound, 60 frames a second, 8 Mbit/s, x264, over the loopback, in turns. \"Glass to glass\" is from the X \
                 client's flush to the frame callback in the page in which the new colour is read back; \"click to photon\" \
                 from the page's `pointerdown`; \"reconnect\" from the moment at which a server that was ended listens again to \
                 its picture in the page, which nobody has touched. 1520×980 pixels scroll by 16, and a video of 1280×720 \
                 plays, 30 times a second. CPU time is that of the server with all its processes. The last columns are \
                 ours divided by theirs.\n\n";
        for (name, value) in &self.machine {
            let _ = writeln!(text, "- {name}: {value}");
        }
        let _ = writeln!(text, "- Method: median of {} runs that took turns; delays of all runs together", self.runs);
        let _ = writeln!(text, "- Machine load: {} before, {} after", self.load, machine::load());
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        let others: Vec<_> = self.peers.iter().filter(|(peer, _)| *peer != Peer::Ours).collect();
        let ours = self.peers.iter().find(|(peer, _)| *peer == Peer::Ours);
        text += "\n| |";
        for (peer, _) in ours.iter().copied().chain(others.iter().copied()) {
            let _ = write!(text, " {} |", peer.name());
        }
        for (peer, _) in &others {
            let _ = write!(text, " ÷ {} |", peer.name());
        }
        let columns = self.peers.len() + others.len();
        let _ = writeln!(text, "\n| --- |{}", " ---: |".repeat(columns));
        for figure in FIGURES {
            let value = |runs: &[Measured]| (figure.of)(runs);
            let _ = write!(text, "| {} |", figure.name);
            for (_, runs) in ours.iter().copied().chain(others.iter().copied()) {
                let _ = write!(text, " {} |", shown(value(runs), figure.digits));
            }
            for (_, runs) in &others {
                let ratio = ours.and_then(|(_, ours)| Some(value(ours)? / value(runs)?)).filter(|it| it.is_finite());
                let _ = write!(text, " {} |", shown(ratio, 2));
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_divided_by_theirs() {
        let of = |clicks: &[f64]| Measured { clicks: clicks.to_vec(), ..Measured::default() };
        let report = Report {
            peers: vec![(Peer::Selkies, vec![of(&[10.0, 30.0]), of(&[20.0])]), (Peer::Ours, vec![of(&[5.0])])],
            notes: vec![],
            machine: vec![],
            load: String::new(),
            runs: 2,
        };
        let text = report.markdown();
        assert!(text.contains("| | egldesktop | Selkies 2 | ÷ Selkies 2 |"), "{text}");
        assert!(text.contains("| click to photon, median, ms | 5.0 | 20.0 | 0.25 |"), "{text}");
        assert!(text.contains("| glass to glass, at rest, median, ms | – | – | – |"), "{text}");
    }
}
