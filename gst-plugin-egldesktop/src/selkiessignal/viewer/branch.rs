//! From a stream to webrtcbin: `appsrc ! payloader ! capsfilter`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use gst::prelude::*;
use gst_rtp::RTPHeaderExtension;
use gst_rtp::prelude::*;
use gst_utils::StreamProducer;

use super::feedback::Feedback;
use super::rtp_plugin;
use super::webrtcbin::WebRtcBin;
use crate::selkiessignal::capture_time::CaptureTime;
use crate::selkiessignal::congestion::Share;
use crate::selkiessignal::hub::SessionError;
use crate::selkiessignal::opus;
use crate::selkiessignal::playout_delay::PlayoutDelay;

/// What fits into one packet everywhere, tunnels included, as Selkies has it. In bytes.
const MTU: u32 = 1200;
/// The header extension with which every packet of a connection is counted.
pub(super) const TRANSPORT_WIDE: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// A stream inside a viewer's pipeline.
pub(super) struct Branch {
    pub(super) appsrc: gst_app::AppSrc,
    payloader: gst::Element,
    pub(super) is_video: bool,
    /// Of video under congestion control.
    pub(super) feedback: Option<Arc<Feedback>>,
}

/// What differs from viewer to viewer and from stream to stream.
pub(super) struct Options<'a> {
    /// The media stream in SDP.
    pub(super) group: &'a str,
    /// Its part in the congestion control.
    pub(super) share: Option<Share>,
    pub(super) numbers: Numbers,
}

/// What RTP calls things on this connection: whoever makes the offer says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    /// None for the codec's own.
    pub(super) payload_type: Option<u8>,
    /// Identifiers of header extensions (RFC 8285), 1 to 14; those of video. None where the other side knows it not.
    pub(super) playout_delay: Option<u8>,
    pub(super) capture_time: Option<u8>,
    pub(super) transport_wide: Option<u8>,
    /// Lost packets are sent again (RFC 4588).
    pub(super) retransmission: bool,
}

impl Numbers {
    /// Those of our own offers.
    pub(super) const OURS: Self = Self {
        payload_type: None,
        playout_delay: Some(1),
        capture_time: Some(2),
        transport_wide: Some(3),
        retransmission: true,
    };
}

/// How a codec goes into RTP: payloader with its properties, payload type, ticks per second, encoding name.
struct Payload {
    element: &'static str,
    properties: &'static [(&'static str, &'static str)],
    payload_type: i32,
    clock_rate: i32,
    encoding: &'static str,
}

fn payload(caps: &gst::Caps) -> Option<Payload> {
    let name = caps.structure(0)?.name();
    let (element, properties, payload_type, clock_rate, encoding): (_, &[_], _, _, _) = match name.as_str() {
        // Parameter sets with every keyframe: a viewer may join at any one.
        "video/x-h264" => {
            ("rtph264pay", &[("config-interval", "-1"), ("aggregate-mode", "zero-latency")], 97, 90_000, "H264")
        }
        "video/x-h265" => {
            ("rtph265pay", &[("config-interval", "-1"), ("aggregate-mode", "zero-latency")], 100, 90_000, "H265")
        }
        "video/x-av1" => ("rtpav1pay", &[], 96, 90_000, "AV1"),
        "video/x-vp8" => ("rtpvp8pay", &[("picture-id-mode", "15-bit")], 96, 90_000, "VP8"),
        "video/x-vp9" => ("rtpvp9pay", &[("picture-id-mode", "15-bit")], 98, 90_000, "VP9"),
        "audio/x-opus" if opus::is_surround(caps) => ("rtpopuspay", &[], 111, 48_000, "MULTIOPUS"),
        "audio/x-opus" => ("rtpopuspay", &[], 111, 48_000, "OPUS"),
        _ => return None,
    };
    Some(Payload { element, properties, payload_type, clock_rate, encoding })
}

/// What the codec of these caps is called among MIME types, such as `video/H264`.
pub(super) fn mime_type(caps: &gst::Caps) -> Result<String, SessionError> {
    let payload = payload(caps).ok_or_else(|| SessionError::Unsupported(caps.to_string()))?;
    let kind = if payload.clock_rate == 90_000 { "video" } else { "audio" };
    Ok(format!("{kind}/{}", payload.encoding))
}

/// The same for a media type, such as `video/x-h264`; none where it cannot be sent.
pub(in crate::selkiessignal) fn codec(media_type: &str) -> Option<String> {
    let caps: gst::Caps = media_type.parse().ok()?;
    mime_type(&caps).ok()
}

/// Lets nothing of another codec pass, which the payloader would fail of: the encoder was exchanged, and this session is
/// about to end.
pub(super) fn keep_to_codec(pad: &gst::Pad, caps: &gst::Caps) {
    let name = caps.structure(0).map(|structure| structure.name().to_string());
    let foreign = AtomicBool::new(false);
    let kinds = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST;
    pad.add_probe(kinds, move |_, info| {
        if let Some(gst::EventView::Caps(caps)) = info.event().map(|event| event.view()) {
            let structure = caps.caps().structure(0).map(|structure| structure.name().to_string());
            foreign.store(structure != name, Ordering::Relaxed);
        }
        match (foreign.load(Ordering::Relaxed), info.event().is_some()) {
            (false, _) => gst::PadProbeReturn::Ok,
            (true, true) => gst::PadProbeReturn::Handled,
            (true, false) => gst::PadProbeReturn::Drop,
        }
    });
}

