//! How far the picture is behind with each encoder of software, seen in a browser: the same desktop, in turns.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use egldesktop_bench::eye::{Eye, first_frame, flips};
use egldesktop_bench::machine;
use egldesktop_bench::output::{Output, Results};
use egldesktop_bench::plot::Plot;
use egldesktop_bench::quantile::{median, quantile, shown};
use egldesktop_bench::screen::Screen;
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
    /// Changes of colour per run
    #[arg(long, default_value_t = 110)]
    flips: u32,
    #[command(flatten)]
    output: Output,
}

/// Of one encoder, all runs together.
#[derive(Debug, Default)]
struct Measured {
    delays: Vec<f64>,
    unseen: u32,
    first_frame: Vec<f64>,
    failed: Option<String>,
}

impl Measured {
    fn delay(&self, share: f64) -> Option<f64> {
        quantile(self.delays.iter().copied(), share)
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
    let first = all.first().and_then(|(_, measured)| measured.delay(0.5));
    let ratio = |(name, measured): &(&str, Measured)| {
        Some((format!("{name}: glass to glass beside {}", all.first()?.0), measured.delay(0.5)? / first?))
    };
    let ratios = all.iter().skip(1).filter_map(ratio).collect();
    let lines = all.iter().filter(|(_, measured)| !measured.delays.is_empty());
    let lines = lines.map(|(name, measured)| ((*name).to_owned(), measured.delays.clone()));
    let plots = vec![Plot::distribution("Glass to glass, at rest", "ms", lines)];
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
    let (delays, unseen) = flips(&browser, &screen, count).await?;
    measured.delays.extend(delays);
    measured.unseen += unseen;
    browser.close().await
}

fn markdown(all: &[(&str, Measured)], runs: u32, load: &str) -> Result<String> {
    let mut text = String::from("# How far the picture is behind, by encoder\n\n");
    text += "Written by `make bench-encoders`. 1920×1080 at rest but for a patch that changes its colour, no sound, 8 Mbit/s, in \
             Chromium by WebRTC over the loopback. \"Glass to glass\" is from the X client's flush to the frame callback in the page \
             in which the new colour is read back.\n\n";
    for (name, value) in machine::hardware()? {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let _ = writeln!(text, "- Method: {runs} runs that took turns, delays of all runs together");
    let _ = writeln!(text, "- Machine load: {load} before, {} after", machine::load());
    text += "\n| encoder | changes | glass to glass, median, ms | p95 | p99 | beside the first | never seen | first frame, ms |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    let first = all.first().and_then(|(_, measured)| measured.delay(0.5));
    for (name, measured) in all {
        if let Some(reason) = &measured.failed {
            let _ = writeln!(text, "| {name} | – | – | – | – | – | – | {} |", reason.replace('|', "\\|"));
            continue;
        }
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} |",
            measured.delays.len() + measured.unseen as usize,
            shown(measured.delay(0.5), 1),
            shown(measured.delay(0.95), 1),
            shown(measured.delay(0.99), 1),
            shown(measured.delay(0.5).zip(first).map(|(delay, first)| delay / first), 2),
            measured.unseen,
            shown(median(measured.first_frame.iter().copied()), 0),
        );
    }
    Ok(text)
}
