//! Child processes that end with the test.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::PATIENCE;

/// The folder of the programs under test: the one that cargo builds into.
pub fn target_dir() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    // Tests are in a folder of their own, target/debug/deps/e2e-0123; a bench is not.
    let folder = program.parent().unwrap_or(Path::new(""));
    folder.parent().filter(|_| folder.ends_with("deps")).unwrap_or(folder).to_owned()
}

/// A file that `cargo build --workspace` makes.
pub fn built(name: &str) -> Result<PathBuf> {
    let path = target_dir().join(name);
    if !path.exists() {
        bail!("{} is missing: run `cargo build --workspace` first (`make test` does)", path.display());
    }
    Ok(path)
}

/// A child process with a process group of its own; the whole group ends on drop, and the child is awaited.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts a program.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The lines of its standard output, which must be piped. Read to the end by a thread, so that it never blocks.
    pub fn lines(&mut self) -> Result<Receiver<String>> {
        let output = self.child.stdout.take().context("standard output is not piped")?;
        Ok(read_lines(output))
    }

    /// Its standard output as it comes, which must be piped.
    pub fn stdout(&mut self) -> Result<std::process::ChildStdout> {
        self.child.stdout.take().context("standard output is not piped")
    }

    /// The lines of its standard error, likewise.
    pub fn error_lines(&mut self) -> Result<Receiver<String>> {
        let output = self.child.stderr.take().context("standard error is not piped")?;
        Ok(read_lines(output))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).context("no process id")?;
        Ok(rustix::process::kill_process(pid, signal)?)
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        // There is no wait with a time-out; a pidfd becomes readable when the process ends.
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).context("no process id")?;
        if let Ok(fd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = rustix::event::Timespec { tv_sec: left.as_secs() as i64, tv_nsec: 0 };
            let mut fds = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::IN)];
            if rustix::event::poll(&mut fds, Some(&left))? == 0 {
                bail!("{} does not end", self.name);
            }
        }
        Ok(self.child.wait()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_raw(self.child.id() as i32);
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.signal(rustix::process::Signal::TERM);
            if self.wait().is_err() {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
        }
        // A browser outlives its driver when a test gives up on it.
        if let Some(group) = group {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

fn read_lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Shown with the failed test that captured it.
            eprintln!("| {line}");
            let _ = sender.send(line);
        }
    });
    lines
}

/// The first line that `pick` likes.
pub fn wait_for_line<T>(lines: &Receiver<String>, pick: impl Fn(&str) -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).context("the expected line did not come")?;
        if let Some(value) = pick(&line) {
            return Ok(value);
        }
    }
}
