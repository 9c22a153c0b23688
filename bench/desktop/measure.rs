//! One visit: how soon the picture is there, how far behind it is, and what serving it costs.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, ensure};
use egldesktop_bench::eye::{Eye, PATIENCE, first_frame, flips, seen_again};
use egldesktop_bench::peer::{Peer, Running, Service};
use egldesktop_bench::screen::{Motion, Screen};
use egldesktop_bench::usage;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

/// What the encoder and the browser's first seconds need.
const SETTLE: Duration = Duration::from_secs(3);
/// How long a page may take to find its server again.
const RECONNECT: Duration = Duration::from_secs(30);

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amount {
    pub(crate) flips: u32,
    pub(crate) clicks: u32,
    pub(crate) window: Duration,
}

/// Milliseconds, CPU seconds per minute, bytes.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// From the navigation to a picture with the patch's colour, in a new browser and again in the same one.
    pub(crate) first_frame: Vec<f64>,
    pub(crate) again: Vec<f64>,
    /// From the moment at which a server that was ended listens again to a picture in the page, which nobody has touched.
    pub(crate) reconnect: Vec<f64>,
    /// From the X client's flush to the frame in the page.
    pub(crate) flips: Vec<f64>,
    pub(crate) flips_in_motion: Vec<f64>,
    /// From the page's `pointerdown` to the frame in the page.
    pub(crate) clicks: Vec<f64>,
    pub(crate) unseen: u32,
    pub(crate) idle: Cost,
    pub(crate) typing: Cost,
    pub(crate) scrolling: Cost,
    pub(crate) video: Cost,
    pub(crate) motion: Cost,
    /// Frames a second that the page showed; not known of a canvas.
    pub(crate) frames: Option<f64>,
    pub(crate) memory: u64,
}

/// CPU seconds a minute.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) server: f64,
    pub(crate) screen: f64,
}

/// Measures a peer once, on an X server of its own.
pub(crate) async fn visit(peer: Peer, peers: &Path, amount: Amount) -> Result<Measured> {
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let mut xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let x_server = xvfb.process().id();
    let screen = Screen::start(&xvfb.display)?;
    let service = Service { display: &xvfb.display, address: "127.0.0.1", bitrate: 8000, variables: &[] };
    let running = peer.start(&service, peers)?;
    let mut measured = Measured::default();

    let browser = Chromium::start().await?;
    browser.set_page_size(1920, 1080).await?;
    Eye::open(&browser, peer.in_canvas()).await?;
    measured.first_frame.push(first_frame(&browser, &running.url).await?);
    browser.goto("about:blank").await?;
    // What the first visit has left to do is not the second one's.
    tokio::time::sleep(SETTLE).await;
    measured.again.push(first_frame(&browser, &running.url).await?);

    tokio::time::sleep(SETTLE).await;
    measured.idle = cost(&running, x_server, amount.window).await?;
    for (motion, cost_of) in [
        (Motion::Typing, &mut measured.typing),
        (Motion::Scrolling, &mut measured.scrolling),
        (Motion::Video, &mut measured.video),
    ] {
        screen.set_motion(motion);
        tokio::time::sleep(Duration::from_secs(1)).await;
        *cost_of = cost(&running, x_server, amount.window).await?;
    }
    screen.set_motion(Motion::None);
    tokio::time::sleep(SETTLE).await;
    let at_rest = flips(&browser, &screen, amount.flips).await?;
    measured.clicks = clicks(&browser, &screen, amount.clicks, &mut measured.unseen).await?;

    screen.set_motion(Motion::Full);
    tokio::time::sleep(SETTLE).await;
    let (start, before) = (Instant::now(), Eye::look(&browser).await?.frames);
    measured.motion = cost(&running, x_server, amount.window).await?;
    let after = Eye::look(&browser).await?.frames;
    measured.frames = (!peer.in_canvas()).then(|| (after - before) as f64 / start.elapsed().as_secs_f64());
    let in_motion = flips(&browser, &screen, amount.flips).await?;
    (measured.flips, measured.flips_in_motion) = (at_rest.0, in_motion.0);
    measured.unseen += at_rest.1 + in_motion.1;
    measured.memory = running.processes().iter().map(|id| usage::tree_memory(*id)).sum::<Result<u64>>()?;

    screen.set_motion(Motion::None);
    drop(running);
    tokio::time::sleep(SETTLE).await;
    let (_, blue) = screen.flip()?;
    let _again = peer.start(&service, peers)?;
    measured.reconnect.extend(seen_again(&browser, blue, SystemTime::now(), RECONNECT).await?);
    browser.close().await?;
    Ok(measured)
}

/// What happens while nothing else is done.
async fn cost(running: &Running, x_server: u32, window: Duration) -> Result<Cost> {
    let used = || -> Result<(Duration, Duration)> {
        let server = running.processes().iter().map(|id| usage::tree_cpu(*id)).sum::<Result<Duration>>()?;
        Ok((server, usage::cpu(x_server)?))
    };
    let (start, before) = (Instant::now(), used()?);
    tokio::time::sleep(window).await;
    let (after, minutes) = (used()?, start.elapsed().as_secs_f64() / 60.0);
    let spent = |after: Duration, before: Duration| after.saturating_sub(before).as_secs_f64() / minutes;
    Ok(Cost { server: spent(after.0, before.0), screen: spent(after.1, before.1) })
}

/// From the page's event to the page.
async fn clicks(browser: &Chromium, screen: &Screen, count: u32, unseen: &mut u32) -> Result<Vec<f64>> {
    let mut delays = Vec::new();
    for index in 0..count {
        let (before, presses) = (Eye::look(browser).await?, screen.presses());
        let mut mouse = json!({ "type": "mouseMoved", "x": 900 + index % 50, "y": 600, "button": "none" });
        browser.devtools("Input.dispatchMouseEvent", mouse.clone()).await?;
        mouse["button"] = json!("left");
        mouse["clickCount"] = json!(1);
        for kind in ["mousePressed", "mouseReleased"] {
            mouse["type"] = json!(kind);
            browser.devtools("Input.dispatchMouseEvent", mouse.clone()).await?;
        }
        let deadline = Instant::now() + PATIENCE;
        let delay = loop {
            let eye = Eye::look(browser).await?;
            let pressed = eye.presses.get(before.presses.len());
            let seen = eye.changes.get(before.changes.len());
            if let (Some(pressed), Some((_, seen))) = (pressed, seen) {
                break Some(seen - pressed);
            }
            if Instant::now() > deadline {
                break None;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        match delay {
            Some(delay) => delays.push(delay),
            None => *unseen += 1,
        }
        ensure!(index > 0 || screen.presses() > presses, "clicks do not reach the desktop");
        tokio::time::sleep(Duration::from_millis(100 + u64::from(index * 37 % 150))).await;
    }
    Ok(delays)
}
