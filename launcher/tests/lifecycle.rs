//! The program itself, with a pipeline of GStreamer's core elements: how it starts, what it says, and that nothing is left
//! of it when it ends.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it as its own lines do")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::symlink,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const LIVE: &str = "description = 'nothing'\nlaunch = 'fakesrc is-live=true sizetype=fixed do-timestamp=true ! identity sleep-time=10000 ! fakesink'\n";

/// A folder each for pipelines, programs and the runtime folder; only the named programs are to be found.
struct Place(TempDir);

impl Place {
    fn new(pipeline: &str, programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pipelines", "bin", "run"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("pipelines/mine.toml"), pipeline).unwrap();
        for program in programs {
            symlink(Path::new("/usr/bin").join(program), folder.path().join("bin").join(program)).unwrap();
        }
        Self(folder)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_egldesktop"));
        command
            .env_clear()
            .env("PATH", self.0.path().join("bin"))
            .env("HOME", self.0.path())
            .env("XDG_RUNTIME_DIR", self.0.path().join("run"))
            .env("GST_REGISTRY", self.0.path().join("registry"))
            .env("EGLDESKTOP_PIPELINES", self.0.path().join("pipelines"))
            .env("WEBRTC_ENCODER", "mine")
            .env("ENABLE_AUDIO", "false")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it, and returns once it says that it runs.
    fn start(&self) -> Child {
        let mut child = self.command().spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let running = output.lines().map_while(Result::ok).any(|line| line.contains("is running"));
        if !running {
            panic!("{}", errors(&child.wait_with_output().unwrap()));
        }
        child
    }

    fn is_clean(&self) -> bool {
        fs::read_dir(self.0.path().join("run")).unwrap().next().is_none()
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn children(of: u32) -> Vec<(u32, String)> {
    let text = fs::read_to_string(format!("/proc/{of}/task/{of}/children")).unwrap();
    let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap().trim().to_owned();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).map(|pid| (pid, name(pid))).collect()
}

#[test]
fn it_starts_a_display_and_a_bus_and_leaves_nothing() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
        let child = place.start();
        let below = children(child.id());
        let names: Vec<_> = below.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["Xvfb", "dbus-daemon"]);

        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", errors(&output));
        assert!(below.iter().all(|(pid, _)| !Path::new(&format!("/proc/{pid}")).exists()));
        assert!(place.is_clean());
    }
}

#[test]
fn a_display_that_dies_ends_it_with_an_error() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    let child = place.start();
    let (server, _) = children(child.id())[0];
    kill_process(Pid::from_raw(server.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("egldesktop: error: Xvfb ended (signal: 9 (SIGKILL))"), "{}", errors(&output));
    assert!(place.is_clean());
}

#[test]
fn its_own_death_takes_the_display_with_it() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    let mut child = place.start();
    let (server, _) = children(child.id())[0];
    let lives = || {
        let status = fs::read_to_string(format!("/proc/{server}/status")).unwrap_or_default();
        status.contains("Name:\tXvfb") && !status.contains("State:\tZ")
    };
    assert!(lives());
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while lives() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(!lives());
}

#[test]
fn what_is_missing_is_named_with_its_package() {
    let output = Place::new(LIVE, &["dbus-daemon"]).command().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("Xvfb is not installed (Debian package xvfb)"), "{}", errors(&output));

    let text = format!("{LIVE}[requires]\nnosuchelement = 'some-package'\n");
    let output = Place::new(&text, &["Xvfb", "dbus-daemon"]).command().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("nosuchelement (package some-package)"), "{}", errors(&output));
}

#[test]
fn the_first_error_of_a_pipeline_is_the_one_that_is_told() {
    let text = "description = 'x'\nlaunch = 'filesrc name=lost location=/nonexistent/file ! fakesink'\n";
    let place = Place::new(text, &["Xvfb", "dbus-daemon"]);
    let output = place.command().output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = errors(&output);
    for part in ["lost (filesrc): ", "/nonexistent/file", "hint: "] {
        assert!(errors.contains(part), "{errors}");
    }
    assert!(place.is_clean());
}

#[test]
fn what_the_user_has_to_change_is_exit_code_2() {
    let place = Place::new(LIVE, &[]);
    for (name, value) in [("WEBRTC_ENCODER", "nonsense"), ("SELKIES_PORT", "http"), ("ENABLE_AUDIO", "1")] {
        let output = place.command().env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", errors(&output));
        assert!(errors(&output).contains(name) && errors(&output).contains(value), "{}", errors(&output));
        assert_eq!(errors(&output).lines().count(), 1);
    }
}

#[test]
fn a_secret_never_shows() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    let mut command = place.command();
    command.envs([("PASSWD", "hunter2"), ("TURN_SHARED_SECRET", "hunter2"), ("RUST_LOG", "trace")]);
    let output = command.arg("--explain").output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("hunter2") && !errors(&output).contains("hunter2"));
}
