//! Viewers come and go every few seconds for minutes, sizes and bitrates change, motion and idle alternate; then what the
//! desktop holds has to be what it held at the beginning: descriptors, threads, memory, and what it has in the X server.

mod motion;
mod sample;
mod sanitizer;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use egldesktop_tests::desktop::{Desktop, PASSWORD, USER};
use egldesktop_tests::http::{ask, make_link, open_link};
use egldesktop_tests::namespace::{add_address, isolated_however_long};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::random::Random;
use egldesktop_tests::xvfb::Xvfb;
use rustix::process::Signal;

use motion::Motion;
use sample::{Sample, Series};
use sanitizer::Sanitizer;

/// Options of `make soak`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// How long, in minutes.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// With AddressSanitizer and LeakSanitizer in the desktop: what is lost, freed twice, or used once it is freed. What
    /// these need themselves grows, so that is printed, and nothing more.
    #[arg(long)]
    sanitize: bool,
    /// More of the desktop's environment
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(String, String)>,
    /// All samples, as comma-separated values
    #[arg(long, value_name = "FILE")]
    series: Option<PathBuf>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a variable is NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Sizes of the screen, in pixels.
const SIZES: [(u32, u32); 4] = [(1280, 720), (800, 600), (1920, 1080), (1024, 768)];
/// kbit/s
const BITRATES: [u32; 4] = [8000, 500, 4000, 20_000];
/// Most frames per second.
const FRAMERATES: [u32; 3] = [60, 15, 30];
/// How long the screen moves, or is still, while viewers are there.
const PHASE: Duration = Duration::from_millis(1500);
/// At the beginning, caches and pools fill; what is compared comes after it.
const WARM_UP: f64 = 0.3;
/// How often it is counted, and how long nobody is there before.
const ROUNDS_PER_SAMPLE: u32 = 4;
const QUIET: Duration = Duration::from_secs(2);

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(&cli).await);
}

async fn run(cli: &Cli) -> Result<()> {
    let length = Duration::from_secs(cli.minutes * 60);
    add_address()?;
    let folder = tempfile::tempdir()?;
    let mut xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let x_server = xvfb.process().id();
    let sanitizer = cli.sanitize.then(Sanitizer::new).transpose()?;
    let variables = [
        ("DISPLAY", xvfb.display.as_str()),
        ("ENABLE_AUDIO", "false"),
        ("WEBRTC_ENABLE_RESIZE", "true"),
        ("SELKIES_USER_CONFIG_FILE", "/dev/null"),
    ];
    let more = sanitizer.as_ref().map(Sanitizer::variables).unwrap_or_default();
    let set: Vec<_> = cli.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut desktop = Desktop::start(&[&variables, more.as_slice(), &set].concat())?;
    let process = desktop.process().id();
    let motion = Motion::start(&xvfb.display)?;
    let (mut random, mut series) = (Random(0x50a4), Series::default());
    let (start, mut rounds, mut sessions) = (Instant::now(), 0u32, 0u32);
    while start.elapsed() < length {
        let viewers = round(&desktop, &motion, &mut random, rounds).await.with_context(|| format!("round {rounds}"));
        sessions += match (viewers, &sanitizer) {
            (Err(error), Some(sanitizer)) => return Err(error.context(sanitizer.found(process)?)),
            (viewers, _) => viewers?,
        };
        rounds += 1;
        // All have left, and what they held is given back on threads of its own.
        let metrics = format!("http://{}/metrics", desktop.address);
        let left = Instant::now() + egldesktop_tests::PATIENCE;
        while !ask("GET", &metrics, Some((USER, PASSWORD)), &[], "").await?.body.contains("\negldesktop_viewers 0\n") {
            ensure!(Instant::now() < left, "viewers who have left are still there");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        if rounds.is_multiple_of(ROUNDS_PER_SAMPLE) {
            // Nobody tells when the last thread of a pool has ended, and its memory is given back.
            tokio::time::sleep(QUIET).await;
            series.add(start.elapsed(), Sample::of(process, x_server, &xvfb.display)?);
        }
    }
    if let Some(path) = &cli.series {
        std::fs::write(path, series.lines())?;
    }
    let report = series.report(WARM_UP);
    let mut output = std::io::stdout();
    writeln!(output, "{rounds} rounds, {sessions} sessions in {} s\n\n{}", start.elapsed().as_secs(), report.table)?;
    let Some(sanitizer) = sanitizer else {
        ensure!(report.flat, "something grows: see the table");
        return Ok(());
    };
    desktop.process().signal(Signal::TERM)?;
    let status = desktop.process().wait()?;
    ensure!(status.success(), "the desktop ends with {status}");
    let found = sanitizer.found(process)?;
    ensure!(
        !found.contains("LeakSanitizer has encountered a fatal error"),
        "AddressSanitizer has found nothing, but LeakSanitizer itself has failed: run it again\n{found}"
    );
    ensure!(found.is_empty(), "{found}");
    Ok(writeln!(output, "\nAddressSanitizer and LeakSanitizer have found nothing.")?)
}

/// One to three viewers, who do what viewers do, and leave in whatever way.
async fn round(desktop: &Desktop, motion: &Motion, random: &mut Random, number: u32) -> Result<u32> {
    let address = &desktop.address;
    let mut viewers = vec![Viewer::start(address, PASSWORD).await?];
    viewers[0].wait_for_control(true).await?;
    let (width, height) = random.pick(&SIZES);
    let (bitrate, framerate) = (random.pick(&BITRATES), random.pick(&FRAMERATES));
    for message in [format!("r,{width}x{height}"), format!("vb,{bitrate}"), format!("_arg_fps,{framerate}")] {
        viewers[0].send(&message).await?;
    }
    for extra in 0..random.below(3) {
        viewers.push(if extra == 0 {
            let link = make_link(address, (USER, PASSWORD), true).await?;
            let cookie = open_link(address, &link).await?.cookie().context("no cookie")?;
            Viewer::start_with_cookie(address, &cookie).await?
        } else {
            Viewer::start(address, PASSWORD).await?
        });
    }
    motion.set(number.is_multiple_of(2));
    let phase = Instant::now();
    while phase.elapsed() < PHASE {
        let (x, y) = (random.below(width), random.below(height));
        viewers[0].send(&format!("m,{x},{y},{},0", random.below(2))).await?;
        let key = u32::from('a') + random.below(26);
        viewers[0].send(&format!("kd,{key}")).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for viewer in &viewers {
        viewer.wait_for_frames(1).await?;
    }
    motion.set(false);
    Ok(viewers.len() as u32)
}
