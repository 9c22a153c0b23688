//! The image, built of this tree and run as a cluster runs it: an unknown user with no capabilities, a root that is
//! read-only, and no network but the loopback of the test.
//!
//! There is no image registry: the base image is Debian itself, made by mmdebstrap. Everything is in `target/container`,
//! so that a second build takes seconds.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::Receiver;

use anyhow::{Context as _, Result, ensure};

use crate::desktop::{PASSWORD, USER};
use crate::process::{Process, built, target_dir, wait_for_line};

const BASE: &str = "localhost/egldesktop-base";
const IMAGE: &str = "localhost/egldesktop-test";
/// What takes much time and room, and is Debian's business.
const LEFT_OUT: &[&str] = &["APPLICATIONS", "FIREFOX", "LIBREOFFICE", "WINE", "VIRTUALGL"];

/// runc, because crun refuses hybrid control groups; limits that an unprivileged builder may set; plain files for what
/// would otherwise want a session.
const CONTAINERS_CONF: &str = "[containers]\ndefault_ulimits = [\"nofile=20000:20000\", \"nproc=4096:4096\"]\n\
     [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";

/// Where podman keeps its things.
fn folder() -> PathBuf {
    target_dir().with_file_name("container")
}

/// podman with a store of our own.
pub fn podman() -> Command {
    let mut command = Command::new("podman");
    command
        .env("CONTAINERS_CONF", folder().join("containers.conf"))
        .env("CONTAINERS_STORAGE_CONF", folder().join("storage.conf"));
    command
}

/// Builds the image, unless it is there as this tree makes it. Needs the network, for packages.
pub fn build() -> Result<()> {
    let folder = folder();
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("containers.conf"), CONTAINERS_CONF)?;
    let storage = format!(
        "[storage]\ndriver = \"overlay\"\nrunroot = \"{0}/run\"\ngraphroot = \"{0}/store\"\n",
        folder.display()
    );
    std::fs::write(folder.join("storage.conf"), storage)?;
    if !podman().args(["image", "exists", BASE]).status().context("package podman is needed")?.success() {
        make_base(&folder)?;
    }

    // Compiled on this very release, by the same compiler as everything else that is tested.
    let prebuilt = folder.join("prebuilt");
    std::fs::create_dir_all(&prebuilt)?;
    for name in ["egldesktop", "libgstegldesktop.so", "libegldesktop_interposer.so"] {
        std::fs::copy(built(name)?, prebuilt.join(name))?;
    }
    let mut build = podman();
    // The format is the one that has HEALTHCHECK.
    build.args(["build", "--layers", "--format=docker", "--network=host", "--isolation=chroot"]);
    build.arg(format!("--volume={}:/prebuilt:ro", prebuilt.display()));
    for base in ["BASE", "BUILD_BASE"] {
        build.arg(format!("--build-arg={base}={BASE}"));
    }
    build.args(LEFT_OUT.iter().map(|part| format!("--build-arg={part}=false")));
    build.args(["--tag", IMAGE, "."]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    ensure!(build.status()?.success(), "the image cannot be built");
    // What trees of last week have left. The younger ones are what makes the next build quick.
    podman().args(["image", "prune", "--force", "--filter=until=168h"]).stdout(Stdio::null()).status()?;
    Ok(())
}

/// Of the release that this machine runs, from where it takes its own packages.
fn make_base(folder: &Path) -> Result<()> {
    let release = std::fs::read_to_string("/etc/os-release")?;
    let release = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).context("no code name")?;
    let sources = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
    let sources = sources.into_iter().find(|path| Path::new(path).exists()).context("no package sources")?;
    let archive = folder.join("base.tar");
    let made = Command::new("mmdebstrap").args(["--variant=minbase", release]).arg(&archive).arg(sources).status();
    ensure!(made.context("package mmdebstrap is needed")?.success(), "mmdebstrap failed");
    let imported = podman().args(["import", "--quiet"]).arg(&archive).arg(format!("{BASE}:latest")).status()?;
    std::fs::remove_file(&archive)?;
    ensure!(imported.success(), "the base image cannot be imported");
    Ok(())
}

