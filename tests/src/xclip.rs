//! `xclip`: another program that copies and pastes.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::process::Process;

/// Pastes from a selection (`clipboard`, `primary`) as a target (`UTF8_STRING`, `image/png`).
pub fn paste(display: &str, selection: &str, target: &str) -> Result<Vec<u8>> {
    let arguments = ["-display", display, "-selection", selection, "-out", "-target", target];
    let output = Command::new("xclip").args(arguments).output().context("package xclip is needed")?;
    ensure!(output.status.success(), "xclip: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

/// Copies the content of a file; the copy lasts as long as the process.
pub fn copy(display: &str, selection: &str, target: &str, file: &Path) -> Result<Process> {
    let arguments = ["-quiet", "-display", display, "-selection", selection, "-in", "-target", target];
    let command = &mut Command::new("xclip");
    command.args(arguments).arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Process::start(command).context("package xclip is needed")
}
