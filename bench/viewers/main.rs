//! What a viewer costs: the same desktop in full motion with none, one and many, who receive by WebRTC and decode nothing.

mod report;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use egldesktop_bench::output::Output;
use egldesktop_bench::screen::{Motion, Screen};
use egldesktop_bench::usage;
use egldesktop_tests::desktop::{Desktop, PASSWORD, USER};
use egldesktop_tests::http;
use egldesktop_tests::namespace::{add_address, isolated_however_long};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::xvfb::Xvfb;

use report::{Measured, Report};

/// What the encoder, DTLS and the congestion control of a new viewer need.
const SETTLE: Duration = Duration::from_secs(5);

/// Options of `make bench-viewers`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// How many viewers, from few to many
    #[arg(long, value_delimiter = ',', default_value = "0,1,5,20")]
    viewers: Vec<usize>,
    /// How often everything is measured; the result is the median
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Seconds for which CPU time is counted
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Frames a second
    #[arg(long, default_value_t = 60)]
    framerate: u32,
    #[command(flatten)]
    output: Output,
}

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(cli).await);
}

async fn run(cli: Cli) -> Result<()> {
    ensure!(cli.viewers.is_sorted(), "the numbers of viewers have to go up");
    add_address()?;
    let mut report = Report::new(cli.runs, cli.framerate)?;
    for run in 0..cli.runs {
        writeln!(std::io::stderr(), "run {} of {}", run + 1, cli.runs)?;
        for (viewers, measured) in measure(&cli).await? {
            report.add(viewers, measured);
        }
    }
    cli.output.write(&report.results())
}

/// Each number of viewers once, on one desktop.
async fn measure(cli: &Cli) -> Result<BTreeMap<usize, Measured>> {
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let mut xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let screen = Screen::start(&xvfb.display)?;
    screen.set_motion(Motion::Full);
    let framerate = cli.framerate.to_string();
    let desktop = Desktop::start(&[
        ("DISPLAY", &xvfb.display),
        ("ENABLE_AUDIO", "false"),
        ("WEBRTC_ENCODER", "x264enc"),
        ("WEBRTC_ENABLE_RESIZE", "false"),
        ("SELKIES_FRAMERATE", &framerate),
        // Every viewer gets as much, however full the machine is.
        ("SELKIES_CONGESTION_CONTROL", "false"),
    ])?;
    let mut viewers: Vec<Viewer> = Vec::new();
    let mut all = BTreeMap::new();
    for &count in &cli.viewers {
        while viewers.len() < count {
            let viewer = Viewer::start(&desktop.address, PASSWORD).await?;
            viewer.wait_for_frames(1).await?;
            viewers.push(viewer);
        }
        tokio::time::sleep(SETTLE).await;
        let before = Moment::now(&desktop, &mut xvfb, &viewers).await?;
        tokio::time::sleep(Duration::from_secs(cli.seconds)).await;
        let after = Moment::now(&desktop, &mut xvfb, &viewers).await?;
        all.insert(count, after.since(&before));
    }
    Ok(all)
}

/// Counters at one time.
struct Moment {
    at: Instant,
    server: Duration,
    screen: Duration,
    encoded: f64,
    bytes: f64,
    received: Vec<u64>,
    idle: (Duration, Duration),
}

impl Moment {
    async fn now(desktop: &Desktop, xvfb: &mut Xvfb, viewers: &[Viewer]) -> Result<Self> {
        let (status, text) = http::get(&format!("http://{}/metrics", desktop.address), Some((USER, PASSWORD))).await?;
        ensure!(status == 200, "/metrics says {status}");
        let video = |name: &str| {
            let name = format!("{name}{{stream=\"video\"}} ");
            let value = text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<f64>().ok());
            value.with_context(|| format!("no {name}in /metrics"))
        };
        Ok(Self {
            at: Instant::now(),
            server: usage::tree_cpu(desktop.id())?,
            screen: usage::cpu(xvfb.process().id())?,
            encoded: video("egldesktop_encoded_frames_total")?,
            bytes: video("egldesktop_encoded_bytes_total")?,
            received: viewers.iter().map(Viewer::frames).collect(),
            idle: usage::machine_idle()?,
        })
    }

    fn since(&self, before: &Self) -> Measured {
        let seconds = (self.at - before.at).as_secs_f64();
        let share = |after: Duration, before: Duration| after.saturating_sub(before).as_secs_f64() / seconds;
        let received = self.received.iter().zip(&before.received);
        let total = self.idle.1.saturating_sub(before.idle.1).as_secs_f64();
        Measured {
            server: share(self.server, before.server),
            screen: share(self.screen, before.screen),
            encoded: (self.encoded - before.encoded) / seconds,
            mbit: (self.bytes - before.bytes) * 8e-6 / seconds,
            received: received.map(|(after, before)| (after - before) as f64 / seconds).collect(),
            idle: self.idle.0.saturating_sub(before.idle.0).as_secs_f64() / total,
        }
    }
}
