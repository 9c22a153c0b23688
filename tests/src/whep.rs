//! A player that is no browser: WHEP over plain HTTP, received by a webrtcbin in this process.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use gst::glib;
use gst::prelude::*;
use gst_webrtc::{WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSDPType, WebRTCSessionDescription};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::PATIENCE;
use crate::http::{Answer, ask};
use crate::native::differences;
use crate::painter::Patch;

/// A player with its session.
#[derive(Debug)]
pub struct Player {
    pipeline: gst::Pipeline,
    /// The URL of its session.
    pub session: String,
    authorization: String,
    /// What its session was begun with.
    pub begun: Answer,
}

impl Player {
    /// Plays a desktop at `address`, shown as `authorization`. `caps` is what it receives, `decoder` the elements from RTP to
    /// the picture. What it finds out of its own addresses it tells after the offer.
    pub async fn start(address: &str, authorization: &str, caps: &str, decoder: &str) -> Result<Self> {
        gst::init()?;
        let pipeline = gst::Pipeline::new();
        let webrtcbin = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            .property("latency", 0u32)
            .build()?;
        pipeline.add(&webrtcbin)?;
        let (sender, mut candidates) = mpsc::unbounded_channel();
        webrtcbin.connect_closure(
            "on-ice-candidate",
            false,
            glib::closure!(move |_: &gst::Element, _mline: u32, candidate: String| drop(sender.send(candidate))),
        );
        show(&webrtcbin, decoder);
        pipeline.set_state(gst::State::Playing)?;
        let caps: gst::Caps = format!("application/x-rtp,{caps}").parse()?;
        let direction = WebRTCRTPTransceiverDirection::Recvonly;
        webrtcbin
            .emit_by_name::<Option<WebRTCRTPTransceiver>>("add-transceiver", &[&direction, &caps])
            .context("no transceiver")?;
        let offer = offer(&webrtcbin).await?;
        let text = offer.sdp().as_text()?;
        let fields = [("authorization", authorization), ("content-type", "application/sdp")];
        let begun = ask("POST", &format!("http://{address}/whep"), None, &fields, &text).await?;
        ensure!(begun.status == 201, "{} {}", begun.status, begun.body);
        let session = format!("http://{address}{}", begun.field("location"));
        let answer = gst_sdp::SDPMessage::parse_buffer(begun.body.as_bytes())?;
        let answer = WebRTCSessionDescription::new(WebRTCSDPType::Answer, answer);
        webrtcbin.emit_by_name::<()>("set-remote-description", &[&answer, &None::<gst::Promise>]);

        let candidate = timeout(PATIENCE, candidates.recv()).await.context("no candidate")?.context("no candidate")?;
        let media = offer.sdp().media(0).context("no section")?;
        let ufrag = media.attribute_val("ice-ufrag").context("no ice-ufrag")?;
        let fragment = format!("a=ice-ufrag:{ufrag}\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na={candidate}\r\n");
        let player = Self { pipeline, session, authorization: authorization.to_owned(), begun };
        let told = player.trickle(player.begun.field("etag"), &fragment).await?;
        ensure!(told.status == 204, "{} {}", told.status, told.body);
        Ok(player)
    }

    /// Sends a fragment.
    pub async fn trickle(&self, tag: &str, fragment: &str) -> Result<Answer> {
        let kind = "application/trickle-ice-sdpfrag";
        let fields = [("authorization", self.authorization.as_str()), ("content-type", kind), ("if-match", tag)];
        ask("PATCH", &self.session, None, &fields, fragment).await
    }

    /// Ends the session, as a player does.
    pub async fn end(&self) -> Result<Answer> {
        ask("DELETE", &self.session, None, &[("authorization", &self.authorization)], "").await
    }

    /// Waits until the decoded picture shows these colours.
    pub async fn wait_for_picture(&self, patches: &[Patch]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut wrong = vec!["no picture".to_owned()];
        while Instant::now() < deadline {
            let sink = self.pipeline.by_name("picture").and_downcast::<gst_app::AppSink>();
            let Some(sample) = sink.and_then(|sink| sink.try_pull_sample(gst::ClockTime::from_mseconds(1))) else {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                continue;
            };
            wrong = differences(&sample, patches)?;
            if wrong.is_empty() {
                return Ok(());
            }
        }
        anyhow::bail!("{}", wrong.join("; "))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

async fn offer(webrtcbin: &gst::Element) -> Result<WebRTCSessionDescription> {
    let (sender, mut offers) = mpsc::unbounded_channel();
    let element = webrtcbin.clone();
    let made = gst::Promise::with_change_func(move |reply| {
        let offer = reply.ok().flatten().and_then(|reply| reply.get::<WebRTCSessionDescription>("offer").ok());
        let Some(offer) = offer else { return };
        element.emit_by_name::<()>("set-local-description", &[&offer, &None::<gst::Promise>]);
        let _ = sender.send(offer);
    });
    webrtcbin.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &made]);
    timeout(PATIENCE, offers.recv()).await?.context("no offer")
}

/// Decodes the picture that arrives.
fn show(webrtcbin: &gst::Element, decoder: &str) {
    let text =
        format!("{decoder} ! videoconvert ! video/x-raw,format=RGB ! appsink name=picture sync=false max-buffers=1");
    webrtcbin.connect_pad_added(move |webrtcbin, pad| {
        let Some(pipeline) = webrtcbin.parent().and_downcast::<gst::Bin>() else { return };
        let Ok(bin) = gst::parse::bin_from_description(&text, true) else { return };
        if pipeline.add(&bin).is_ok() && bin.sync_state_with_parent().is_ok() {
            let _ = bin.static_pad("sink").map(|sink| pad.link(&sink));
        }
    });
}
