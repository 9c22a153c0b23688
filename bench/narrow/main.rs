//! A desktop in full motion behind a narrow link, beside Selkies 2: how far the picture is behind, how often there is a new
//! one, how soon the first. Everybody gets the same X server with the same client on it, the same browser and the same
//! emulated link, in turns.

mod report;
mod visit;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use egldesktop_bench::output::Output;
use egldesktop_bench::peer::default_folder;
use egldesktop_tests::link::Profile;

use report::Report;
use visit::{ALL, Amount};

/// Options of `make bench-narrow`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 2)]
    runs: u32,
    /// Changes of colour per run
    #[arg(long, default_value_t = 60)]
    flips: u32,
    /// Seconds for which frames are counted
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bitrates that everybody is asked for, in kbit/s
    #[arg(long, value_delimiter = ',', default_value = "8000,16000")]
    bitrates: Vec<u32>,
    /// What the link carries towards the browser, in kbit/s
    #[arg(long, default_value_t = 10_000)]
    rate: u64,
    /// The link's delay, each way, in milliseconds
    #[arg(long, default_value_t = 50)]
    delay: u64,
    /// Where scripts/peers.sh has installed Selkies [default: target/peers]
    #[arg(long)]
    folder: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let folder = cli.folder.clone().map_or_else(default_folder, Ok)?;
    let profile = Profile { delay: Duration::from_millis(cli.delay), loss: 0.0, rate: Some(cli.rate * 1000) };
    let amount = Amount { flips: cli.flips, window: Duration::from_secs(cli.seconds) };
    let mut report = Report::new(&cli.bitrates, profile, cli.runs)?;
    for run in 0..cli.runs {
        for &bitrate in &cli.bitrates {
            for case in ALL {
                writeln!(std::io::stderr(), "run {} of {}: {}, {bitrate} kbit/s", run + 1, cli.runs, case.name)?;
                match case.peer.missing(&folder) {
                    Some(reason) => report.skipped(case, &reason),
                    None => report.add(case, bitrate, visit::visit(case, &folder, bitrate, profile, amount)),
                }
            }
        }
    }
    cli.output.write(&report.results())
}
