//! What capturing a screen costs, ours beside `ximagesrc`, in one run on the same screen.
//!
//! The machine's noise is larger than most differences, so nothing here is absolute: the candidates take turns under
//! the same load, several times over, and what is printed are medians and ratios. Each candidate is a process of its
//! own, and what the X server spends for it is counted too: its CPU time less what the load alone costs.

mod candidate;
mod case;
mod memcpy;
mod options;
mod painter;
mod plugin;
mod probe;
mod report;
mod stamp;
mod suite;
mod summary;
mod workload;

use std::io::Write as _;

use anyhow::{Context as _, Result};
use clap::Parser as _;

use options::{Cli, Part};

fn main() -> Result<()> {
    let cli = Cli::parse();
    if cli.part.is_some() {
        // These are children of the benchmark: none may outlive it and go on drawing.
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
    }
    match cli.part {
        Some(Part::Paint { display, workload }) => painter::paint(&display, workload),
        Some(Part::Measure(case)) => {
            let measured = probe::measure(&case)?;
            serde_json::to_writer(std::io::stdout(), &measured).context("standard output")
        }
        None => {
            let report = suite::run(&cli.options)?;
            std::io::stdout().write_all(report.text().as_bytes()).context("standard output")?;
            cli.options.output.save(&report.results())
        }
    }
}