/// A running container.
#[derive(Debug)]
pub struct Container {
    process: Process,
    name: String,
    output: Receiver<String>,
    log: Receiver<String>,
    /// The names of what it was started with.
    variables: Vec<String>,
    /// Where browsers reach it.
    pub address: String,
}

impl Container {
    /// Starts one as this user and group, such as `1000:1000`, in the network of this thread. Returns when it serves.
    pub fn start(user: &str, variables: &[(&str, &str)]) -> Result<Self> {
        let name = format!("egldesktop-{}", std::process::id());
        let mut command = podman();
        command.args([
            "run",
            "--rm",
            "--network=host",
            "--read-only",
            "--cap-drop=all",
            "--shm-size=512m",
            "--passwd=false",
        ]);
        command.args(["--security-opt=no-new-privileges", "--memory=4g", "--name", &name, "--user", user]);
        // podman would give the user a name; a cluster does not.
        // A volume, as a cluster has one: the user's number is the cluster's choice, and the group is not.
        command.arg(format!("--volume={}:/home/user", home(user)?.display()));
        let common = [("PASSWD", PASSWORD), ("BASIC_AUTH_USER", USER), ("SIZEW", "1280"), ("SIZEH", "720")];
        let all: Vec<_> = common.iter().chain(variables).collect();
        command.args(all.iter().map(|(name, value)| format!("--env={name}={value}")));
        let variables = all.iter().map(|(name, _)| name.to_string()).collect();
        command.arg(IMAGE).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let (output, log) = (process.lines()?, process.error_lines()?);
        wait_for_line(&output, |line| line.contains("Desktop   http://").then_some(()))?;
        Ok(Self { process, name, output, log, variables, address: "127.0.0.1:8080".to_owned() })
    }

    /// Runs a shell's command inside, as the same user, on the desktop's display: as a program on the desktop would, without
    /// what the container was started with.
    pub fn run(&self, command: &str) -> Result<Output> {
        let script = format!(
            "export DISPLAY=:20 XAUTHORITY=$(echo /tmp/egldesktop-*/Xauthority) \
             PULSE_SERVER=unix:$(echo /tmp/egldesktop-*/pulse/native); {command}"
        );
        let cleared = self.variables.iter().map(|name| format!("--env={name}="));
        Ok(podman().arg("exec").args(cleared).args([&self.name, "sh", "-c", &script]).output()?)
    }

    /// What [`Self::run`] printed.
    pub fn ask(&self, command: &str) -> Result<String> {
        let output = self.run(command)?;
        ensure!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The processes inside: number and name.
    pub fn processes(&self) -> Result<Vec<(i32, String)>> {
        let listed = self.ask("ps -e -o pid=,comm=")?;
        let split = |line: &str| line.trim().split_once(' ').map(|(id, name)| (id.parse(), name.trim().to_owned()));
        let all = listed.lines().filter_map(split).map(|(id, name)| Ok((id?, name)));
        all.collect()
    }

    /// Waits until it says something.
    pub fn wait_for_log(&self, text: &str) -> Result<()> {
        wait_for_line(&self.log, |line| line.contains(text).then_some(()))
    }

    /// What it has said and nobody has waited for.
    pub fn said(&self) -> Vec<String> {
        self.output.try_iter().chain(self.log.try_iter()).collect()
    }

    /// Stops it as `docker stop` does, and returns how it ended.
    pub fn stop(&mut self) -> Result<std::process::ExitStatus> {
        let stopped = podman().args(["stop", "--time=10", &self.name]).stdout(Stdio::null()).status()?;
        ensure!(stopped.success(), "podman stop: {stopped}");
        self.process.wait()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = podman()
            .args(["rm", "--force", "--time=1", &self.name])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// An empty home that this user and group may write to.
fn home(user: &str) -> Result<PathBuf> {
    let (user, group) = user.split_once(':').context("not USER:GROUP")?;
    let home = folder().join("home");
    if home.exists() {
        std::fs::remove_dir_all(&home)?;
    }
    std::fs::create_dir(&home)?;
    std::os::unix::fs::chown(&home, Some(user.parse()?), Some(group.parse()?))?;
    Ok(home)
}
