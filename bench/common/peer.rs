//! Who is measured: each serves the same kind of X server to the same browser.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::process::{Process, built};

/// One that serves desktops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// This project
    Ours,
    /// Selkies 2, as PyPI has it, in its default mode
    Selkies,
    /// x11vnc, websockify and noVNC, as Debian has them
    Novnc,
    /// Xpra with its page, as Debian has it, shadowing the display
    Xpra,
    /// ximagesrc, videoconvert and x264enc as they are in a pipeline for webrtcbin, with this project's page
    Plain,
}

/// What is served, and how.
#[derive(Debug, Clone, Copy)]
pub struct Service<'a> {
    /// The X display, of 1920×1080.
    pub display: &'a str,
    /// The IP address to listen on.
    pub address: &'a str,
    /// The video bitrate in kbit/s, where it has such a thing.
    pub bitrate: u32,
    /// More of the environment, for ours only.
    pub variables: &'a [(&'a str, &'a str)],
}

/// One that serves now.
#[derive(Debug)]
pub struct Running {
    /// Where the browser goes.
    pub url: String,
    processes: Vec<u32>,
    _parts: Parts,
}

#[derive(Debug)]
enum Parts {
    Ours { _desktop: Box<Desktop> },
    Others { _processes: Vec<Process>, _folder: tempfile::TempDir },
}

impl Peer {
    /// As tables have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "egldesktop",
            Self::Selkies => "Selkies 2",
            Self::Novnc => "x11vnc + noVNC",
            Self::Xpra => "Xpra",
            Self::Plain => "ximagesrc + webrtcbin",
        }
    }

    /// Whether it shows the picture in a canvas rather than in a video.
    pub fn in_canvas(self) -> bool {
        matches!(self, Self::Novnc | Self::Xpra)
    }

    /// Why it can't be measured here.
    pub fn missing(self, peers: &Path) -> Option<String> {
        match self {
            Self::Ours => None,
            Self::Plain => missing(&["/usr/bin/gst-launch-1.0"]),
            Self::Xpra => missing(&["/usr/bin/xpra", "/usr/share/xpra/www/index.html"]),
            Self::Selkies => {
                let program = selkies(peers);
                (!program.exists()).then(|| format!("no {} (scripts/peers.sh installs it)", program.display()))
            }
            Self::Novnc => missing(&["/usr/bin/x11vnc", "/usr/bin/websockify", "/usr/share/novnc/vnc.html"]),
        }
    }

    /// Starts it, without sound, at 60 frames a second, with x264 where it has encoders. Returns when it serves.
    ///
    /// # Errors
    /// Where one of its programs is missing, or does not serve.
    pub fn start(self, service: &Service, peers: &Path) -> Result<Running> {
        let Service { display, address, bitrate, variables } = *service;
        match self {
            Self::Ours => {
                let bitrate = bitrate.to_string();
                let ours = [
                    ("DISPLAY", display),
                    ("SELKIES_ADDR", address),
                    ("ENABLE_AUDIO", "false"),
                    ("WEBRTC_ENCODER", "x264enc"),
                    ("SELKIES_VIDEO_BITRATE", &bitrate),
                    ("WEBRTC_ENABLE_RESIZE", "false"),
                ];
                let desktop = Desktop::start(&[&ours[..], variables].concat())?;
                let url = format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address);
                let processes = vec![desktop.id()];
                Ok(Running { url, processes, _parts: Parts::Ours { _desktop: Box::new(desktop) } })
            }
            Self::Selkies => {
                let place = format!("{address}:8082");
                let mut command = Command::new(selkies(peers));
                command.args(["--addr", address, "--port", "8082", "--enable-basic-auth", "true"]);
                command.args(["--basic-auth-user", USER, "--use-cpu", "true", "--audio-enabled", "false"]);
                command.args(["--framerate", "60", "--rate-control-mode", "cbr"]);
                command.args(["--video-bitrate", &bitrate.to_string()]);
                command.args(["--manual-resolution", "true", "--manual-width", "1920", "--manual-height", "1080"]);
                command.env("SELKIES_BASIC_AUTH_PASSWORD", PASSWORD).env("DISPLAY", display);
                others(&format!("http://{USER}:{PASSWORD_IN_URL}@{place}/"), &place, vec![command])
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
                let place = format!("{address}:6080");
                bridge.args(["--web", "/usr/share/novnc", &place, "127.0.0.1:5977"]);
                let url = format!("http://{place}/vnc.html?autoconnect=true&reconnect=true&resize=scale");
                others(&url, &place, vec![server, bridge])
            }
            Self::Xpra => {
                let place = format!("{address}:14500");
                let mut command = Command::new("xpra");
                command.args(["shadow", display, "--daemon=no", "--mdns=no", "--html=on", "--systemd-run=no"]);
                command.args(["--pulseaudio=no", "--printing=no", "--notifications=no", "--webcam=no", "--bell=no"]);
                command.args(["--tray=no", "--bind=none", &format!("--bind-tcp={place}")]);
                let url = format!("http://{place}/index.html?sound=false&reconnect=true&floating_menu=false");
                others(&url, &place, vec![command])
            }
            Self::Plain => {
                let place = format!("{address}:8083");
                let plugin = built("libgstegldesktop.so")?;
                let mut command = Command::new("gst-launch-1.0");
                command.env("GST_PLUGIN_PATH", plugin.parent().context("no folder")?).args(["-q", "ximagesrc"]);
                command.args([
                    &format!("display-name={display}"),
                    "use-damage=false",
                    "!",
                    "video/x-raw,framerate=60/1",
                ]);
                command.args([
                    "!",
                    "desktopinput",
                    &format!("display-name={display}"),
                    "!",
                    "videoconvert",
                    "!",
                    "queue",
                ]);
                command.args(["max-size-buffers=1", "leaky=downstream", "!", "x264enc", "tune=zerolatency"]);
                command.args(["speed-preset=ultrafast", &format!("bitrate={bitrate}"), "key-int-max=2560", "!"]);
                command.args(["video/x-h264,profile=constrained-baseline", "!", "selkiessignal", "basic-auth=false"]);
                command.arg(format!("listen={place}"));
                others(&format!("http://{place}/"), &place, vec![command])
            }
        }
    }
}

