//! The picture over networks that are slow, lose packets, or change.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egldesktop_tests::PATIENCE;
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
             ! selkiessignal name=signal listen={NEAR}:8080 basic-auth=false video-bitrate=8000"
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

    /// Whether nothing changes on the screen.
    fn pause(&self, paused: bool) -> Result<()> {
        self.pipeline.by_name("valve").context("no valve")?.set_property("drop", paused);
        Ok(())
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

/// Waits until the bitrate that the encoder is told, in kbit/s, is what is wanted.
async fn wait_for_target(sender: &Sender, what: &str, wanted: impl Fn(u32) -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let handler = sender.signal.connect_notify(Some("target-video-bitrate"), move |_, _| {
        let _ = tell.send(());
    });
    while !wanted(sender.target()) {
        anyhow::ensure!(Instant::now() < deadline, "{what}: the encoder is told {} kbit/s", sender.target());
        // Also when nothing is told any more.
        let _ = tokio::time::timeout(PATIENCE, told.recv()).await;
    }
    sender.signal.disconnect(handler);
    Ok(())
}

#[test]
fn the_encoder_follows_the_network_and_silence_changes_nothing() {
    between(Sender::start, async |link: &Link, sender: &Sender| {
        let normal = Profile { delay: Duration::from_millis(20), rate: Some(4_000_000), loss: 0.0 };
        link.set(normal);
        let browser = Chromium::start().await?;
        browser.open_freely(&format!("{NEAR}:8080")).await?;
        wait_for_target(sender, "4 Mbit/s", |target| (2500..4500).contains(&target)).await?;

        link.set(Profile { rate: Some(1_000_000), ..normal });
        wait_for_target(sender, "1 Mbit/s", |target| target < 1100).await?;
        browser.next_video_frame().await?;
        link.set(normal);
        wait_for_target(sender, "4 Mbit/s again", |target| target > 2500).await?;

        link.set(Profile { rate: None, ..normal });
        wait_for_target(sender, "no limit", |target| target == 8000).await?;
        // One packet in twenty is lost, and repaired; then all are, and it goes on after that.
        for loss in [0.05, 1.0] {
            link.set(Profile { rate: None, loss, ..normal });
            tokio::time::sleep(Duration::from_secs(2)).await;
            link.set(Profile { rate: None, ..normal });
            browser.next_video_frame().await?;
            browser.next_video_frame().await?;
        }
        wait_for_target(sender, "after an outage", |target| target > 7000).await?;

        // Silence: whoever takes the little that was sent for what the network carries has nothing left now. What was under
        // way may still tell of a queue, on a machine that is busy with other things.
        sender.pause(true)?;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = sender.target();
        assert!(before > 4000, "{before}");
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(sender.target() >= before, "{} after {before}", sender.target());
        sender.pause(false)?;
        browser.next_video_frame().await?;
        assert!(sender.target() >= before, "{} after {before}", sender.target());
        browser.close().await
    });
}
