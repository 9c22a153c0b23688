//! How good text is once nothing moves any more: what a receiver decodes, beside the X server's own pixels.

mod compare;
mod receive;
mod report;
mod text;

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use egldesktop_bench::output::Output;
use egldesktop_tests::namespace::{add_address, isolated_however_long};

use report::Report;
use text::Scene;

/// Options of `make bench-quality`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// Bitrates, in kbit/s
    #[arg(long, value_delimiter = ',', default_value = "1000,4000,8000")]
    bitrates: Vec<u32>,
    /// What moves before
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Scene::Document, Scene::Scroll, Scene::Page])]
    scenes: Vec<Scene>,
    /// How often motion stops, for each
    #[arg(long, default_value_t = 6)]
    stops: u32,
    /// Seconds of motion before each stop
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    #[command(flatten)]
    output: Output,
}

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(cli).await);
}

async fn run(cli: Cli) -> Result<()> {
    add_address()?;
    let mut report = Report::new(cli.stops)?;
    for &scene in &cli.scenes {
        for &bitrate in &cli.bitrates {
            writeln!(std::io::stderr(), "{scene:?}, {bitrate} kbit/s")?;
            let stops = receive::stops(scene, bitrate, cli.stops, Duration::from_secs(cli.seconds)).await?;
            report.add(scene, bitrate, stops);
        }
    }
    cli.output.write(&report.results())
}
