//! One encoded stream on its way from a sink pad to all viewers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use gst::prelude::*;
use gst_utils::{ConsumptionLink, StreamProducer};
use tokio::sync::watch;

use super::keyframes;
use super::listeners::Listeners;
use super::metrics::StreamStats;
use crate::events;

/// An encoded stream. While nobody listens, the source upstream sleeps, if it is one that can (see [`events::idle`]).
pub(super) struct Stream {
    pad: gst::GhostPad,
    producer: StreamProducer,
    caps: watch::Receiver<Option<gst::Caps>>,
    listeners: Arc<Listeners>,
    audience: Arc<Audience>,
    counters: Arc<Counters>,
}

/// What has arrived so far.
#[derive(Default)]
struct Counters {
    frames: AtomicU64,
    bytes: AtomicU64,
    /// See [`StreamStats::delay`], in nanoseconds.
    delay: AtomicU64,
}

/// Whether anybody listens, and that the source knows.
struct Audience {
    pad: gst::glib::WeakRef<gst::GhostPad>,
    listeners: AtomicUsize,
    /// The source was told since the stream started.
    told: AtomicBool,
    /// Called with every change between nobody and somebody.
    changed: Box<dyn Fn() + Send + Sync>,
}

/// A listener. Dropping it ends the flow.
pub(super) struct Subscription {
    audience: Arc<Audience>,
    link: ConsumptionLink,
}

impl Stream {
    /// Takes what arrives at `appsink`, which `pad` is the outside of. `changed` is called when [`Self::is_active`] does.
    pub(super) fn new(
        pad: &gst::GhostPad,
        appsink: &gst_app::AppSink,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let producer = StreamProducer::with(appsink, gst_utils::streamproducer::ProducerSettings { sync: false });
        let audience = Arc::new(Audience {
            pad: pad.downgrade(),
            listeners: AtomicUsize::new(0),
            told: AtomicBool::new(false),
            changed: Box::new(changed),
        });
        let (caps_sender, caps) = watch::channel(None);
        let flow = audience.clone();
        let arriving = caps_sender.clone();
        let counters = Arc::new(Counters::default());
        let count = counters.clone();
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER, move |pad, info| {
            match info.event().map(|event| event.view()) {
                Some(gst::EventView::Caps(event)) => drop(arriving.send_replace(Some(event.caps_owned()))),
                Some(gst::EventView::StreamStart(_)) => flow.told.store(false, Ordering::SeqCst),
                Some(_) => {}
                // The first picture has shown that everything works, and how it is encoded. That is enough for now.
                None => {
                    if let Some(buffer) = info.buffer() {
                        count.add(pad, buffer);
                    }
                    if flow.is_empty() && !flow.told.load(Ordering::SeqCst) {
                        flow.tell();
                    }
                }
            }
            gst::PadProbeReturn::Ok
        });
        // Another encoder may come in its place, and make something else.
        pad.connect_unlinked(move |_, _| drop(caps_sender.send_replace(None)));
        if let Some(inside) = appsink.static_pad("sink") {
            keyframes::coalesce(&inside);
        }
        Self { pad: pad.clone(), producer, caps, listeners: Listeners::at(pad), audience, counters }
    }

    /// Who hears what the desktop tells along with this stream.
    pub(super) fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// Lets the stream flow into `appsrc`.
    pub(super) fn subscribe(&self, appsrc: &gst_app::AppSrc) -> Result<Subscription, gst_utils::AddConsumerError> {
        let link = self.producer.add_consumer(appsrc)?;
        if self.audience.listeners.fetch_add(1, Ordering::SeqCst) == 0 {
            self.audience.tell();
            (self.audience.changed)();
        }
        Ok(Subscription { audience: self.audience.clone(), link })
    }

    /// Its numbers; `kind` is `video` or `audio`.
    pub(super) fn stats(&self, kind: &'static str) -> StreamStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StreamStats {
            kind,
            frames: read(&self.counters.frames),
            bytes: read(&self.counters.bytes),
            delay: Duration::from_nanos(read(&self.counters.delay)),
        }
    }

    /// Whether anybody listens.
    pub(super) fn is_active(&self) -> bool {
        !self.audience.is_empty()
    }

    /// The caps of the stream, as soon as it has any.
    pub(super) fn caps(&self) -> watch::Receiver<Option<gst::Caps>> {
        self.caps.clone()
    }

    /// Lets the source give one picture, though nobody listens: what it is encoded with is not known otherwise.
    pub(super) fn wake(&self) {
        self.audience.told.store(false, Ordering::SeqCst);
        self.pad.push_event(events::idle(false));
        self.pad.push_event(events::refresh());
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

impl Counters {
    fn add(&self, pad: &gst::GhostPad, buffer: &gst::Buffer) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(buffer.size() as u64, Ordering::Relaxed);
        // A live source stamps with the running time of the capture; encoders may shift it, and the segment shifts it back.
        let segment = pad.sticky_event::<gst::event::Segment>(0);
        let captured = segment.and_then(|event| {
            let segment = event.segment().downcast_ref::<gst::ClockTime>()?;
            segment.to_running_time(buffer.pts())
        });
        let now = pad.parent_element().and_then(|element| element.current_running_time());
        if let (Some(captured), Some(now)) = (captured, now) {
            self.delay.store(now.saturating_sub(captured).nseconds(), Ordering::Relaxed);
        }
    }
}

impl Subscription {
    /// How many frames went through, and how many did not.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.link.pushed(), self.link.dropped())
    }
}

impl Audience {
    fn is_empty(&self) -> bool {
        self.listeners.load(Ordering::SeqCst) == 0
    }

    /// Tells the source whether it may sleep. Without a lock, because the way up passes through elements that hold their
    /// own; several threads may do it at once, so the last word is checked against what holds then.
    fn tell(&self) {
        self.told.store(true, Ordering::SeqCst);
        let Some(pad) = self.pad.upgrade() else { return };
        loop {
            let idle = self.is_empty();
            pad.push_event(events::idle(idle));
            if self.is_empty() == idle {
                return;
            }
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.audience.listeners.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.audience.tell();
            (self.audience.changed)();
        }
    }
}
