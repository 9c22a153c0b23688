//! What a browser sees over networks that are slow, lose packets or change: our congestion control beside the usual wiring
//! of `rtpgccbwe` to the encoder, in one run, over the same emulated link.

mod scenario;
mod sender;
mod watch;

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;

use sender::Kind;

/// Options of `make bench-network`.
#[derive(Debug, Parser)]
struct Cli {
    /// Only the scenarios whose name has this in it.
    #[arg(default_value = "")]
    filter: String,
    /// Writes the table to this file too.
    #[arg(long)]
    markdown: Option<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let mut table = String::from(
        "| network | | ours: Mbit/s | longest gap, ms | follows in, s | rtpgccbwe: Mbit/s | longest gap, ms | follows in, s |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for scenario in scenario::ALL.iter().filter(|scenario| scenario.name.contains(&cli.filter)) {
        let (ours, plain) = (watch::run(scenario, Kind::Ours)?, watch::run(scenario, Kind::Plain)?);
        for ((phase, ours), plain) in scenario.phases.iter().zip(ours).zip(plain) {
            table += &format!("| {} | {} | {ours} | {plain} |\n", scenario.name, phase.name);
        }
    }
    std::io::stdout().write_all(table.as_bytes()).context("standard output")?;
    if let Some(path) = &cli.markdown {
        std::fs::write(path, table).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
