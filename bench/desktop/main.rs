//! A whole desktop in a browser, beside others that serve one: how soon it is there, how far the picture is behind, what
//! it costs. Everybody gets the same X server with the same client on it and the same browser, in turns.

mod measure;
mod report;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use egldesktop_bench::output::{Output, Ratios, Results};
use egldesktop_bench::peer::{Peer, default_folder};
use egldesktop_tests::namespace::{add_address, isolated_however_long};

use measure::Amount;
use report::Report;

/// Options of `make bench-desktop`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// Who is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Peer::Ours, Peer::Selkies, Peer::Novnc, Peer::Xpra, Peer::Plain])]
    peers: Vec<Peer>,
    /// How often each is measured, in turns
    #[arg(long, default_value_t = 3)]
    runs: u32,
    /// Changes of colour per run, at rest and again in motion
    #[arg(long, default_value_t = 70)]
    flips: u32,
    /// Clicks per run
    #[arg(long, default_value_t = 40)]
    clicks: u32,
    /// Seconds for which CPU time is counted
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Where scripts/peers.sh has installed them [default: target/peers]
    #[arg(long)]
    folder: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(cli).await);
}

async fn run(cli: Cli) -> Result<()> {
    add_address()?;
    let folder = cli.folder.clone().map_or_else(default_folder, Ok)?;
    let amount = Amount { flips: cli.flips, clicks: cli.clicks, window: Duration::from_secs(cli.seconds) };
    let mut report = Report::new(&cli.peers, &folder, cli.runs)?;
    for run in 0..cli.runs {
        for peer in report.measurable() {
            let mut err = std::io::stderr();
            writeln!(err, "run {} of {}: {}", run + 1, cli.runs, peer.name())?;
            match measure::visit(peer, &folder, amount).await {
                Ok(measured) => report.add(peer, measured),
                // One that fails is said, and the others are measured all the same.
                Err(error) => report.failed(peer, &error),
            }
        }
    }
    let text = report.markdown();
    cli.output.write(&Results { section: "desktop", text, plots: report.plots(), ratios: Ratios::new() })
}
