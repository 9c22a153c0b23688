//! Who is measured: each serves the same kind of X server to the same browser.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::process::Process;

/// One that serves desktops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// This project
    Ours,
    /// Selkies 2, as PyPI has it, in its default mode
    Selkies,
    /// x11vnc, websockify and noVNC, as Debian has them
    Novnc,
}

/// One that serves now.
#[derive(Debug)]
pub(crate) struct Running {
    /// Where the browser goes.
    pub(crate) url: String,
    processes: Vec<u32>,
    _parts: Parts,
}

#[derive(Debug)]
enum Parts {
    Ours { _desktop: Box<Desktop> },
    Others { _processes: Vec<Process>, _folder: tempfile::TempDir },
}

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "egldesktop",
            Self::Selkies => "Selkies 2",
            Self::Novnc => "x11vnc + noVNC",
        }
    }

    /// Whether it shows the picture in a canvas rather than in a video.
    pub(crate) fn in_canvas(self) -> bool {
        self == Self::Novnc
    }

    /// Why it can't be measured here.
    pub(crate) fn missing(self, peers: &Path) -> Option<String> {
        match self {
            Self::Ours => None,
            Self::Selkies => {
                let program = selkies(peers);
                (!program.exists()).then(|| format!("no {} (scripts/peers.sh installs it)", program.display()))
            }
            Self::Novnc => {
                let missing = ["/usr/bin/x11vnc", "/usr/bin/websockify", "/usr/share/novnc/vnc.html"]
                    .into_iter()
                    .find(|path| !Path::new(path).exists())?;
                Some(format!("no {missing} (scripts/peers.sh installs it)"))
            }
        }
    }

    /// Starts it for this display, without sound, at 60 frames a second and 8 Mbit/s where it has such a thing, with x264
    /// where it has encoders. Returns when it serves.
    pub(crate) async fn start(self, display: &str, peers: &Path) -> Result<Running> {
        match self {
            Self::Ours => {
                let desktop = Desktop::start(&[
                    ("DISPLAY", display),
                    ("ENABLE_AUDIO", "false"),
                    ("WEBRTC_ENCODER", "x264enc"),
                    ("WEBRTC_ENABLE_RESIZE", "false"),
                ])?;
                let url = format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address);
                let processes = vec![desktop.id()];
                Ok(Running { url, processes, _parts: Parts::Ours { _desktop: Box::new(desktop) } })
            }
            Self::Selkies => {
                let port = "8082";
                let mut command = Command::new(selkies(peers));
                command.args(["--addr", "127.0.0.1", "--port", port, "--enable-basic-auth", "true"]);
                command.args(["--basic-auth-user", USER, "--use-cpu", "true", "--audio-enabled", "false"]);
                command.args(["--framerate", "60", "--rate-control-mode", "cbr", "--video-bitrate", "8000"]);
                command.args(["--manual-resolution", "true", "--manual-width", "1920", "--manual-height", "1080"]);
                command.env("SELKIES_BASIC_AUTH_PASSWORD", PASSWORD).env("DISPLAY", display);
                let url = format!("http://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{port}/");
                others(&url, port, vec![command]).await
            }
            Self::Novnc => {
                let mut server = Command::new("x11vnc");
                server.args([
                    "-display",
                    display,
                    "-localhost",
                    "-rfbport",
                    "5977",
                    "-nopw",
                    "-forever",
                    "-shared",
                    "-quiet",
                ]);
                let mut bridge = Command::new("websockify");
                bridge.args(["--web", "/usr/share/novnc", "127.0.0.1:6080", "127.0.0.1:5977"]);
                let url = "http://127.0.0.1:6080/vnc.html?autoconnect=true&resize=scale";
                others(url, "6080", vec![server, bridge]).await
            }
        }
    }
}

impl Running {
    /// The processes that it consists of, without those that they have started.
    pub(crate) fn processes(&self) -> &[u32] {
        &self.processes
    }
}

fn selkies(peers: &Path) -> PathBuf {
    peers.join("selkies/bin/selkies")
}

/// Starts these in a folder of their own, and returns when something listens at the port.
async fn others(url: &str, port: &str, commands: Vec<Command>) -> Result<Running> {
    let folder = tempfile::tempdir()?;
    let mut processes = Vec::new();
    for mut command in commands {
        command.env("HOME", folder.path()).env("XDG_RUNTIME_DIR", folder.path()).env_remove("XAUTHORITY");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        processes.push(Process::start(&mut command)?);
    }
    // They have no word for being ready, and a browser that comes too early gives up.
    for _ in 0..300 {
        if tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await.is_ok() {
            let ids = processes.iter().map(Process::id).collect();
            let parts = Parts::Others { _processes: processes, _folder: folder };
            return Ok(Running { url: url.to_owned(), processes: ids, _parts: parts });
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("nothing listens at port {port}")
}

/// Where `scripts/peers.sh` installs them.
pub(crate) fn default_folder() -> Result<PathBuf> {
    Ok(egldesktop_tests::process::target_dir().parent().context("no target folder")?.join("peers"))
}
