//! The program itself, with a pipeline of GStreamer's core elements: how it starts, what it says, and that nothing is left
//! of it when it ends.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it as its own lines do")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
        net::UnixStream,
    },
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
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

/// How often /proc is looked at: nobody tells a third process that a child has begun or ended.
const GLANCE: Duration = Duration::from_millis(20);

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
    // One that has just been reaped has no name any more.
    let name = |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
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
    // A panel would tell about what is in the corner.
    let pointer = connection.query_pointer(root).unwrap().reply().unwrap();
    assert_eq!((pointer.root_x, pointer.root_y), (400, 300));

    // Whatever the machine's memory is, more than was asked for.
    let wanted = Wanted { size: (1680, 1050), refresh: 60, dpi: 96.0 };
    assert_eq!(screen_resize::resize(&connection, root, wanted).unwrap(), (1680, 1050));
    let geometry = connection.get_geometry(root).unwrap().reply().unwrap();
    assert_eq!((geometry.width, geometry.height), (1680, 1050));

    send(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
}

/// The children once there are these, by their names in the order of their process ids.
fn wait_for_children(of: u32, names: &[&str], without: &[u32]) -> Vec<(u32, String)> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = children(of);
        let all = names.iter().all(|name| found.iter().any(|(_, found)| found == name));
        if all && found.iter().all(|(pid, _)| !without.contains(pid)) {
            return found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        thread::sleep(GLANCE);
    }
}

fn pid_of(name: &str, all: &[(u32, String)]) -> u32 {
    all.iter().find(|(_, found)| found == name).unwrap().0
}

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn what_dies_comes_back_and_nothing_else_is_started_again() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    let child = place.start();
    let first = children(child.id());
    let (server, bus) = (pid_of("Xvfb", &first), pid_of("dbus-daemon", &first));

    // The screen does not stand on the bus.
    kill(bus);
    let second = wait_for_children(child.id(), &["Xvfb", "dbus-daemon"], &[bus]);
    assert_eq!(pid_of("Xvfb", &second), server);

    // What was on the bus has ended with the screen.
    kill(server);
    let bus = pid_of("dbus-daemon", &second);
    let third = wait_for_children(child.id(), &["Xvfb", "dbus-daemon"], &[server, bus]);
    let connection = connect(pid_of("Xvfb", &third));
    assert!(connection.setup().roots[0].width_in_pixels > 0);

    send(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
    assert!(
        errors(&output).contains("starting the screen again, now: Xvfb ended (signal: 9 (SIGKILL))"),
        "{}",
        errors(&output)
    );
    assert!(place.is_clean());
}

#[test]
fn what_dies_again_and_again_ends_it_with_an_error() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    let mut child = place.start();
    let (mut dead, deadline) = (Vec::new(), Instant::now() + Duration::from_secs(60));
    // Some die while they are starting: that is an end as well.
    while child.try_wait().unwrap().is_none() {
        let alive = children(child.id());
        if let Some((pid, _)) = alive.iter().find(|(pid, name)| name == "dbus-daemon" && !dead.contains(pid)) {
            dead.push(*pid);
            kill(*pid);
        }
        assert!(Instant::now() < deadline, "{alive:?}");
        thread::sleep(GLANCE);
    }
    assert!(dead.len() >= 6, "{dead:?}");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("again and again: dbus-daemon ended (signal: 9"), "{}", errors(&output));
    assert!(place.is_clean());
}

#[test]
fn the_log_is_an_object_a_line_that_names_the_child() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    let mut command = place.command();
    let child = command.envs([("EGLDESKTOP_LOG_FORMAT", "json"), ("RUST_LOG", "debug")]).spawn().unwrap();
    wait_for_children(child.id(), &["Xvfb", "dbus-daemon"], &[]);
    send(&child, Signal::TERM);
    let output = child.wait_with_output().unwrap();
    let lines: Vec<serde_json::Value> =
        errors(&output).lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let told = |child: &str| lines.iter().any(|line| line["child"] == child && line["level"].is_string());
    assert!(told("Xvfb") && told("dbus-daemon"), "{lines:?}");
}

#[test]
fn orphans_are_reaped() {
    // It leaves grandchildren behind, as a desktop's programs do.
    let orphans = "#!/bin/sh\nfor i in 1 2 3 4 5 6 7 8 9 10; do (sh -c true &) ; done\nexec sleep 1000\n";
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon", "sh", "sleep", "true"]);
    let program = place.0.path().join("bin/twm");
    fs::write(&program, orphans).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let child = place.start();
    wait_for_children(child.id(), &["Xvfb", "dbus-daemon", "sleep"], &[]);
    let zombies = || {
        let state = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        children(child.id()).iter().filter(|(pid, _)| state(pid).contains(") Z ")).count()
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while zombies() > 0 {
        assert!(Instant::now() < deadline, "{:?}", children(child.id()));
        thread::sleep(GLANCE);
    }
    send(&child, Signal::TERM);
    assert!(child.wait_with_output().unwrap().status.success());
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
    let deadline = Instant::now() + Duration::from_secs(10);
    while lives() && Instant::now() < deadline {
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

#[test]
fn a_secret_is_kept_from_the_programs_of_the_desktop() {
    let place = Place::new(LIVE, &["Xvfb", "dbus-daemon"]);
    fs::write(place.0.path().join("secret"), "hunter3\n").unwrap();
    let mut command = place.command();
    command.env("PASSWD", "hunter2").env("NOVNC_VIEWPASS_FILE", place.0.path().join("secret"));
    let child = command.spawn().unwrap();
    for (pid, name) in wait_for_children(child.id(), &["Xvfb", "dbus-daemon"], &[]) {
        for file in ["environ", "cmdline"] {
            let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert!(!text.contains("hunter2") && !text.contains("hunter3"), "{name}: {text}");
        }
    }
    // Ours is root's, so that nobody of our user reads it; root itself does.
    let owner = fs::metadata(format!("/proc/{}/environ", child.id())).unwrap().uid();
    assert_eq!(owner, 0);
    send(&child, Signal::TERM);
    assert!(child.wait_with_output().unwrap().status.success());
}
