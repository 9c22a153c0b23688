//! What a browser sees over networks that are slow, lose packets or change: our congestion control beside the usual wiring
//! of `rtpgccbwe` to the encoder, in one run, over the same emulated link.

mod scenario;
mod sender;
mod watch;

use anyhow::Result;
use clap::Parser;
use egldesktop_bench::output::{Output, Results};

use sender::Kind;

/// Options of `make bench-network`.
#[derive(Debug, Parser)]
struct Cli {
    /// Only the scenarios whose name has this in it.
    #[arg(default_value = "")]
    filter: String,
    #[command(flatten)]
    output: Output,
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
    cli.output.write(&Results { section: "network", text: table, ..Results::default() })
}
