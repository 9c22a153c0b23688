//! Where the time goes between the desktop's screen and the one that somebody looks at: each stage that a frame takes, from
//! what the page's browser tells of it and what GStreamer's latency tracer tells in the desktop. One machine, so one clock.

mod tracer;

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use egldesktop_bench::machine;
use egldesktop_bench::output::{Output, Ratios, Results};
use egldesktop_bench::quantile::{median, quantile, shown};
use egldesktop_bench::screen::{Motion, Screen};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::isolated_however_long;
use egldesktop_tests::xvfb::Xvfb;
use serde::Deserialize;

use tracer::{Traced, Tracer};

/// What the encoder and the browser's first seconds need.
const SETTLE: Duration = Duration::from_secs(4);

/// How much the clocks of the page and of the tracer may differ for us, in milliseconds.
const CLOCKS: f64 = 0.3;

/// Options of `make bench-waterfall`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// Changes of colour, at rest and again in motion
    #[arg(long, default_value_t = 200)]
    flips: u32,
    /// The encoder
    #[arg(long, default_value = "x264enc")]
    encoder: String,
    /// Prints what the tracer tells of each element as well
    #[arg(long)]
    elements: bool,
    #[command(flatten)]
    output: Output,
}

/// What the page tells of the frame in which a change is seen; milliseconds since 1970.
#[derive(Debug, Clone, Deserialize)]
struct Change {
    colour: String,
    received: Option<f64>,
    /// How long, in milliseconds.
    decoding: Option<f64>,
    presented: Option<f64>,
    displayed: Option<f64>,
    seen: f64,
}

#[derive(Debug, Deserialize)]
struct Page {
    changes: Vec<Change>,
    /// What the machine's clock is ahead of the page's.
    clock: f64,
}

/// Since the X client's flush, in milliseconds; one value for each stage of [`STAGES`].
type Way = [Option<f64>; STAGES.len()];

/// The stages, in order, with who tells when each has ended.
static STAGES: [(&str, &str); 8] = [
    ("drawn, noticed, captured and converted", "tracer: `rate`, behind the capture"),
    ("waits for the encoder", "tracer: queue `newest`"),
    ("encoded", "tracer: `parse`"),
    ("packetised", "tracer: the viewer's payloader"),
    ("protected", "tracer: `srtpenc`"),
    ("sent and received", "`receiveTime`"),
    ("waits and is decoded", "`presentationTime`"),
    ("waits for the display", "`expectedDisplayTime`"),
];

/// What was seen of some changes.
#[derive(Debug, Default)]
struct Seen {
    ways: Vec<Way>,
    /// Until the page had read the colour back, which is what other benchmarks measure.
    read_back: Vec<f64>,
    /// How long decoding took.
    decoding: Vec<f64>,
}

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(cli).await);
}

async fn run(cli: Cli) -> Result<()> {
    let load = machine::load();
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let screen = Screen::start(&xvfb.display)?;
    let tracer = Tracer::start(folder.path())?;
    let mut variables = vec![
        ("DISPLAY", xvfb.display.as_str()),
        ("ENABLE_AUDIO", "false"),
        ("WEBRTC_ENCODER", &cli.encoder),
        ("WEBRTC_ENABLE_RESIZE", "false"),
        ("EGLDESKTOP_TRANSPORT", "webrtc"),
    ];
    variables.extend(tracer.variables());
    let desktop = Desktop::start(&variables)?;
    let browser = Chromium::start().await?;
    browser.set_page_size(1920, 1080).await?;
    browser.prepare(include_str!("trace.js")).await?;
    browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
    tokio::time::sleep(SETTLE).await;

    let mut flips = [Vec::new(), Vec::new()];
    for (motion, flips) in [Motion::None, Motion::Full].into_iter().zip(&mut flips) {
        screen.set_motion(motion);
        tokio::time::sleep(SETTLE).await;
        for index in 0..cli.flips {
            flips.push(screen.flip()?);
            // At no time that a loop of either side could be in step with.
            tokio::time::sleep(Duration::from_millis(300 + u64::from(index * 37 % 150))).await;
        }
    }
    let page = browser.run("return trace()").await?;
    let page: Page = serde_json::from_str(page.as_str().context("the page does not watch")?)?;
    browser.close().await?;
    let process = desktop.id();
    drop(desktop);
    let traced = tracer.end(process)?;
    if cli.elements {
        let text = traced.summary(&flips[0].iter().map(|(at, _)| *at).collect::<Vec<_>>());
        std::io::stderr().write_all(text.as_bytes())?;
    }
    let seen = flips.map(|flips| seen(&flips, &page, &traced));
    let text = markdown(&seen, &cli, &load)?;
    cli.output.write(&Results { section: "waterfall", text, plots: vec![], ratios: Ratios::new() })
}

