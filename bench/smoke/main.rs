//! Compares the ratios of a short run with those that are stored, and says what moved. It informs: a machine's day decides
//! about as much as a change does, so nothing fails here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Parser;
use egldesktop_bench::output::Ratios;

/// Options of `make bench-smoke`.
#[derive(Debug, Parser)]
struct Cli {
    /// What is stored
    #[arg(long, default_value = "bench/ratios.json")]
    stored: PathBuf,
    /// Stores what was found now, instead of comparing
    #[arg(long)]
    store: bool,
    /// How far a ratio may be from the stored one, as a factor
    #[arg(long, default_value_t = 1.3)]
    within: f64,
    /// What the benchmarks have found now
    #[arg(required = true)]
    found: Vec<PathBuf>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let mut found = Ratios::new();
    for path in &cli.found {
        found.extend(read(path)?);
    }
    if cli.store {
        let text = serde_json::to_string_pretty(&found)? + "\n";
        return fs::write(&cli.stored, text).with_context(|| format!("cannot write {}", cli.stored.display()));
    }
    let text = compare(&read(&cli.stored)?, &found, cli.within);
    std::io::stdout().write_all(text.as_bytes()).context("standard output")
}

fn read(path: &Path) -> Result<Ratios> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not understood", path.display()))
}

/// What moved by more than this factor, either way.
fn compare(stored: &Ratios, found: &Ratios, within: f64) -> String {
    let (mut text, mut alike) = (String::new(), 0);
    for name in stored.keys().chain(found.keys()).collect::<BTreeSet<_>>() {
        let _ = match (stored.get(name), found.get(name)) {
            (Some(before), Some(now)) if (1.0 / within..=within).contains(&(now / before)) => {
                alike += 1;
                Ok(())
            }
            (Some(before), Some(now)) => {
                writeln!(text, "moved × {:.2}: {name}: {before:.4}, now {now:.4}", now / before)
            }
            (Some(before), None) => writeln!(text, "gone: {name}: {before:.4}"),
            (None, now) => writeln!(text, "new: {name}: {:.4}", now.copied().unwrap_or_default()),
        };
    }
    let _ = writeln!(text, "{alike} of {} ratios are within a factor of {within} of what is stored", stored.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moved_is_said_either_way_and_the_rest_is_counted() {
        let ratios = |pairs: &[(&str, f64)]| pairs.iter().map(|(name, ratio)| ((*name).to_owned(), *ratio)).collect();
        let stored: Ratios = ratios(&[("a", 1.0), ("b", 1.0), ("c", 1.0), ("d", 1.0)]);
        let found: Ratios = ratios(&[("a", 1.2), ("b", 1.5), ("c", 0.5), ("e", 2.0)]);
        let text = compare(&stored, &found, 1.3);
        assert_eq!(
            text,
            "moved × 1.50: b: 1.0000, now 1.5000\nmoved × 0.50: c: 1.0000, now 0.5000\ngone: d: 1.0000\nnew: e: 2.0000\n\
             1 of 4 ratios are within a factor of 1.3 of what is stored\n"
        );
    }
}
