//! A sound server, what plays into it, and what records from it.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

use crate::process::Process;

/// Plays a tone of 440 Hz until it is dropped.
pub fn play_tone(server: &str) -> Result<Process> {
    play(server, "audiotestsrc freq=440 volume=0.8 ! audio/x-raw,rate=48000,channels=2 ! pulsesink")
}

/// Plays it where only the two speakers in the back of 5.1 stand.
pub fn play_tone_behind(server: &str) -> Result<Process> {
    play(
        server,
        "audiotestsrc freq=440 volume=0.8 ! audio/x-raw,format=F32LE,rate=48000,channels=1 ! \
         audiomixmatrix in-channels=1 out-channels=6 channel-mask=63 matrix=<<0.0>,<0.0>,<0.0>,<0.0>,<1.0>,<1.0>> ! \
         audioconvert ! pulsesink",
    )
}

fn play(server: &str, pipeline: &str) -> Result<Process> {
    Process::start(
        Command::new("gst-launch-1.0")
            .args(pipeline.split_ascii_whitespace())
            .env("PULSE_SERVER", server)
            .stdout(Stdio::null())
            .stdin(Stdio::null()),
    )
}

/// Starts a server with a null sink, which will listen on a socket in `folder` once it is ready.
pub fn start_server(folder: &Path) -> Result<Process> {
    let socket = format!("--load=module-native-protocol-unix auth-cookie-enabled=0 socket={}", socket(folder));
    Process::start(
        Command::new("pulseaudio")
            .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--realtime=no"])
            .args(["--high-priority=no", "--load=module-null-sink norewinds=1", &socket])
            .env("PULSE_RUNTIME_PATH", folder)
            .env("PULSE_STATE_PATH", folder)
            .env("HOME", folder)
            .env("DBUS_SESSION_BUS_ADDRESS", "disabled:")
            .stdin(Stdio::null()),
    )
}

/// The address of [`start_server`]'s server.
pub fn address(folder: &Path) -> String {
    format!("unix:{}", socket(folder))
}

/// How many streams record from a server.
pub fn recorders(server: &str) -> Result<usize> {
    let output =
        Command::new("pactl").args(["list", "short", "source-outputs"]).env("PULSE_SERVER", server).output()?;
    ensure!(output.status.success(), "pactl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).lines().count())
}

/// The sinks that stand still, because nobody plays to them or records what they play.
pub fn suspended(server: &str) -> Result<Vec<String>> {
    let output = Command::new("pactl").args(["list", "short", "sinks"]).env("PULSE_SERVER", server).output()?;
    ensure!(output.status.success(), "pactl: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let suspended = lines.lines().filter(|line| line.ends_with("SUSPENDED"));
    Ok(suspended.filter_map(|line| line.split('\t').nth(1)).map(ToOwned::to_owned).collect())
}

/// What there is to record from.
pub fn sources(server: &str) -> Result<Vec<String>> {
    let output = Command::new("pactl").args(["list", "short", "sources"]).env("PULSE_SERVER", server).output()?;
    ensure!(output.status.success(), "pactl: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(lines.lines().filter_map(|line| line.split('\t').nth(1)).map(ToOwned::to_owned).collect())
}

fn socket(folder: &Path) -> String {
    folder.join("native").display().to_string()
}
