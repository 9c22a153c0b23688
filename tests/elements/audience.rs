//! What runs while nobody watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use anyhow::{Context as _, Result};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::{Painter, Patch};
use egldesktop_tests::xvfb::Xvfb;
use gst::prelude::*;
use serde_json::json;

use super::capture::Capture;

/// A desktop without a launcher, and what passes between its capture and its encoder.
struct Watched {
    pipeline: gst::Pipeline,
    frames: Arc<AtomicU64>,
    /// What the source was told: whether nobody watches.
    idle: mpsc::Receiver<bool>,
}

impl Watched {
    fn start(display: &str) -> Result<Self> {
        super::init();
        let text = format!(
            "egldesktopsrc display-name={display} ! identity name=between ! x264enc tune=zerolatency \
             ! selkiessignal name=signal listen=127.0.0.1:0"
        );
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let pad = pipeline.by_name("between").and_then(|it| it.static_pad("sink")).context("no pad")?;
        let frames = Arc::new(AtomicU64::new(0));
        let count = frames.clone();
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
            gst::PadProbeReturn::Ok
        });
        let (told, idle) = mpsc::channel();
        pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
            let structure = info.event().and_then(|event| event.structure());
            if let Some(idle) = structure.filter(|it| it.name() == "egldesktop-idle").and_then(|it| it.get("idle").ok())
            {
                let _ = told.send(idle);
            }
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self { pipeline, frames, idle })
    }

    fn address(&self) -> Result<String> {
        let signal = self.pipeline.by_name("signal").context("no sink")?;
        signal.property::<Option<String>>("bound-address").context("no address")
    }

    fn is_active(&self) -> Result<bool> {
        Ok(self.pipeline.by_name("signal").context("no sink")?.property("video-active"))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

#[test]
fn nothing_is_captured_while_nobody_watches_and_the_first_viewer_gets_a_picture() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(320, 240)?;
        // Captures the same screen and never sleeps: what it has seen, the other one could have seen.
        let witness = Capture::start(&xvfb.display, "video/x-raw,format=BGRx")?;
        let desktop = Watched::start(&xvfb.display)?;
        assert!(desktop.idle.recv_timeout(PATIENCE)?, "the first picture is enough");
        let before = desktop.frames.load(Ordering::SeqCst);
        for _ in 0..3 {
            let painter = Painter::start(&xvfb.display)?;
            witness.wait_for(painter.patches())?;
            drop(painter);
            witness.wait_for(&[Patch { x: 160, y: 120, rgb: [0, 0, 0] }])?;
        }
        assert_eq!(desktop.frames.load(Ordering::SeqCst), before);
        assert!(!desktop.is_active()?);

        let viewer = Viewer::start_with(&desktop.address()?, "/ws", None, json!({})).await?;
        viewer.wait_for_frames(1).await?;
        assert!(!desktop.idle.recv_timeout(PATIENCE)? && desktop.is_active()?);
        assert!(desktop.frames.load(Ordering::SeqCst) > before);

        drop(viewer);
        // On a thread of its own: the end of the session is noticed by tasks of this one.
        let idle = tokio::task::spawn_blocking(move || (desktop.idle.recv_timeout(PATIENCE), desktop.is_active()));
        let (idle, active) = idle.await?;
        assert!(idle? && !active?);
        Ok(())
    });
}
