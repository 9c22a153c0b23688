//! A tone into a sound server.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::process::Process;

/// Plays a tone of 440 Hz until it is dropped.
pub fn play_tone(server: &str) -> Result<Process> {
    let pipeline = "audiotestsrc freq=440 volume=0.8 ! audio/x-raw,rate=48000,channels=2 ! pulsesink";
    Process::start(
        Command::new("gst-launch-1.0")
            .args(pipeline.split_ascii_whitespace())
            .env("PULSE_SERVER", server)
            .stdout(Stdio::null())
            .stdin(Stdio::null()),
    )
}
