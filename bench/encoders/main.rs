//! How far the picture is behind with each encoder of software, at rest and while everything moves, seen in a browser: the
//! same desktop, in turns.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use egldesktop_bench::eye::{Eye, PATIENCE, first_frame, slow_flips};
use egldesktop_bench::machine;
use egldesktop_bench::output::{Output, Results};
use egldesktop_bench::plot::Plot;
use egldesktop_bench::quantile::{median, quantile, shown};
use egldesktop_bench::screen::{Motion, Screen};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::isolated_however_long;
use egldesktop_tests::xvfb::Xvfb;

/// What the encoder and the browser's first seconds need.
const SETTLE: Duration = Duration::from_secs(3);

/// Options of `make bench-encoders`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// Which encoders
    #[arg(long, value_delimiter = ',', default_value = "x264enc,openh264enc,vp8enc,vp9enc,av1enc,x265enc")]
    encoders: Vec<String>,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 2)]
    runs: u32,
    /// Changes of colour per run, at rest and again in motion
    #[arg(long, default_value_t = 110)]
    flips: u32,
    #[command(flatten)]
    output: Output,
}

/// Of one encoder, all runs together.
#[derive(Debug, Default)]
struct Measured {
    rest: Delays,
    motion: Delays,
    first_frame: Vec<f64>,
    /// Frames a second that the page showed in motion.
    frames: Vec<f64>,
    failed: Option<String>,
}

/// Milliseconds from the X client's flush to the page.
#[derive(Debug, Default)]
struct Delays {
    seen: Vec<f64>,
    unseen: u32,
}

impl Delays {
    fn add(&mut self, (seen, unseen): (Vec<f64>, u32)) {
        self.seen.extend(seen);
        self.unseen += unseen;
    }

    fn share(&self, share: f64) -> Option<f64> {
        quantile(self.seen.iter().copied(), share)
    }
}

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(cli).await);
}

async fn run(cli: Cli) -> Result<()> {
    let load = machine::load();
    let mut all: Vec<_> = cli.encoders.iter().map(|name| (name.as_str(), Measured::default())).collect();
    for run in 0..cli.runs {
        for (name, measured) in &mut all {
            writeln!(std::io::stderr(), "run {} of {}: {name}", run + 1, cli.runs)?;
            if measured.failed.is_none()
                && let Err(error) = visit(name, cli.flips, measured).await
            {
                writeln!(std::io::stderr(), "{name}: {error:?}")?;
                measured.failed = Some(error.to_string());
            }
        }
    }
    let first = all.first().and_then(|(_, measured)| measured.rest.share(0.5));
    let ratio = |(name, measured): &(&str, Measured)| {
        Some((format!("{name}: glass to glass beside {}", all.first()?.0), measured.rest.share(0.5)? / first?))
    };
    let ratios = all.iter().skip(1).filter_map(ratio).collect();
    let plot = |title: &str, of: fn(&Measured) -> &Delays| {
        let lines = all.iter().map(|(name, measured)| ((*name).to_owned(), of(measured).seen.clone()));
        Plot::distribution(title, "ms", lines.filter(|(_, seen)| !seen.is_empty()))
    };
    let plots = vec![
        plot("Glass to glass, at rest", |measured| &measured.rest),
        plot("Glass to glass, full motion", |measured| &measured.motion),
    ];
    cli.output.write(&Results { section: "encoders", text: markdown(&all, cli.runs, &load)?, plots, ratios })
}

/// Looks at a desktop with this encoder once.
async fn visit(encoder: &str, count: u32, measured: &mut Measured) -> Result<()> {
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let screen = Screen::start(&xvfb.display)?;
    let desktop = Desktop::start(&[
        ("DISPLAY", &xvfb.display),
        ("ENABLE_AUDIO", "false"),
        ("WEBRTC_ENCODER", encoder),
        ("WEBRTC_ENABLE_RESIZE", "false"),
        ("EGLDESKTOP_TRANSPORT", "webrtc"),
    ])?;
    let browser = Chromium::start().await?;
    browser.set_page_size(1920, 1080).await?;
    Eye::open(&browser, false).await?;
    let url = format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address);
    measured.first_frame.push(first_frame(&browser, &url).await.context("no picture in the browser")?);
    tokio::time::sleep(SETTLE).await;
    measured.rest.add(slow_flips(&browser, &screen, count, PATIENCE).await?);
    screen.set_motion(Motion::Full);
    tokio::time::sleep(SETTLE).await;
    let (start, before) = (Instant::now(), Eye::look(&browser).await?.frames);
    measured.motion.add(slow_flips(&browser, &screen, count, PATIENCE).await?);
    let frames = Eye::look(&browser).await?.frames - before;
    measured.frames.push(frames as f64 / start.elapsed().as_secs_f64());
    browser.close().await
}

fn markdown(all: &[(&str, Measured)], runs: u32, load: &str) -> Result<String> {
    let mut text = String::from("# How far the picture is behind, by encoder\n\n");
    text += "Written by `make bench-encoders`. 1920×1080, no sound, 8 Mbit/s, up to 60 frames a second, in Chromium by WebRTC over the \
             loopback. A patch changes its colour, at rest and while everything else moves; the next change waits until that one is \
             seen, or 2 s. \"Glass to glass\" is from the X client's flush to the page's frame in which the new colour is read \
             back. Encoder, browser and its decoder share the machine.\n\n";
    for (name, value) in machine::hardware()? {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let _ = writeln!(text, "- Method: {runs} runs that took turns, delays of all runs together");
    let _ = writeln!(text, "- Machine load: {load} before, {} after", machine::load());
    text += "\n| encoder | first frame, ms | at rest: median, ms | p95 | p99 | beside the first | changes | never seen | \
             in motion: median, ms | p95 | p99 | beside the first | changes | never seen | frames/s |\n| --- |";
    text += &" ---: |".repeat(14);
    text.push('\n');
    let first = |of: fn(&Measured) -> &Delays| all.first().and_then(|(_, measured)| of(measured).share(0.5));
    let (first_at_rest, first_in_motion) = (first(|it| &it.rest), first(|it| &it.motion));
    for (name, measured) in all {
        if let Some(reason) = &measured.failed {
            let _ = writeln!(text, "| {name} | {} |{}", reason.replace('|', "\\|"), " – |".repeat(13));
            continue;
        }
        let _ = write!(text, "| {name} | {} |", shown(median(measured.first_frame.iter().copied()), 0));
        for (delays, first) in [(&measured.rest, first_at_rest), (&measured.motion, first_in_motion)] {
            let beside = delays.share(0.5).zip(first).map(|(delay, first)| delay / first);
            let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| shown(delays.share(share), 1));
            let count = delays.seen.len() + delays.unseen as usize;
            let _ = write!(text, " {p50} | {p95} | {p99} | {} | {count} | {} |", shown(beside, 2), delays.unseen);
        }
        let _ = writeln!(text, " {} |", shown(median(measured.frames.iter().copied()), 1));
    }
    Ok(text)
}
