//! The launcher, as a user starts it.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::Receiver;

use anyhow::{Context as _, Result, bail};
use x11rb::rust_connection::{DefaultStream, RustConnection};

use crate::process::{Process, built, wait_for_line};

/// Password of all desktops in the tests.
pub const PASSWORD: &str = "correct horse";
/// The password as it stands in a URL.
pub const PASSWORD_IN_URL: &str = "correct%20horse";
/// User of all desktops in the tests.
pub const USER: &str = "tester";

/// A running `egldesktop`.
#[derive(Debug)]
pub struct Desktop {
    process: Process,
    /// `127.0.0.1:8080`
    pub address: String,
    lines: Receiver<String>,
    home: tempfile::TempDir,
}

impl Desktop {
    /// Starts it with these variables on top of address, user and password, and returns when it serves.
    pub fn start(variables: &[(&str, &str)]) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let mut process = Process::start(command(home.path(), variables)?.stdout(Stdio::piped()))?;
        let lines = process.lines()?;
        let address =
            wait_for_line(&lines, |line| Some(line.split_once("http://")?.1.split('/').next()?.trim().to_owned()))?;
        Ok(Self { process, address, lines, home })
    }

    /// Runs it until it ends; returns how, and everything it printed.
    pub fn fail(variables: &[(&str, &str)]) -> Result<(ExitStatus, String)> {
        let home = tempfile::tempdir()?;
        let output = command(home.path(), variables)?.output()?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&text).into_owned()))
    }

    /// Lets it explain what it would do; returns how it ended, and everything it printed.
    pub fn explain(variables: &[(&str, &str)]) -> Result<(ExitStatus, String)> {
        let home = tempfile::tempdir()?;
        let output = command(home.path(), variables)?.arg("--explain").output()?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&text).into_owned()))
    }

    /// The sound server that it started.
    pub fn pulse_server(&self) -> String {
        format!("unix:{}", find(self.home.path(), "native").unwrap_or_default())
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills the program of this name that it has started.
    pub fn kill_child(&self, name: &str) -> Result<()> {
        for id in children(self.process.id())? {
            let comm = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            if comm.trim_end() == name {
                let pid = rustix::process::Pid::from_raw(id).context("no process id")?;
                return Ok(rustix::process::kill_process(pid, rustix::process::Signal::KILL)?);
            }
        }
        bail!("it has not started {name}")
    }

    /// The processes that it has started.
    pub fn children(&self) -> Result<Vec<i32>> {
        children(self.process.id())
    }

    /// The path of a file in its folders.
    pub fn file(&self, name: &str) -> Option<String> {
        find(self.home.path(), name)
    }

    /// Connects to its private X server, with the cookie.
    pub fn connect_to_screen(&self) -> Result<RustConnection> {
        let authority = self.file("Xauthority").context("no Xauthority")?;
        for id in self.children()? {
            let command = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
            let mut arguments = command.split('\0');
            if arguments.next() != Some("Xvfb") {
                continue;
            }
            let display = arguments.next().context("no display")?;
            let cookie = std::fs::read(&authority)?;
            let cookie = cookie[cookie.len().saturating_sub(16)..].to_vec();
            let stream = UnixStream::connect(display.replace(':', "/tmp/.X11-unix/X"))?;
            let (stream, _) = DefaultStream::from_unix_stream(stream)?;
            let name = b"MIT-MAGIC-COOKIE-1".to_vec();
            return Ok(RustConnection::connect_to_stream_with_auth_info(stream, 0, name, cookie)?);
        }
        bail!("it has no X server of its own")
    }

    /// What it has printed since it serves.
    pub fn output(&self) -> &Receiver<String> {
        &self.lines
    }
}

fn command(home: &Path, variables: &[(&str, &str)]) -> Result<Command> {
    let program = built("egldesktop")?;
    built("libgstegldesktop.so")?;
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(["PATH", "LANG", "SELKIES_WEB_ROOT"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("GST_REGISTRY", home.join("registry.bin"))
        .env("USER", USER)
        .env("PASSWD", PASSWORD)
        .env("SELKIES_PORT", "8080")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    // A misuse of GLib or GStreamer ends the test. Not where a desktop is started as well: those have some.
    if variables.iter().any(|(name, _)| *name == "DISPLAY") {
        command.env("G_DEBUG", "fatal-criticals");
    }
    Ok(command)
}

/// The processes that all threads of a process have started.
fn children(process: u32) -> Result<Vec<i32>> {
    let mut children = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let text = std::fs::read_to_string(task?.path().join("children"))?;
        children.extend(text.split_whitespace().filter_map(|id| id.parse::<i32>().ok()));
    }
    Ok(children)
}

/// The path of the first file of this name.
fn find(folder: &Path, name: &str) -> Option<String> {
    for entry in std::fs::read_dir(folder).ok()?.flatten() {
        let path = entry.path();
        if path.file_name().is_some_and(|found| found == name) {
            return Some(path.display().to_string());
        }
        if let Some(found) = path.is_dir().then(|| find(&path, name)).flatten() {
            return Some(found);
        }
    }
    None
}
