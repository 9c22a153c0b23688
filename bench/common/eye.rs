//! Watches the picture in a page: when the patch of [`crate::screen`] changes its colour there.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::Chromium;
use serde::Deserialize;

use crate::screen::Screen;

/// After this a change is not seen any more.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// What has been seen so far. Times are milliseconds since 1970 on the page's clock.
#[derive(Debug, Deserialize)]
pub struct Eye {
    /// Each change: `red` or `blue`, and when.
    pub changes: Vec<(String, f64)>,
    /// When the user pressed a button.
    pub presses: Vec<f64>,
    /// Frames that the page has shown.
    pub frames: u64,
    /// What the machine's clock is ahead of the page's, in milliseconds.
    pub clock: f64,
}

impl Eye {
    /// Lets each page that the browser opens from now on watch; in a canvas, where the page shows the picture there.
    pub async fn open(browser: &Chromium, in_canvas: bool) -> Result<()> {
        if in_canvas {
            browser.prepare("window.eyeCanvas = true").await?;
        }
        browser.prepare(include_str!("eye.js")).await
    }

    /// What the page has seen until now.
    pub async fn look(browser: &Chromium) -> Result<Self> {
        let text = "const {changes, presses, frames} = eye;
                    return JSON.stringify({changes, presses, frames, clock: eye.clock()})";
        let text = browser.run(text).await?;
        Ok(serde_json::from_str(text.as_str().context("the page does not watch")?)?)
    }
}

/// Opens a page; returns how many milliseconds that took until the picture was there.
pub async fn first_frame(browser: &Chromium, url: &str) -> Result<f64> {
    browser.goto(url).await?;
    browser.wait_for("return window.eye?.first != null").await?;
    browser.run("return eye.first").await?.as_f64().context("no time")
}

/// Waits until the page shows the patch, which has been flipped to `blue` while the page could not see it; returns how long
/// that took since `start`, in milliseconds; `None` after `patience`. The page may have loaded itself again meanwhile.
pub async fn seen_again(browser: &Chromium, blue: bool, start: SystemTime, patience: Duration) -> Result<Option<f64>> {
    let start_ms = start.duration_since(UNIX_EPOCH)?.as_secs_f64() * 1000.0;
    let colour = if blue { "blue" } else { "red" };
    while start.elapsed()? < patience {
        // It can't be asked while it loads.
        if let Ok(eye) = Eye::look(browser).await
            && let Some((seen, when)) = eye.changes.last()
            && seen == colour
        {
            return Ok(Some(when + eye.clock - start_ms));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(None)
}

/// Flips the patch this often; returns the delays from the X client's flush to the page in milliseconds, and how many changes were
/// never seen. For delays of less than 0.2 s: the next flip comes then.
pub async fn flips(browser: &Chromium, screen: &Screen, count: u32) -> Result<(Vec<f64>, u32)> {
    let mut asked = Vec::new();
    for index in 0..count {
        asked.push(screen.flip()?);
        // At no time that a loop of either side could be in step with.
        tokio::time::sleep(Duration::from_millis(200 + u64::from(index * 37 % 150))).await;
    }
    tokio::time::sleep(PATIENCE).await;
    let eye = Eye::look(browser).await?;
    let mut delays = Vec::new();
    for (index, (at, blue)) in asked.iter().enumerate() {
        let (at, colour) = (at - eye.clock, if *blue { "blue" } else { "red" });
        let end = asked.get(index + 1).map_or(f64::INFINITY, |(next, _)| next - eye.clock);
        let seen = eye.changes.iter().find(|(seen, when)| seen == colour && (at - 5.0..end).contains(when));
        delays.extend(seen.map(|(_, when)| when - at));
    }
    let unseen = count - delays.len() as u32;
    Ok((delays, unseen))
}

/// The same where delays may be as long as `patience`: each flip is waited for before the next one.
pub async fn slow_flips(
    browser: &Chromium,
    screen: &Screen,
    count: u32,
    patience: Duration,
) -> Result<(Vec<f64>, u32)> {
    let (mut delays, mut unseen) = (Vec::new(), 0);
    for index in 0..count {
        let before = Eye::look(browser).await?.changes.len();
        let (at, blue) = screen.flip()?;
        let colour = if blue { "blue" } else { "red" };
        let deadline = Instant::now() + patience;
        let delay = loop {
            // Rarely: the browser has a picture to decode.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let eye = Eye::look(browser).await?;
            let seen = eye.changes.iter().skip(before).find(|(seen, _)| seen == colour);
            if let Some((_, when)) = seen {
                break Some(when - (at - eye.clock));
            }
            if Instant::now() > deadline {
                break None;
            }
        };
        match delay {
            Some(delay) => delays.push(delay),
            None => unseen += 1,
        }
        tokio::time::sleep(Duration::from_millis(100 + u64::from(index * 37 % 150))).await;
    }
    Ok((delays, unseen))
}
