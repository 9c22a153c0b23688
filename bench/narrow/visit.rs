//! One visit over the link.

use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egldesktop_bench::eye::{Eye, first_frame, slow_flips};
use egldesktop_bench::peer::{Peer, Running, Service};
use egldesktop_bench::screen::{Motion, Screen};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::link::{Link, NEAR, Profile, between};
use egldesktop_tests::xvfb::Xvfb;

/// What the encoder, the congestion control and the browser's first seconds need.
const SETTLE: Duration = Duration::from_secs(8);
/// After this a change is not seen any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who is measured, and which way it takes.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) peer: Peer,
    variables: &'static [(&'static str, &'static str)],
}

/// All of them; what others are divided by comes last.
pub(crate) static ALL: &[Case] = &[
    Case { name: "ours, WebSocket", peer: Peer::Ours, variables: &[("EGLDESKTOP_TRANSPORT", "websocket")] },
    Case { name: "ours, WebRTC", peer: Peer::Ours, variables: &[("EGLDESKTOP_TRANSPORT", "webrtc")] },
    Case { name: "Selkies 2", peer: Peer::Selkies, variables: &[] },
];

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) flips: u32,
    pub(crate) window: Duration,
}

/// Milliseconds, frames a second, Mbit/s.
#[derive(Debug, Default, Clone)]
pub(crate) struct Measured {
    /// From the navigation to a picture with the patch's colour, in a new browser.
    pub(crate) first_frame: f64,
    /// From the X client's flush to the frame in the page.
    pub(crate) flips: Vec<f64>,
    pub(crate) unseen: u32,
    /// Frames a second that the page showed.
    pub(crate) frames: f64,
    /// What the link delivered.
    pub(crate) mbit: f64,
}

/// The near end, where the desktop is.
struct Near {
    _running: Running,
    url: String,
    screen: Screen,
    _xvfb: Xvfb,
    _folder: tempfile::TempDir,
}

/// Measures one once, in full motion from the beginning.
pub(crate) fn visit(
    case: &'static Case,
    peers: &Path,
    bitrate: u32,
    profile: Profile,
    amount: Amount,
) -> Result<Measured> {
    let (sender, results) = mpsc::channel();
    let peers = peers.to_owned();
    let run = std::thread::spawn(move || {
        between(
            move || start(case, &peers, bitrate),
            async move |link: &Link, near: &Near| {
                link.set(profile);
                sender.send(watch(link, near, amount).await?)?;
                Ok(())
            },
        );
    });
    // It panics where it fails; the message is on standard error.
    run.join().map_err(|_| anyhow::anyhow!("it failed"))?;
    results.recv().context("nothing was measured")
}

fn start(case: &Case, peers: &Path, bitrate: u32) -> Result<Near> {
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let screen = Screen::start(&xvfb.display)?;
    screen.set_motion(Motion::Full);
    let service = Service { display: &xvfb.display, address: NEAR, bitrate, variables: case.variables };
    let running = case.peer.start(&service, peers)?;
    let url = running.url.clone();
    Ok(Near { _running: running, url, screen, _xvfb: xvfb, _folder: folder })
}

async fn watch(link: &Link, near: &Near, amount: Amount) -> Result<Measured> {
    let browser = Chromium::start_trusting(&format!("http://{NEAR}:8080,http://{NEAR}:8082")).await?;
    browser.set_page_size(1920, 1080).await?;
    Eye::open(&browser, false).await?;
    let first_frame = first_frame(&browser, &near.url).await?;
    tokio::time::sleep(SETTLE).await;
    let (start, before, delivered) = (Instant::now(), Eye::look(&browser).await?.frames, link.delivered());
    tokio::time::sleep(amount.window).await;
    let (frames, seconds) = (Eye::look(&browser).await?.frames - before, start.elapsed().as_secs_f64());
    let mbit = (link.delivered() - delivered) as f64 * 8e-6 / seconds;
    let (flips, unseen) = slow_flips(&browser, &near.screen, amount.flips, PATIENCE).await?;
    browser.close().await?;
    Ok(Measured { first_frame, flips, unseen, frames: frames as f64 / seconds, mbit })
}
