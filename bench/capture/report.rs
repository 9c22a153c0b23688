//! The results as tables: aligned for a terminal, and as Markdown.

use std::fmt::Write as _;

use egldesktop_bench::output::{Ratios, Results};

use crate::candidate::Candidate;
use crate::memcpy::Copy;
use crate::options::Size;
use crate::suite::Round;
use crate::summary::{Figures, figures, median};
use crate::workload::Workload;

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) machine: Vec<(&'static str, String)>,
    pub(crate) load: String,
    pub(crate) method: String,
    pub(crate) skipped: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

/// One load on one size of screen.
#[derive(Debug)]
pub(crate) struct Section {
    title: String,
    /// What else there is to say.
    note: String,
    rows: Vec<Vec<String>>,
    ratios: Ratios,
}

const HEAD: [&str; 15] = [
    "",
    "drawn/s",
    "frames/s",
    "new/s",
    "lost",
    "torn",
    "process ms/frame",
    "X ms/frame",
    "% of a core (all runs)",
    "beside ximage-i420",
    "per frame",
    "memcpys hot/cold",
    "read kB/frame",
    "delay ms p50/p95",
    "wakes/s",
];

const LEGEND: &str = "CPU time is that of the capturing process and of the X server, the latter less what drawing \
    as many frames costs it when nobody captures. \"Beside\" is that CPU time in the same seconds, \"per frame\" for \
    each buffer that came, both divided by ximage-i420's. \"New\" are frames that showed something new, \"lost\" \
    drawn ones that no buffer showed, \"torn\" those that showed two moments at once. The delay is from the drawing \
    client's flush to the buffer at the sink. \"Read\" is what egldesktopsrc reads of the screen for a buffer; \
    with ximagesrc use-damage=false, the X server copies all of it.";

impl Section {
    /// Sums up what was measured.
    pub(crate) fn new(size: Size, workload: Workload, candidates: &[Candidate], rounds: &[Round]) -> Self {
        let copies = |pick: &dyn Fn(Copy) -> f64| median(rounds.iter().filter_map(|round| Some(pick(round.copy?))));
        let alone = rounds.iter().map(|round| round.alone.server.as_secs_f64() / round.alone.wall.as_secs_f64());
        let mut note = format!("X server with this load alone: {} % of a core", percent(median(alone).unwrap_or(0.0)));
        if let Some((hot, cold)) = copies(&|copy| copy.hot).zip(copies(&|copy| copy.cold)) {
            let _ = write!(note, "; memcpy of the picture: {hot:.2} ms hot, {cold:.2} ms cold");
        }
        let title = format!("{size}, {}", workload.title());
        let all: Vec<_> = candidates.iter().map(|&candidate| (candidate, figures(candidate, rounds))).collect();
        let rows = all.iter().map(|(candidate, figures)| row(*candidate, figures)).collect();
        let named = |(candidate, figures): &(Candidate, Figures)| {
            let name = format!("{title}: CPU of {} beside {}", candidate.name(), Candidate::REFERENCE.name());
            (*candidate != Candidate::REFERENCE).then(|| Some((name, figures.ratio?))).flatten()
        };
        let ratios = all.iter().filter_map(named).collect();
        Self { title, note, rows, ratios }
    }

    fn rows(&self) -> impl Iterator<Item = Vec<&str>> {
        let head = std::iter::once(HEAD.to_vec());
        head.chain(self.rows.iter().map(|row| row.iter().map(String::as_str).collect()))
    }
}

fn row(candidate: Candidate, figures: &Figures) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    let share = |value: Option<f64>| or_dash(value.map(|value| format!("{:.1} %", value * 100.0)));
    let number = |value: Option<f64>| or_dash(value.map(|value| format!("{value:.2}")));
    let pair = |value: Option<(f64, f64)>| or_dash(value.map(|(one, two)| format!("{one:.2} / {two:.2}")));
    vec![
        candidate.name(),
        or_dash(figures.drawn_rate.map(|rate| format!("{rate:.1}"))),
        format!("{:.1}", figures.rate),
        or_dash(figures.fresh_rate.map(|rate| format!("{rate:.1}"))),
        share(figures.lost),
        share(figures.torn),
        number(figures.client_ms),
        number(figures.server_ms),
        format!("{} ({}–{})", percent(figures.share), percent(figures.spread.0), percent(figures.spread.1)),
        or_dash(figures.ratio.map(significant)),
        or_dash(figures.frame_ratio.map(significant)),
        pair(figures.copy_ratio),
        or_dash(figures.read_kb.map(|kb| format!("{kb:.1}"))),
        pair(figures.delay),
        format!("{:.0}", figures.wakeups),
    ]
}

/// A share as percent, with enough digits to tell small ones apart.
fn percent(share: f64) -> String {
    significant(share * 100.0)
}

fn significant(value: f64) -> String {
    let digits = if value >= 10.0 {
        1
    } else if value >= 0.1 {
        2
    } else {
        4
    };
    format!("{value:.digits$}")
}

impl Report {
    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.machine {
            let _ = writeln!(text, "{name}: {value}");
        }
        let _ = writeln!(text, "{}; machine load {}", self.method, self.load);
        for note in &self.skipped {
            let _ = writeln!(text, "{note}");
        }
        for section in &self.sections {
            let _ = writeln!(text, "\n{}\n{}", section.title, section.note);
            let widths: Vec<usize> = (0..HEAD.len())
                .map(|column| section.rows().map(|row| row[column].chars().count()).max().unwrap_or(0))
                .collect();
            for row in section.rows() {
                let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                });
                let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  "));
            }
        }
        let _ = writeln!(text, "\n{LEGEND}");
        text
    }

    /// For files.
    pub(crate) fn results(&self) -> Results {
        let ratios = self.sections.iter().flat_map(|section| section.ratios.clone()).collect();
        Results { section: "capture", text: self.markdown(), plots: vec![], ratios }
    }

    /// For a document.
    fn markdown(&self) -> String {
        let mut text = "# What capturing costs\n\nWritten by `make bench-capture`. ".to_owned();
        let _ = writeln!(text, "{LEGEND}\n");
        for (name, value) in &self.machine {
            let _ = writeln!(text, "- {name}: {value}");
        }
        let _ = writeln!(text, "- Method: {}\n- Machine load: {}", self.method, self.load);
        for note in &self.skipped {
            let _ = writeln!(text, "- {note}");
        }
        for section in &self.sections {
            let _ = writeln!(text, "\n## {}\n\n{}.\n", section.title, section.note);
            for (index, row) in section.rows().enumerate() {
                let _ = writeln!(text, "| {} |", row.join(" | "));
                if index == 0 {
                    let _ = writeln!(text, "| --- |{}", " ---: |".repeat(HEAD.len() - 1));
                }
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_have_every_cell() {
        let rows = vec![row(Candidate::OursNv12, &Figures { share: 0.000_2, ..Figures::default() })];
        let section = Section { title: "1x1, idle".into(), note: "nothing".into(), rows, ratios: Ratios::new() };
        let report = Report { sections: vec![section], ..Report::default() };
        assert!(report.text().contains("ours-nv12") && report.text().contains("0.0200"), "{}", report.text());
        let markdown = report.markdown();
        let lines: Vec<&str> = markdown.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.matches('|').count() == HEAD.len() + 1), "{markdown}");
    }
}
