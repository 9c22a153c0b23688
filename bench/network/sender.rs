//! The two that are compared: the same picture and encoder, and different ways to a browser.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::link::NEAR;
use gst::prelude::*;
use gst_webrtc::{WebRTCICEGatheringState, WebRTCSDPType, WebRTCSessionDescription};
use serde_json::Value;

use crate::scenario::BITRATE;

const PATIENCE: Duration = Duration::from_secs(30);
const KEEP_ALIVE: Duration = Duration::from_secs(1);
const TRANSPORT_WIDE: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Whose congestion control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `selkiessignal`.
    Ours,
    /// `rtpgccbwe` in webrtcbin, its estimate set as the encoder's bitrate, with the bounds that Selkies has.
    Plain,
}

/// A desktop that sends.
pub(crate) struct Sender {
    kind: Kind,
    pipeline: gst::Pipeline,
    moves: Arc<AtomicBool>,
}

impl Sender {
    pub(crate) fn start(kind: Kind) -> Result<Self> {
        gst::init()?;
        let path = std::env::current_exe()?.with_file_name("libgstegldesktop.so");
        let plugin = gst::Plugin::load_file(&path)
            .with_context(|| format!("cannot load {}: `make bench-network` builds it", path.display()))?;
        gst::Registry::get().add_plugin(&plugin)?;
        // Snow takes whatever bitrate there is.
        let source = format!(
            "videotestsrc is-live=true pattern=snow ! video/x-raw,width=640,height=360,framerate=30/1
             ! x264enc name=encoder tune=zerolatency speed-preset=ultrafast bitrate={BITRATE} vbv-buf-capacity=100
                 key-int-max=2147483647
             ! video/x-h264,profile=constrained-baseline"
        );
        let rest = match kind {
            Kind::Ours => format!("selkiessignal name=sink listen={NEAR}:8080 basic-auth=false video-bitrate={BITRATE}"),
            Kind::Plain => format!(
                "rtph264pay name=pay mtu=1200 config-interval=-1 aggregate-mode=zero-latency
                 ! application/x-rtp,media=video,encoding-name=H264,payload=97,clock-rate=90000,rtcp-fb-nack-pli=true,rtcp-fb-transport-cc=true,extmap-3=(string)\"{TRANSPORT_WIDE}\"
                 ! webrtcbin name=sink bundle-policy=max-bundle latency=0"
            ),
        };
        let pipeline = gst::parse::launch(&format!("{source} ! {rest}"))?;
        let pipeline = pipeline.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let sender = Self { kind, pipeline, moves: Arc::new(AtomicBool::new(true)) };
        sender.rest_when_told()?;
        let (sink, encoder) = (sender.element("sink")?, sender.element("encoder")?);
        match kind {
            Kind::Ours => {
                sink.connect_notify(Some("target-video-bitrate"), move |sink, _| {
                    encoder.set_property("bitrate", sink.property::<u32>("target-video-bitrate"));
                });
            }
            Kind::Plain => plain(&sender, &sink, encoder)?,
        }
        sender.pipeline.set_state(gst::State::Playing)?;
        Ok(sender)
    }

