//! The program itself, with a pipeline of GStreamer's core elements: how it starts, what it says, and that nothing is left
//! of it when it ends.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it as its own lines do")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{fs::symlink, net::UnixStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};
use screen_resize::Wanted;
use tempfile::TempDir;
use x11rb::{
    connection::Connection as _,
    protocol::xproto::ConnectionExt as _,
    rust_connection::{DefaultStream, RustConnection},
};

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
        self.start_with(&[])
    }

    /// The same with more variables.
    fn start_with(&self, variables: &[(&str, &str)]) -> Child {
        let mut child = self.command().envs(variables.iter().copied()).spawn().unwrap();
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

/// To the private X server, with its cookie.
fn connect(server: u32) -> RustConnection {
    let command = fs::read_to_string(format!("/proc/{server}/cmdline")).unwrap();
    let arguments: Vec<_> = command.split('\0').collect();
    let authority = arguments[arguments.iter().position(|it| *it == "-auth").unwrap() + 1];
    let cookie = fs::read(authority).unwrap().split_off(fs::metadata(authority).unwrap().len() as usize - 16);
    let socket = UnixStream::connect(arguments[1].replace(':', "/tmp/.X11-unix/X")).unwrap();
    let (stream, _) = DefaultStream::from_unix_stream(socket).unwrap();
    RustConnection::connect_to_stream_with_auth_info(stream, 0, b"MIT-MAGIC-COOKIE-1".to_vec(), cookie).unwrap()
}

#[test]
fn its_screen_has_the_size_that_was_asked_for_and_can_grow() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    let child = place.start_with(&[("SIZEW", "800"), ("SIZEH", "600")]);
    let connection = connect(children(child.id())[0].0);
    let root = connection.setup().roots[0].root;
    let geometry = connection.get_geometry(root).unwrap().reply().unwrap();
    assert_eq!((geometry.width, geometry.height), (800, 600));

    // Whatever the machine's memory is, more than was asked for.
    let wanted = Wanted { size: (1680, 1050), refresh: 60, dpi: 96.0 };
    assert_eq!(screen_resize::resize(&connection, root, wanted).unwrap(), (1680, 1050));
    let geometry = connection.get_geometry(root).unwrap().reply().unwrap();
    assert_eq!((geometry.width, geometry.height), (1680, 1050));

    send(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
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
