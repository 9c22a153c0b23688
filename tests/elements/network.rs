//! The picture over networks that are slow, lose packets, or change.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::link::{Link, NEAR, Profile, between};
use gst::prelude::*;

/// A picture that takes whatever bitrate there is, an encoder that follows, and the server.
struct Sender {
    pipeline: gst::Pipeline,
    signal: gst::Element,
}

impl Sender {
    fn start() -> Result<Self> {
        super::init();
        let text = format!(
            "videotestsrc is-live=true pattern=snow ! video/x-raw,width=640,height=360,framerate=30/1
             ! valve name=valve ! x264enc name=encoder tune=zerolatency speed-preset=ultrafast bitrate=8000
                 vbv-buf-capacity=100 key-int-max=2147483647
             ! video/x-h264,profile=constrained-baseline
             ! selkiessignal name=signal listen={NEAR}:8080 basic-auth=false"
        );
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let signal = pipeline.by_name("signal").context("no signal")?;
        let encoder = pipeline.by_name("encoder").context("no encoder")?;
        signal.connect_notify(Some("target-video-bitrate"), move |signal, _| {
            encoder.set_property("bitrate", signal.property::<u32>("target-video-bitrate"));
        });
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self { pipeline, signal })
    }

    fn target(&self) -> u32 {
        self.signal.property("target-video-bitrate")
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

#[test]
fn experiment() {
    between(Sender::start, async |link: &Link, sender: &Sender| {
        let browser = Chromium::start().await?;
        link.set(Profile { delay: Duration::from_millis(20), rate: Some(4_000_000), loss: 0.0 });
        browser.open_freely(&format!("{NEAR}:8080")).await?;
        browser.run("const v = document.querySelector('video'); window.gaps = []; let last = 0;
            const f = (now) => { if (last) window.gaps.push(Math.round(now - last)); last = now; v.requestVideoFrameCallback(f); };
            v.requestVideoFrameCallback(f);").await?;
        let start = Instant::now();
        let mut before = link.delivered();
        for step in 0..80 {
            let rate = match step {
                0..20 => 4,
                20..40 => 1,
                40..60 => 4,
                _ => 100,
            };
            link.set(Profile {
                delay: Duration::from_millis(20),
                rate: Some(rate * 1_000_000),
                loss: if (66..70).contains(&step) { 1.0 } else { 0.0 },
            });
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = link.delivered();
            let gaps =
                browser.run("const g = window.gaps; window.gaps = []; return [g.length, Math.max(0, ...g)]").await?;
            println!(
                "{:5.1} s link {rate} target {} delivered {} gaps {gaps}",
                start.elapsed().as_secs_f64(),
                sender.target(),
                (now - before) * 8 / 500
            );
            before = now;
        }
        browser.close().await
    });
}
