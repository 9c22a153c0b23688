//! A private X server.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

use crate::process::{Process, wait_for_line};

/// An Xvfb on a display number that nobody else has.
#[derive(Debug)]
pub struct Xvfb {
    process: Process,
    /// Such as `:3`.
    pub display: String,
}

impl Xvfb {
    /// Starts one with a screen of this size, and returns when it takes connections.
    pub fn start(width: u32, height: u32) -> Result<Self> {
        Self::start_with(width, height, &[])
    }

    /// One that keeps its framebuffer in a file in this folder.
    pub fn start_mapped(width: u32, height: u32, folder: &std::path::Path) -> Result<Self> {
        Self::start_with(width, height, &["-fbdir", &folder.display().to_string()])
    }

    /// One with more arguments.
    pub fn start_with(width: u32, height: u32, arguments: &[&str]) -> Result<Self> {
        // A number of our own. Left to choose, an X server looks for a free abstract socket: in another network
        // namespace each one is, and it takes the path of the socket away from the server that has the number.
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let number = 100 + (std::process::id().wrapping_mul(61).wrapping_add(count)) % 59_000;
        let display = format!(":{number}");
        let mut process = Process::start(
            Command::new("Xvfb")
                .args([&display, "-displayfd", "1", "-screen", "0", &format!("{width}x{height}x24")])
                .args(["-noreset", "-nocursor", "-nolisten", "tcp"])
                .args(arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )?;
        let lines = process.lines()?;
        wait_for_line(&lines, |line| (line.trim() == number.to_string()).then_some(()))?;
        Ok(Self { process, display })
    }

    /// The server's process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}