/// An RTP timestamp, and when the picture with it was captured.
pub(super) type VideoTime = (u32, SystemTime);

impl Branch {
    /// What tells the time of the last picture, for viewers whose browser does not know abs-capture-time. `None` for sound,
    /// and for a payloader that keeps that to itself.
    pub(super) fn video_clock(
        &self,
        pipeline: &gst::Pipeline,
    ) -> Option<impl Fn() -> Option<VideoTime> + Send + Sync + use<>> {
        self.payloader.find_property("stats").filter(|_| self.is_video)?;
        let (payloader, pipeline) = (self.payloader.downgrade(), pipeline.downgrade());
        Some(move || {
            let (payloader, pipeline) = (payloader.upgrade()?, pipeline.upgrade()?);
            let stats = payloader.property::<gst::Structure>("stats");
            // Before the first picture it is none.
            let captured = stats.get::<u64>("running-time").ok().filter(|&time| time != u64::MAX)?;
            let age = pipeline.current_running_time()?.saturating_sub(gst::ClockTime::from_nseconds(captured));
            Some((stats.get("timestamp").ok()?, SystemTime::now().checked_sub(age.into())?))
        })
    }

    /// Adds the elements for a stream of these caps; `kind` is `video` or `audio`.
    pub(super) fn new(
        pipeline: &gst::Pipeline,
        webrtcbin: &WebRtcBin,
        caps: &gst::Caps,
        kind: &'static str,
        options: Options,
    ) -> Result<Self, SessionError> {
        let payload = payload(caps).ok_or_else(|| SessionError::Unsupported(caps.to_string()))?;
        let is_video = kind == "video";
        let numbers = options.numbers;
        let transport_wide = numbers.transport_wide.filter(|_| is_video && options.share.is_some());

        let appsrc = gst_app::AppSrc::builder().name(kind).caps(caps).build();
        StreamProducer::configure_consumer(&appsrc);
        if let Some(pad) = appsrc.static_pad("src") {
            keep_to_codec(&pad, caps);
        }
        let ssrc = gst::glib::random_int();
        rtp_plugin::provide(payload.element);
        // Its type differs from payloader to payloader.
        let ssrc_text = ssrc.to_string();
        let mut payloader =
            gst::ElementFactory::make(payload.element).property("mtu", MTU).property_from_str("ssrc", &ssrc_text);
        for (name, value) in payload.properties {
            payloader = payloader.property_from_str(name, value);
        }
        let payloader = payloader.build()?;
        let mut rtp = gst::Caps::builder("application/x-rtp")
            .field("media", kind)
            .field("encoding-name", payload.encoding)
            .field("clock-rate", payload.clock_rate)
            .field("payload", numbers.payload_type.map_or(payload.payload_type, i32::from))
            .field("ssrc", ssrc);
        if is_video {
            // What webrtcbin does not offer by itself: keyframe requests.
            rtp = rtp.field("rtcp-fb-nack-pli", true).field("rtcp-fb-ccm-fir", true);
        } else {
            rtp = opus::describe(rtp, caps);
        }
        if let Some(id) = numbers.playout_delay.filter(|_| is_video) {
            payloader.emit_by_name::<()>("add-extension", &[&PlayoutDelay::new(id.into())]);
            rtp = rtp.field(format!("extmap-{id}"), PlayoutDelay::uri());
        }
        if let Some(id) = numbers.capture_time.filter(|_| is_video) {
            let base_time = pipeline.base_time().unwrap_or_default();
            let input =
                payloader.static_pad("sink").ok_or_else(|| gst::glib::bool_error!("a payloader without a pad"))?;
            let capture_time = CaptureTime::new(id.into(), pipeline.pipeline_clock(), base_time, &input);
            payloader.emit_by_name::<()>("add-extension", &[&capture_time]);
            rtp = rtp.field(format!("extmap-{id}"), CaptureTime::uri());
        }
        if let Some(id) = transport_wide {
            let extension = RTPHeaderExtension::create_from_uri(TRANSPORT_WIDE)
                .ok_or_else(|| gst::glib::bool_error!("no rtphdrexttwcc (package gstreamer1.0-plugins-good)"))?;
            extension.set_id(id.into());
            payloader.emit_by_name::<()>("add-extension", &[&extension]);
            rtp = rtp.field("rtcp-fb-transport-cc", true).field(format!("extmap-{id}"), TRANSPORT_WIDE);
        }
        let rtp = rtp.build();
        let filter = gst::ElementFactory::make("capsfilter").property("caps", &rtp).build()?;

        let elements = [appsrc.upcast_ref(), &payloader, &filter];
        pipeline.add_many(elements)?;
        gst::Element::link_many(elements)?;
        webrtcbin.add_track(&filter, kind, &rtp, &options)?;
        let feedback = options.share.map(|share| Feedback::new(share, webrtcbin, ssrc));
        if let (Some(feedback), Some(frames), Some(packets)) =
            (&feedback, appsrc.static_pad("src"), filter.static_pad("src"))
        {
            feedback.watch(&frames, &packets);
        }
        Ok(Self { appsrc, payloader, is_video, feedback })
    }
}
