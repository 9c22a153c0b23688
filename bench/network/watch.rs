//! A scenario, seen from the browser.

use std::fmt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::link::{Link, between};

use crate::scenario::{Phase, Scenario};
use crate::sender::{Kind, Sender};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(100);
/// The encoder follows when it is between these shares of what the link carries.
const FOLLOWS: (f64, f64) = (0.6, 1.15);

/// What happened in a phase.
pub(crate) struct Seen {
    mbit: f64,
    gap: Option<u64>,
    follows: Option<Duration>,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = self.gap.map_or("–".to_owned(), |gap| gap.to_string());
        let follows = self.follows.map_or("–".to_owned(), |time| format!("{:.1}", time.as_secs_f64()));
        write!(f, "{:.1} | {gap} | {follows}", self.mbit)
    }
}

/// Each phase of the scenario.
pub(crate) fn run(scenario: &'static Scenario, kind: Kind) -> Result<Vec<Seen>> {
    let (results, seen) = mpsc::channel();
    between(
        move || Sender::start(kind),
        async move |link: &Link, sender: &Sender| {
            let browser = Chromium::start().await?;
            link.set(scenario.phases[0].profile);
            sender.show(&browser).await?;
            for phase in scenario.phases {
                results.send(watch(&browser, link, sender, phase).await?)?;
            }
            browser.close().await
        },
    );
    let seen: Vec<_> = seen.iter().collect();
    (seen.len() == scenario.phases.len()).then_some(seen).context("a phase is missing")
}

async fn watch(browser: &Chromium, link: &Link, sender: &Sender, phase: &Phase) -> Result<Seen> {
    // The gap that is open when a phase begins counts for it from there on.
    browser
        .run(
            "window.longest = 0;
             window.last = performance.now();
             if (!window.watching) {
               window.watching = true;
               let video;
               const frame = (now) => {
                 window.longest = Math.max(window.longest, now - window.last);
                 window.last = now;
                 video.requestVideoFrameCallback(frame);
               };
               // Each session has an element of its own.
               const look = () => {
                 const current = document.querySelector('video');
                 if (current !== video) {
                   video = current;
                   video.requestVideoFrameCallback(frame);
                 }
                 requestAnimationFrame(look);
               };
               look();
             }",
        )
        .await?;
    link.set(phase.profile);
    sender.move_picture(phase.motion);
    let (start, before) = (Instant::now(), link.delivered());
    let wanted = f64::from(phase.carries());
    let mut follows = None;
    while start.elapsed() < phase.lasts {
        tokio::time::sleep(LOOK).await;
        let share = f64::from(sender.bitrate()?) / wanted;
        if follows.is_none() && (FOLLOWS.0..=FOLLOWS.1).contains(&share) {
            follows = Some(start.elapsed());
        }
    }
    let mbit = (link.delivered() - before) as f64 * 8e-6 / start.elapsed().as_secs_f64();
    let gap = browser.run("return Math.round(Math.max(window.longest, performance.now() - window.last))").await?;
    let moves = phase.motion && phase.profile.loss < 1.0;
    Ok(Seen { mbit, gap: gap.as_u64().filter(|_| moves), follows: follows.filter(|_| moves) })
}
