//! GStreamer's latency tracer, in another process.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use egldesktop_bench::quantile::median;
use rustix::fs::{CWD, FileType, Mode, mknodat};

/// Reads what the tracer says as it says it: the time at which a line comes tells how its clock and ours differ.
pub(crate) struct Tracer {
    path: PathBuf,
    reader: JoinHandle<Result<Vec<Line>>>,
}

/// A frame has left an element.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    process: u32,
    element: String,
    /// Milliseconds, from the start of the process.
    at: f64,
    /// Milliseconds since 1970, when the line came.
    came: f64,
}

/// When frames have left elements, in milliseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Traced(BTreeMap<String, Vec<f64>>);

impl Tracer {
    /// Waits for a process that has [`Self::variables`].
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let path = folder.join("trace");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).context("cannot make a pipe")?;
        let from = path.clone();
        let reader = std::thread::spawn(move || {
            let mut lines = Vec::new();
            // Names in the log may be of any bytes.
            for line in BufReader::new(File::open(from)?).split(b'\n') {
                let came = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1000.0;
                lines.extend(read(&String::from_utf8_lossy(&line?), came));
            }
            Ok(lines)
        });
        Ok(Self { path, reader })
    }

    /// The environment that turns the tracer on.
    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        let file = self.path.to_str().unwrap_or_default();
        let tracers = "latency(flags=pipeline+element)";
        vec![
            ("GST_TRACERS", tracers),
            ("GST_DEBUG", "GST_TRACER:7"),
            ("GST_DEBUG_NO_COLOR", "1"),
            ("GST_DEBUG_FILE", file),
        ]
    }

    /// What was said of this process, once it has ended.
    pub(crate) fn end(self, process: u32) -> Result<Traced> {
        let lines = self.reader.join().map_err(|_| anyhow!("the reader failed"))??;
        Ok(Traced::of(lines.into_iter().filter(|line| line.process == process)))
    }
}

impl Traced {
    fn of(lines: impl Iterator<Item = Line>) -> Self {
        let lines: Vec<_> = lines.collect();
        // A line may be late, and none is early.
        let offset = lines.iter().map(|line| line.came - line.at).fold(f64::INFINITY, f64::min);
        let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for line in lines {
            times.entry(line.element).or_default().push(line.at + offset);
        }
        times.values_mut().for_each(|times| times.sort_by(f64::total_cmp));
        Self(times)
    }

    /// When the first frame after a moment has left an element.
    fn after(&self, element: &str, moment: f64) -> Option<f64> {
        self.0.get(element)?.iter().copied().find(|time| *time >= moment)
    }

    /// When the last frame before a moment has left an element.
    pub(crate) fn before(&self, element: &str, moment: f64) -> Option<f64> {
        self.0.get(element)?.iter().copied().take_while(|time| *time <= moment).last()
    }

    /// For each element, how long after these moments the first frame has left it.
    pub(crate) fn summary(&self, moments: &[f64]) -> String {
        let mut text = String::new();
        for (element, times) in &self.0 {
            let delays = moments.iter().filter_map(|moment| Some(self.after(element, *moment)? - moment));
            let _ = writeln!(text, "{element}: {} frames, {:.3} ms", times.len(), median(delays).unwrap_or(f64::NAN));
        }
        text
    }
}

/// One line of the log. An `element-latency` is of who passes a frame on, a `latency` of the sink that got it.
fn read(line: &str, came: f64) -> Option<Line> {
    let (head, record) = line.split_once(" :0:: ")?;
    let process = head.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let (kind, fields) = record.split_once(", ")?;
    let field = |name: &str| {
        let value = fields.split(", ").find_map(|field| field.strip_prefix(name)?.strip_prefix("=("))?;
        Some(value.split_once(')')?.1.trim_end_matches(';').to_owned())
    };
    let element = match kind {
        "element-latency" => field("element")?,
        "latency" => field("sink-element")?,
        _ => return None,
    };
    let at: f64 = field("ts")?.parse().ok()?;
    Some(Line { process, element, at: at * 1e-6, came })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_tracer_are_read() {
        let line = "0:00:01.050105146 28477 0x562a73dfa460 TRACE             GST_TRACER :0:: element-latency, \
                    element-id=(string)0x562a73dec050, element=(string)newest, src=(string)src, time=(guint64)2002569, \
                    ts=(guint64)1050086378;";
        let expected = Line { process: 28477, element: "newest".to_owned(), at: 1050.086378, came: 7.0 };
        assert_eq!(read(line, 7.0), Some(expected));
        assert_eq!(read("0:00:01.1 28477 0x5 DEBUG GST_TRACER gsttracer.c:159:x:<registry0> update", 7.0), None);
    }

    #[test]
    fn the_line_that_came_soonest_tells_how_the_clocks_differ() {
        let line = |at, came| Line { process: 1, element: "x".to_owned(), at, came };
        let traced = Traced::of([line(10.0, 1010.5), line(20.0, 1020.1), line(30.0, 1034.0)].into_iter());
        assert!((traced.after("x", 1021.0).unwrap() - 1030.1).abs() < 1e-9);
        assert_eq!(traced.after("x", 1031.0), None);
        assert!((traced.before("x", 1021.0).unwrap() - 1020.1).abs() < 1e-9);
        assert_eq!(traced.before("x", 1010.0), None);
        assert_eq!(traced.after("y", 0.0), None);
    }
}