    /// Shows the picture in a browser.
    pub(crate) async fn show(&self, browser: &Chromium) -> Result<()> {
        if self.kind == Kind::Ours {
            return browser.open_freely(&format!("{NEAR}:8080")).await;
        }
        let webrtcbin = self.element("sink")?;
        let offer = serde_json::to_string(&offer(&webrtcbin)?)?;
        let script = format!(
            "return (async () => {{
               const video = document.createElement('video'), pc = new RTCPeerConnection();
               video.autoplay = video.muted = true;
               document.body.append(video);
               pc.ontrack = ({{ track }}) => {{ video.srcObject = new MediaStream([track]); }};
               await pc.setRemoteDescription({{ type: 'offer', sdp: {offer} }});
               await pc.setLocalDescription(await pc.createAnswer());
               while (pc.iceGatheringState !== 'complete') await new Promise((done) => pc.addEventListener('icegatheringstatechange', done, {{ once: true }}));
               return pc.localDescription.sdp;
             }})()"
        );
        let Value::String(answer) = browser.run(&script).await? else { anyhow::bail!("no answer") };
        let answer = gst_sdp::SDPMessage::parse_buffer(answer.as_bytes())?;
        let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, answer);
        webrtcbin.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);
        browser.wait_for("return document.querySelector('video').videoWidth > 0").await
    }

    /// Whether anything moves.
    pub(crate) fn move_picture(&self, motion: bool) {
        self.moves.store(motion, Ordering::SeqCst);
    }

    /// Leaves out what a desktop that stands still would not send.
    fn rest_when_told(&self) -> Result<()> {
        let moves = self.moves.clone();
        let last = Mutex::new(Instant::now());
        let pad = self.element("encoder")?.static_pad("sink").context("no pad")?;
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if !moves.load(Ordering::SeqCst) && last.elapsed() < KEEP_ALIVE {
                return gst::PadProbeReturn::Drop;
            }
            *last = Instant::now();
            gst::PadProbeReturn::Ok
        });
        Ok(())
    }

    /// What the encoder is set to, in kbit/s.
    pub(crate) fn bitrate(&self) -> Result<u32> {
        Ok(self.element("encoder")?.property("bitrate"))
    }

    fn element(&self, name: &str) -> Result<gst::Element> {
        self.pipeline.by_name(name).with_context(|| format!("no {name}"))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn plain(sender: &Sender, webrtcbin: &gst::Element, encoder: gst::Element) -> Result<()> {
    use gst_rtp::prelude::*;
    let extension = gst_rtp::RTPHeaderExtension::create_from_uri(TRANSPORT_WIDE).context("no rtphdrexttwcc")?;
    extension.set_id(3);
    sender.element("pay")?.emit_by_name::<()>("add-extension", &[&extension]);
    if gst::ElementFactory::find("rtpgccbwe").is_none() {
        gstrsrtp::plugin_register_static()?;
    }
    webrtcbin.connect("request-aux-sender", false, move |_| {
        let most = BITRATE * 1000;
        let estimator = gst::ElementFactory::make("rtpgccbwe")
            .property("min-bitrate", most / 10)
            .property("max-bitrate", most)
            .property("estimated-bitrate", most)
            .build()
            .ok()?;
        let encoder = encoder.clone();
        estimator.connect_notify(Some("estimated-bitrate"), move |estimator, _| {
            encoder.set_property("bitrate", estimator.property::<u32>("estimated-bitrate") / 1000);
        });
        Some(estimator.to_value())
    });
    let transceiver =
        webrtcbin.static_pad("sink_0").context("no pad")?.property::<gst_webrtc::WebRTCRTPTransceiver>("transceiver");
    transceiver.set_direction(gst_webrtc::WebRTCRTPTransceiverDirection::Sendonly);
    transceiver.set_property("do-nack", true);
    Ok(())
}

/// With all candidates in it.
fn offer(webrtcbin: &gst::Element) -> Result<String> {
    let (sender, gathered) = mpsc::channel();
    webrtcbin.connect_notify(Some("ice-gathering-state"), move |webrtcbin, _| {
        if webrtcbin.property::<WebRTCICEGatheringState>("ice-gathering-state") == WebRTCICEGatheringState::Complete {
            let _ = sender.send(());
        }
    });
    let offering = webrtcbin.clone();
    let promise = gst::Promise::with_change_func(move |reply| {
        let offer = reply.ok().flatten().and_then(|reply| reply.get::<WebRTCSessionDescription>("offer").ok());
        offering.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
    });
    webrtcbin.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
    gathered.recv_timeout(PATIENCE).context("no candidates")?;
    let description = webrtcbin.property::<Option<WebRTCSessionDescription>>("local-description");
    Ok(description.context("no offer")?.sdp().as_text()?)
}
