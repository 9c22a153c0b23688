//! Programs that see gamepads through our library.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;

use anyhow::Result;

use crate::process::{Process, built, wait_for_line};

/// Starts a program with the library, whose sockets are in this folder; returns what it prints as well.
pub fn program(folder: &Path, program: &str, arguments: &[&str]) -> Result<(Process, Receiver<String>)> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LD_PRELOAD", built("libegldesktop_interposer.so")?)
        .env("SELKIES_JS_SOCKET_PATH", folder)
        .env("SDL_JOYSTICK_DISABLE_UDEV", "1")
        .env("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")
        .env("SDL_VIDEODRIVER", "dummy")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut process = Process::start(&mut command)?;
    let lines = process.lines()?;
    Ok((process, lines))
}

/// An SDL2 program that tells what controllers do, one line each, and rumbles at button B; see `sdl.py`.
pub fn sdl(folder: &Path) -> Result<(Process, Receiver<String>)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sdl.py");
    let (process, lines) = program(folder, "python3", &[&script.display().to_string()])?;
    expect(&lines, "ready")?;
    Ok((process, lines))
}

/// Waits for this line.
pub fn expect(lines: &Receiver<String>, expected: &str) -> Result<()> {
    wait_for_line(lines, |line| (line == expected).then_some(()))
}