/// Some times of what was seen.
type Times = fn(&Seen) -> &Vec<f64>;

/// The way of each change that was seen.
fn seen(flips: &[(f64, bool)], page: &Page, traced: &Traced) -> Seen {
    let mut all = Seen::default();
    for (index, (at, blue)) in flips.iter().enumerate() {
        let colour = if *blue { "blue" } else { "red" };
        let end = flips.get(index + 1).map_or(f64::INFINITY, |(next, _)| *next);
        let on_page = |time: f64| time + page.clock - at;
        let found = page.changes.iter().find(|change| {
            let seen = on_page(change.seen) + at;
            change.colour == colour && (at - 5.0..end).contains(&seen)
        });
        let Some(change) = found else { continue };
        // From the frame that the page tells of back to its capture: on this way none overtakes another, and each element
        // has given a frame away before it takes the next one.
        let before = |element: &str, moment: Option<f64>| traced.before(element, moment?);
        let protected = before("srtpenc0", change.received.map(|time| time + page.clock + CLOCKS));
        let packetised = before("rtph264pay0", protected);
        let encoded = before("parse", packetised);
        let newest = before("newest", encoded);
        let captured = before("rate", newest);
        let since = |time: Option<f64>| time.map(|time| time - at);
        all.ways.push([
            since(captured),
            since(newest),
            since(encoded),
            since(packetised),
            since(protected),
            change.received.map(on_page),
            change.presented.map(on_page),
            change.displayed.map(on_page),
        ]);
        all.read_back.push(on_page(change.seen));
        all.decoding.extend(change.decoding);
    }
    all
}

fn markdown(seen: &[Seen; 2], cli: &Cli, load: &str) -> Result<String> {
    ensure!(!seen[0].ways.is_empty(), "no change was seen");
    let mut text = String::from("# Where the time goes between two screens\n\n");
    let _ = writeln!(
        text,
        "Written by `make bench-waterfall`. 1920×1080, {}, Chromium by WebRTC over the loopback; a patch changes its colour, at rest \
         and while everything moves. Milliseconds since the X client's flush when each stage has ended, and what it took; medians of \
         {} changes. GStreamer's latency tracer runs along, which costs a little.\n",
        cli.encoder, cli.flips,
    );
    for (name, value) in machine::hardware()? {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let _ = writeln!(text, "- Machine load: {load} before, {} after", machine::load());
    text += "\n| stage | at rest: ended | took | p95 | in motion: ended | took | p95 | told by |\n\
             | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
    for (index, (stage, told)) in STAGES.iter().enumerate() {
        let _ = write!(text, "| {stage} |");
        for Seen { ways, .. } in seen {
            let took = || ways.iter().filter_map(|way| took(way, index));
            let ended = median(ways.iter().filter_map(|way| way[index]));
            let (middle, p95) = (median(took()), quantile(took(), 0.95));
            let _ = write!(text, " {} | {} | {} |", shown(ended, 2), shown(middle, 2), shown(p95, 2));
        }
        let _ = writeln!(text, " {told} |");
    }
    let others: [(&str, Times, &str); 2] = [
        ("of it decoding", |seen| &seen.decoding, "`processingDuration`"),
        (
            "until the page has read it back",
            |seen| &seen.read_back,
            "the page's clock; as \"glass to glass\" elsewhere",
        ),
    ];
    for (stage, of, told) in others {
        let _ = write!(text, "| {stage} |");
        for seen in seen {
            let (middle, p95) = (median(of(seen).iter().copied()), quantile(of(seen).iter().copied(), 0.95));
            let _ = write!(text, " – | {} | {} |", shown(middle, 2), shown(p95, 2));
        }
        let _ = writeln!(text, " {told} |");
    }
    Ok(text)
}

/// From the end of the stage before, as far as that is known, to the end of this one.
fn took(way: &Way, index: usize) -> Option<f64> {
    let before = way[..index].iter().rev().find_map(|ended| *ended).unwrap_or(0.0);
    Some(way[index]? - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_takes_what_is_between_it_and_the_last_one_that_is_known() {
        let mut way = [None; STAGES.len()];
        (way[0], way[2]) = (Some(1.0), Some(5.0));
        assert_eq!((took(&way, 0), took(&way, 1), took(&way, 2)), (Some(1.0), None, Some(4.0)));
    }
}