impl Running {
    /// The processes that it consists of, without those that they have started.
    pub fn processes(&self) -> &[u32] {
        &self.processes
    }
}

fn missing(paths: &[&str]) -> Option<String> {
    let missing = paths.iter().find(|path| !Path::new(path).exists())?;
    Some(format!("no {missing} (scripts/peers.sh installs it)"))
}

fn selkies(peers: &Path) -> PathBuf {
    peers.join("selkies/bin/selkies")
}

/// Starts these in a folder of their own, and returns when something listens at the place.
fn others(url: &str, place: &str, commands: Vec<Command>) -> Result<Running> {
    let folder = tempfile::tempdir()?;
    let mut processes = Vec::new();
    for mut command in commands {
        command.env("HOME", folder.path()).env("XDG_RUNTIME_DIR", folder.path()).env_remove("XAUTHORITY");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        processes.push(Process::start(&mut command)?);
    }
    // They have no word for being ready, and a browser that comes too early gives up.
    for _ in 0..300 {
        if TcpStream::connect(place).is_ok() {
            let ids = processes.iter().map(Process::id).collect();
            let parts = Parts::Others { _processes: processes, _folder: folder };
            return Ok(Running { url: url.to_owned(), processes: ids, _parts: parts });
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    bail!("nothing listens at {place}")
}

/// Where `scripts/peers.sh` installs them.
pub fn default_folder() -> Result<PathBuf> {
    Ok(egldesktop_tests::process::target_dir().parent().context("no target folder")?.join("peers"))
}
