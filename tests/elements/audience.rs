//! What runs while nobody watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use anyhow::{Context as _, Result};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::{Painter, Patch};
use egldesktop_tests::relay::Relay;
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
    fn start(source: &str) -> Result<Self> {
        Self::start_with(source, "")
    }

    /// With more properties of the sink.
    fn start_with(source: &str, properties: &str) -> Result<Self> {
        super::init();
        let text = format!(
            "{source} ! identity name=between ! x264enc tune=zerolatency speed-preset=ultrafast \
             ! selkiessignal name=signal listen=127.0.0.1:0 {properties}"
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

    /// How many frames have gone into the encoder.
    fn encoded(&self) -> u64 {
        self.frames.load(Ordering::SeqCst)
    }

    fn connections(&self) -> Result<u32> {
        Ok(self.pipeline.by_name("signal").context("no sink")?.property("viewers"))
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
        let desktop = Watched::start(&format!("egldesktopsrc display-name={}", xvfb.display))?;
        assert!(desktop.idle.recv_timeout(PATIENCE)?, "the first picture is enough");
        let before = desktop.encoded();
        for _ in 0..3 {
            let painter = Painter::start(&xvfb.display)?;
            witness.wait_for(painter.patches())?;
            drop(painter);
            witness.wait_for(&[Patch { x: 160, y: 120, rgb: [0, 0, 0] }])?;
        }
        assert_eq!(desktop.encoded(), before);
        assert!(!desktop.is_active()?);

        let viewer = Viewer::start_with(&desktop.address()?, "/ws", None, json!({})).await?;
        viewer.wait_for_frames(1).await?;
        assert!(!desktop.idle.recv_timeout(PATIENCE)? && desktop.is_active()?);
        assert!(desktop.encoded() > before);

        drop(viewer);
        // On a thread of its own: the end of the session is noticed by tasks of this one.
        let idle = tokio::task::spawn_blocking(move || (desktop.idle.recv_timeout(PATIENCE), desktop.is_active()));
        let (idle, active) = idle.await?;
        assert!(idle? && !active?);
        Ok(())
    });
}

/// Viewers of the busiest desktop that is tested.
const MANY: usize = 20;

#[test]
fn many_viewers_share_one_encode_and_a_dead_one_harms_nobody() {
    isolated(async || {
        add_address()?;
        let desktop = Watched::start("videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1")?;
        let address = desktop.address()?;
        let connect = || Viewer::start_with(&address, "/ws", None, json!({}));
        let mut viewers = Vec::new();
        for _ in 0..MANY {
            viewers.push(connect().await?);
        }
        for viewer in &viewers {
            viewer.wait_for_frames(1).await?;
        }

        let dead = viewers.pop().context("no viewer")?;
        let encoded = desktop.encoded();
        let received: Vec<_> = viewers.iter().map(Viewer::frames).collect();
        dead.stop_reading()?;
        // It answers no ping, so it is given up.
        while desktop.connections()? == MANY as u32 {
            viewers[0].wait_for_frames(1).await?;
        }
        assert_eq!(desktop.connections()?, MANY as u32 - 1);
        let encoded = desktop.encoded() - encoded;
        for (viewer, before) in viewers.iter().zip(received) {
            // All that was encoded meanwhile, but for what is on its way at the two ends, which is more on a busy machine. One
            // that waits for the dead one waits for seconds.
            let received = viewer.frames() - before;
            let way = 5 + encoded / 20;
            assert!(!viewer.has_ended() && received.abs_diff(encoded) <= way, "{received} of {encoded}");
        }
        Ok(())
    });
}

#[test]
fn a_viewer_at_another_signalling_server_is_served() {
    isolated(async || {
        add_address()?;
        let relay = Relay::start().await?;
        let source = "videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=30/1";
        let desktop =
            Watched::start_with(source, &format!("listen=127.0.0.1:8080 signalling-uri=ws://{}/", relay.address))?;
        let mut viewer = Viewer::start_with(&relay.address, "/", None, json!({})).await?;
        viewer.wait_for_control(true).await?;
        viewer.wait_for_frames(2).await?;
        assert_eq!(desktop.connections()?, 1);
        // Instead of a page and signalling of its own: nobody listens there.
        assert_eq!(desktop.address()?, format!("ws://{}/", relay.address));
        std::net::TcpListener::bind("127.0.0.1:8080")?;
        Ok(())
    });
}
