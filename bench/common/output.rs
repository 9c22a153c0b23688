//! Where results go.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::plot::Plot;

/// Options that all benchmarks have.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Output {
    /// Writes the tables to this file too
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Puts the tables into this file, into the place of the same section there, and plots into the folder `plots` beside it
    #[arg(long, value_name = "FILE")]
    pub publish: Option<PathBuf>,
    /// Writes the ratios that `make bench-smoke` compares to this file
    #[arg(long, value_name = "FILE")]
    pub ratios: Option<PathBuf>,
}

/// Numbers that do not depend on how fast a machine is, by name.
pub type Ratios = BTreeMap<String, f64>;

/// What a benchmark has found.
#[derive(Debug, Default)]
pub struct Results {
    /// Its section, such as `viewers`: the name of its program.
    pub section: &'static str,
    /// Its tables, in Markdown, with a heading.
    pub text: String,
    /// Its plots.
    pub plots: Vec<Plot>,
    /// Its ratios.
    pub ratios: Ratios,
}

impl Output {
    /// Prints the tables, and writes what else is wanted.
    ///
    /// # Errors
    /// Where a file cannot be read or written.
    pub fn write(&self, results: &Results) -> Result<()> {
        std::io::stdout().write_all(results.text.as_bytes()).context("standard output")?;
        self.save(results)
    }

    /// Writes what is wanted, and prints nothing.
    ///
    /// # Errors
    /// Where a file cannot be read or written.
    pub fn save(&self, results: &Results) -> Result<()> {
        if let Some(path) = &self.markdown {
            write(path, &results.text)?;
        }
        if let Some(path) = &self.publish {
            publish(path, results)?;
        }
        if let Some(path) = &self.ratios {
            write(path, &serde_json::to_string_pretty(&results.ratios)?)?;
        }
        Ok(())
    }
}

fn publish(path: &Path, results: &Results) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("")).join("plots");
    let mut text = results.text.clone();
    let name = |number: usize| format!("{}-{number}.svg", results.section);
    // Those of a run that had more of them.
    let mut stale =
        (results.plots.len() + 1..).map(|number| folder.join(name(number))).take_while(|plot| plot.exists());
    stale.try_for_each(fs::remove_file)?;
    for (plot, number) in results.plots.iter().zip(1..) {
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let name = name(number);
        write(&folder.join(&name), &plot.svg()?)?;
        text += &format!("\n![{}](plots/{name})\n", plot.title);
    }
    let page = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    write(path, &replaced(&page, results.section, &text))
}

/// The page with another text in this section; at its end, where it has no such section.
fn replaced(page: &str, section: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- {section} -->\n"), format!("<!-- /{section} -->\n"));
    let place = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = place.unwrap_or((page, ""));
    let gap = if place.is_some() || page.ends_with("\n\n") { "" } else { "\n" };
    format!("{before}{gap}{begin}{}\n{end}{after}", text.trim_end())
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_where_it_is() {
        let page = replaced("# All\n", "a", "one\n");
        assert_eq!(page, "# All\n\n<!-- a -->\none\n<!-- /a -->\n");
        let page = replaced(&page, "b", "two\n");
        let page = replaced(&page, "a", "three\n");
        assert_eq!(page, "# All\n\n<!-- a -->\nthree\n<!-- /a -->\n\n<!-- b -->\ntwo\n<!-- /b -->\n");
    }

    #[test]
    fn plots_lie_beside_the_page() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page.md");
        fs::write(&page, "").unwrap();
        let plots = vec![Plot { title: "Delays".to_owned(), ..Plot::default() }];
        let results = Results { section: "x", text: "# X\n".to_owned(), plots, ..Results::default() };
        let output = Output { publish: Some(page.clone()), ..Output::default() };
        output.write(&results).unwrap();
        assert!(fs::read_to_string(page).unwrap().contains("![Delays](plots/x-1.svg)"));
        assert!(folder.path().join("plots/x-1.svg").exists());
        output.write(&Results { section: "x", ..Results::default() }).unwrap();
        assert!(!folder.path().join("plots/x-1.svg").exists());
    }
}
