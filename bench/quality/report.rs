//! The results as a table: a row for each scene and bitrate.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use egldesktop_bench::machine;
use egldesktop_bench::output::{Ratios, Results};
use egldesktop_bench::plot::Plot;
use egldesktop_bench::quantile::{maximum, median, quantile, shown};

use crate::compare::Likeness;
use crate::receive::{LOOK, Stop};
use crate::text::Scene;

/// When it is looked, after motion has stopped.
const TIMES: [Duration; 3] = [Duration::from_millis(100), Duration::from_millis(500), Duration::from_secs(2)];
/// Nobody tells this from the source.
const SHARP: f64 = 0.99;

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Report {
    count: u32,
    rows: Vec<(Scene, u32, Vec<Stop>)>,
    machine: Vec<(&'static str, String)>,
    load: String,
}

/// What is seen at this time.
fn at(stop: &Stop, time: Duration) -> Option<Likeness> {
    stop.iter().take_while(|(when, _)| *when <= time).last().map(|(_, likeness)| *likeness)
}

/// From when on it stays sharp, in seconds; infinite where it does not become so.
fn sharp_from(stop: &Stop) -> f64 {
    let blurred = stop.iter().rposition(|(_, likeness)| likeness.ssim < SHARP).map_or(0, |last| last + 1);
    stop.get(blurred).map_or(f64::INFINITY, |(when, _)| when.as_secs_f64())
}

fn name(scene: Scene) -> &'static str {
    match scene {
        Scene::Document => "a document scrolls",
        Scene::Scroll => "text in the whole screen scrolls",
        Scene::Page => "a page of text after full motion",
    }
}

impl Report {
    pub(crate) fn new(count: u32) -> Result<Self> {
        Ok(Self { count, rows: vec![], machine: machine::hardware()?, load: machine::load() })
    }

    pub(crate) fn add(&mut self, scene: Scene, bitrate: u32, stops: Vec<Stop>) {
        self.rows.push((scene, bitrate, stops));
    }

    pub(crate) fn results(&self) -> Results {
        let ratios = self.rows.iter().filter_map(|(scene, bitrate, stops)| {
            let ssim = median(stops.iter().filter_map(|stop| at(stop, TIMES[1])).map(|it| it.ssim))?;
            // What is missing, which tells more than what is there.
            Some((format!("{}, {bitrate} kbit/s: what SSIM lacks after 0.5 s", name(*scene)), 1.0 - ssim))
        });
        let ratios: Ratios = ratios.collect();
        Results { section: "quality", text: self.markdown(), plots: self.plots(), ratios }
    }

    fn markdown(&self) -> String {
        let mut text = String::from("# How good text is once nothing moves\n\n");
        let _ = writeln!(
            text,
            "Written by `make bench-quality`. 1920×1080, x264, 60 frames a second, over a WebSocket on the loopback. Text in the X server's 13-pixel \
             font either scrolls by a line 60 times a second (a document of lines of 100 characters, or one that is as wide as the \
             screen), or replaces a picture that moves in the whole screen. Then nothing \
             moves, and what a receiver has decoded by then (OpenH264) is compared with the X server's own pixels, by luma: mean SSIM \
             of windows of 8×8, and PSNR. \"Sharp\" is an SSIM of {SHARP} from then on.\n",
        );
        for (name, value) in &self.machine {
            let _ = writeln!(text, "- {name}: {value}");
        }
        let _ = writeln!(text, "- Method: {} stops each; the median, in parentheses the worst", self.count);
        let _ = writeln!(text, "- Machine load: {} before, {} after", self.load, machine::load());
        text += "\n| | kbit/s | SSIM after 0.1 s | 0.5 s | 2 s | PSNR after 0.1 s, dB | 0.5 s | 2 s | sharp after, s |\n\
                 | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
        for (scene, bitrate, stops) in &self.rows {
            let _ = write!(text, "| {} | {bitrate} |", name(*scene));
            for (of, digits) in [((|it| it.ssim) as fn(Likeness) -> f64, 4), (|it| it.psnr, 1)] {
                for time in TIMES {
                    let values = || stops.iter().filter_map(|stop| at(stop, time)).map(of);
                    let (median, worst) = (median(values()), quantile(values(), 0.0));
                    let _ = write!(text, " {} ({}) |", shown(median, digits), shown(worst, digits));
                }
            }
            let times = || stops.iter().map(sharp_from);
            let time = |value: Option<f64>| match value {
                Some(value) if value.is_infinite() => format!("more than {:.1}", LOOK.as_secs_f64()),
                value => shown(value, 2),
            };
            let _ = writeln!(text, " {} ({}) |", time(median(times())), time(maximum(times())));
        }
        text
    }

    /// SSIM over time.
    fn plots(&self) -> Vec<Plot> {
        let steps = || (0..=40).map(|step| f64::from(step) * 0.05);
        let line = |(_, bitrate, stops): &(Scene, u32, Vec<Stop>)| {
            let point = |time: f64| {
                let seen = stops.iter().filter_map(|stop| at(stop, Duration::from_secs_f64(time)));
                Some((time, median(seen.map(|it| it.ssim))?))
            };
            (format!("{bitrate} kbit/s"), steps().filter_map(point).collect())
        };
        let plot = |scene: Scene| Plot {
            title: format!("SSIM after motion has stopped: {}", name(scene)),
            x: "seconds".to_owned(),
            y: "SSIM, median".to_owned(),
            range: Some((0.5, 1.0)),
            lines: self.rows.iter().filter(|(it, ..)| *it == scene).map(line).collect(),
        };
        let plots = [Scene::Document, Scene::Scroll, Scene::Page].map(plot);
        plots.into_iter().filter(|plot| !plot.lines.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stop(pictures: &[(f64, f64)]) -> Stop {
        let picture =
            |(time, ssim): &(f64, f64)| (Duration::from_secs_f64(*time), Likeness { ssim: *ssim, psnr: 30.0 });
        pictures.iter().map(picture).collect()
    }

    #[test]
    fn it_is_sharp_once_it_stays_so() {
        assert_eq!(sharp_from(&stop(&[(0.0, 0.5), (0.1, 0.995), (0.2, 0.98), (0.3, 0.992)])), 0.3);
        assert_eq!(sharp_from(&stop(&[(0.0, 0.5)])), f64::INFINITY);
        assert_eq!(sharp_from(&stop(&[(0.0, 1.0)])), 0.0);
    }

    #[test]
    fn what_is_seen_is_the_last_picture() {
        let mut report = Report::new(1).unwrap();
        report.add(Scene::Scroll, 8000, vec![stop(&[(0.0, 0.6), (0.2, 0.9), (0.6, 0.995)])]);
        let text = report.markdown();
        let row = "| text in the whole screen scrolls | 8000 | 0.6000 (0.6000) | 0.9000 (0.9000) | 0.9950 (0.9950) |";
        assert!(text.contains(row) && text.contains("| 0.60 (0.60) |"), "{text}");
    }
}
