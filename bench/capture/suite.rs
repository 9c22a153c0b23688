//! The order of things: who is measured when.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use egldesktop_bench::machine;
use egldesktop_tests::process::Process;
use egldesktop_tests::xvfb::Xvfb;

use crate::candidate::Candidate;
use crate::case::{Case, Measured};
use crate::memcpy::{Copier, Copy};
use crate::options::{Options, Size};
use crate::plugin;
use crate::report::{Report, Section};
use crate::workload::Workload;

/// Everybody measured once under one load.
pub(crate) struct Round {
    /// The X server with the load and nobody capturing.
    pub(crate) alone: Measured,
    pub(crate) candidates: Vec<(Candidate, Measured)>,
    /// Where the load is every pixel.
    pub(crate) copy: Option<Copy>,
}

/// Runs all of it.
pub(crate) fn run(options: &Options) -> Result<Report> {
    let plugin = plugin::init()?;
    let interrupted = watch_for_interrupts()?;
    let mut report = Report { load: machine::load(), ..Report::default() };
    let (mut candidates, mut skipped) = (Vec::new(), Vec::new());
    for &candidate in &options.candidates {
        match candidate.missing() {
            None => candidates.push(candidate),
            Some(reason) => skipped.push(format!("{} is skipped: {reason}", candidate.name())),
        }
    }
    for note in &skipped {
        eprintln!("{note}");
    }
    report.skipped = skipped;
    report.method = format!("{} s each, median of {} runs that took turns", options.seconds, options.runs);

    for &size in &options.sizes {
        let screen = Screen::start(size)?;
        if report.machine.is_empty() {
            report.machine = machine::describe(&screen.xvfb.display, &plugin)?;
        }
        let mut copier = Copier::new(size.bytes());
        for &workload in &options.workloads {
            let mut rounds = Vec::new();
            for run in 0..options.runs {
                eprintln!("{size}, {}: run {} of {}", workload.title(), run + 1, options.runs);
                rounds.push(screen.round(workload, &candidates, run, options.seconds, &mut copier, &interrupted)?);
            }
            report.sections.push(Section::new(size, workload, &candidates, &rounds));
        }
    }
    report.load = format!("{} before, {} after", report.load, machine::load());
    Ok(report)
}

struct Screen {
    xvfb: Xvfb,
    server: u32,
    // Where the X server keeps the framebuffer; outlives it.
    _folder: tempfile::TempDir,
}

impl Screen {
    /// The framebuffer is a file, as the launcher starts its own: a capture that can read it in place may.
    fn start(size: Size) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let folder = tempfile::Builder::new().prefix("egldesktop-bench-").tempdir_in(parent)?;
        let path = folder.path().to_str().context("not a path for an argument")?;
        let mut xvfb = Xvfb::start_with(size.width.into(), size.height.into(), &["-fbdir", path])?;
        let server = xvfb.process().id();
        Ok(Self { xvfb, server, _folder: folder })
    }

    /// Measures everybody once, under one and the same load.
    fn round(
        &self,
        workload: Workload,
        candidates: &[Candidate],
        run: u32,
        seconds: f64,
        copier: &mut Copier,
        interrupted: &AtomicBool,
    ) -> Result<Round> {
        let _painter = self.paint(workload)?;
        let alone = self.measure(None, seconds)?;
        let copy = workload.is_full().then(|| copier.measure());
        // Another one first each time: what a machine does in the background may have a rhythm.
        let mut order = candidates.to_vec();
        let count = order.len().max(1);
        order.rotate_left(run as usize % count);
        let mut measured = Vec::new();
        for candidate in order {
            ensure!(!interrupted.load(Ordering::Relaxed), "interrupted");
            let result = self.measure(Some(candidate), seconds);
            measured.push((candidate, result.with_context(|| format!("{}, {}", candidate.name(), workload.title()))?));
        }
        Ok(Round { alone, candidates: measured, copy })
    }

    /// Draws until the returned process is dropped.
    fn paint(&self, workload: Workload) -> Result<Process> {
        let name = clap::ValueEnum::to_possible_value(&workload).context("no name")?;
        let arguments =
            ["paint".to_owned(), format!("--display={}", self.xvfb.display), format!("--workload={}", name.get_name())];
        let (process, output) = start(&arguments)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        ensure!(line.trim() == "ready", "the load does not start");
        Ok(process)
    }

    fn measure(&self, candidate: Option<Candidate>, seconds: f64) -> Result<Measured> {
        let case = Case { display: self.xvfb.display.clone(), server: self.server, seconds, candidate };
        let arguments: Vec<String> = ["measure".to_owned()].into_iter().chain(case.arguments()).collect();
        let (mut process, mut output) = start(&arguments)?;
        let mut text = String::new();
        output.read_to_string(&mut text)?;
        let status = process.wait()?;
        if !status.success() {
            bail!("the measuring process failed: {status}");
        }
        serde_json::from_str(&text).context("the measuring process says nothing that is understood")
    }
}

/// This program in another role, and what it prints.
fn start(arguments: &[String]) -> Result<(Process, std::io::PipeReader)> {
    // A pipe of our own: what comes is read by who waits for it, and not shown.
    let (reader, writer) = std::io::pipe()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::null()).stdout(writer);
    Ok((Process::start(&mut command)?, reader))
}

/// Whether somebody wants this to end. The children have process groups of their own and hear nothing of ^C, and only
/// a regular end takes the X server along.
fn watch_for_interrupts() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let set = Arc::clone(&interrupted);
    std::thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                set.store(true, Ordering::Relaxed);
            }
        });
    });
    Ok(interrupted)
}
