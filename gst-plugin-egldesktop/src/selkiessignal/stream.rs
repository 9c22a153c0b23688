//! One encoded stream on its way from a sink pad to all viewers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;
use gst_utils::StreamProducer;
use tokio::sync::watch;

use super::listeners::Listeners;
use crate::events;

/// The least time between two keyframes that viewers ask for: each costs the bandwidth of many frames, and viewers
/// that join or lose packets together ask together.
const KEYFRAME_INTERVAL: Duration = Duration::from_millis(250);

/// An encoded stream.
pub(super) struct Stream {
    pad: gst::GhostPad,
    pub(super) producer: StreamProducer,
    caps: watch::Receiver<Option<gst::Caps>>,
    listeners: Arc<Listeners>,
}

impl Stream {
    /// Takes what arrives at `appsink`, which `pad` is the outside of.
    pub(super) fn new(pad: &gst::GhostPad, appsink: &gst_app::AppSink) -> Self {
        let producer = StreamProducer::with(appsink, gst_utils::streamproducer::ProducerSettings { sync: false });
        let (caps_sender, caps) = watch::channel(None);
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(gst::EventView::Caps(event)) = info.event().map(|event| event.view()) {
                caps_sender.send_replace(Some(event.caps_owned()));
            }
            gst::PadProbeReturn::Ok
        });
        if let Some(inside) = appsink.static_pad("sink") {
            coalesce_keyframe_requests(&inside);
        }
        Self { pad: pad.clone(), producer, caps, listeners: Listeners::at(pad) }
    }

    /// Who hears what the desktop tells along with this stream.
    pub(super) fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// The caps of the stream, as soon as it has any.
    pub(super) fn caps(&self) -> watch::Receiver<Option<gst::Caps>> {
        self.caps.clone()
    }

    /// Asks the encoder for a keyframe, and the source for a picture to make it of.
    pub(super) fn request_keyframe(&self) {
        if let Some(inside) = self.producer.appsink().static_pad("sink") {
            inside.push_event(gst_video::UpstreamForceKeyUnitEvent::builder().all_headers(true).build());
        }
    }

    /// The name of the element that encodes this stream, such as `x264enc`.
    pub(super) fn encoder(&self) -> Option<String> {
        let mut pad = self.pad.peer()?;
        // Parsers, filters and queues may stand between; a bound, because links may form a circle.
        for _ in 0..16 {
            let factory = pad.parent_element()?.factory()?;
            if factory.has_type(gst::ElementFactoryType::ENCODER) {
                return Some(factory.name().into());
            }
            pad = pad.parent_element()?.sink_pads().into_iter().next()?.peer()?;
        }
        None
    }

    /// Sends what a viewer does upstream.
    pub(super) fn push_upstream(&self, event: gst::Event) -> bool {
        self.pad.push_event(event)
    }
}

/// Lets at most one keyframe request through per interval, and follows each with a request for a picture: a source
/// that is silent while nothing changes would leave the encoder without a frame to encode.
fn coalesce_keyframe_requests(pad: &gst::Pad) {
    let last = Arc::new(Mutex::new(None::<Instant>));
    pad.add_probe(gst::PadProbeType::EVENT_UPSTREAM, move |pad, info| {
        let Some(event) = info.event() else { return gst::PadProbeReturn::Ok };
        if gst_video::UpstreamForceKeyUnitEvent::parse(event).is_err() {
            return gst::PadProbeReturn::Ok;
        }
        let now = Instant::now();
        {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            // The one that is left out needs no second chance: whoever still lacks a keyframe asks again.
            if last.is_some_and(|last| now.duration_since(last) < KEYFRAME_INTERVAL) {
                return gst::PadProbeReturn::Handled;
            }
            *last = Some(now);
        }
        // In this order: the encoder must know before the picture comes.
        if let Some(peer) = pad.peer() {
            peer.send_event(event.clone());
            peer.send_event(events::refresh());
        }
        gst::PadProbeReturn::Handled
    });
}
