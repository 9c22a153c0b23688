//! The command line.

use std::fmt;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use egldesktop_bench::output::Output;

use crate::candidate::Candidate;
use crate::case::Case;
use crate::workload::Workload;

/// What capturing a screen costs: egldesktopsrc beside ximagesrc, in one run
#[derive(Debug, Parser)]
#[command(name = "capture", args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) part: Option<Part>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What a user chooses.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Seconds that each candidate is measured, under each load, each time
    #[arg(long, default_value_t = 5.0, value_parser = seconds)]
    pub(crate) seconds: f64,
    /// How many times everything is measured; the result is the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) runs: u32,
    /// Sizes of the screen
    #[arg(long, value_delimiter = ',', default_value = "1920x1080,3840x2160")]
    pub(crate) sizes: Vec<Size>,
    /// What is drawn
    #[arg(long, value_delimiter = ',', default_value = "idle,typing,half,full,full-144,rects")]
    pub(crate) workloads: Vec<Workload>,
    /// Who captures
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ximage-i420,ximage-damage-i420,ximage-bgrx,ours-bgrx,ours-nv12,ours-i420"
    )]
    pub(crate) candidates: Vec<Candidate>,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// The processes that the benchmark starts of itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Part {
    /// Draw on a display until killed
    #[command(hide = true)]
    Paint {
        #[arg(long)]
        display: String,
        #[arg(long)]
        workload: Workload,
    },
    /// Capture a display and print what that cost
    #[command(hide = true)]
    Measure(Case),
}

/// Width and height of a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Size {
    /// Bytes of a picture of it as the X server keeps it.
    pub(crate) fn bytes(self) -> usize {
        usize::from(self.width) * usize::from(self.height) * 4
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (width, height) = text.split_once('x').ok_or("not WIDTHxHEIGHT")?;
        let side = |text: &str| text.parse::<u16>().ok().filter(|side| (320..=16384).contains(side));
        let (width, height) = side(width).zip(side(height)).ok_or("a side is not a number from 320 to 16384")?;
        Ok(Self { width, height })
    }
}

fn seconds(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|seconds| (0.5..=300.0).contains(seconds)).ok_or("not a number from 0.5 to 300")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_valid() {
        let options = Cli::parse_from(["capture"]).options;
        assert_eq!(options.sizes[1].to_string(), "3840x2160");
        assert_eq!((options.workloads.len(), options.candidates.len()), (6, 6));
    }

    #[test]
    fn wrong_sizes_are_refused() {
        for text in ["", "1920", "x", "0x0", "1920x", "99999x99999"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }
}
