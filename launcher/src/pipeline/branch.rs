//! A part of a pipeline that runs only while it is wanted, and whose failure is not the pipeline's.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use gst::prelude::*;
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

/// From a failure to the next try. Asking for a device that is not there costs little.
const RETRY: Duration = Duration::from_secs(1);
/// Failures no further apart than this are the same one still, which is told once.
const SAME_FAILURE: Duration = Duration::from_secs(10);

/// A bin inside a pipeline with a life of its own. Dropping it leaves the bin as it is: [`stop`] ends that.
pub(super) struct Branch {
    bin: gst::Bin,
    wish: Wish,
    failures: watch::Sender<()>,
    last_failure: Option<Instant>,
    task: Option<JoinHandle<()>>,
}

/// The boolean property that says whether the branch shall run.
#[derive(Clone)]
struct Wish {
    element: gst::Element,
    property: String,
    changed: Arc<Notify>,
}

impl Branch {
    /// Takes `bin` out of its pipeline's changes of state; it has not been started yet. It runs, once [`Self::follow`] is
    /// called, while `property` of `element` is true.
    pub(super) fn new(bin: gst::Bin, element: gst::Element, property: &str) -> Self {
        bin.set_locked_state(true);
        if bin.num_sink_pads() > 0 {
            // The pipeline asks its sinks for latency and end of stream, and one that is closed knows neither.
            bin.set_suppressed_flags(gst::ElementFlags::SINK);
            bin.unset_element_flags(gst::ElementFlags::SINK);
        }
        for pad in bin.src_pads() {
            if let Some(peer) = pad.peer() {
                answer_for(&bin, &peer);
            }
            // A source that fails says that its stream is over; here the stream goes on when it is started again.
            pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, |_, info| {
                match info.event().map(|event| event.type_()) {
                    Some(gst::EventType::Eos) => gst::PadProbeReturn::Handled,
                    _ => gst::PadProbeReturn::Ok,
                }
            });
        }
        let changed = Arc::new(Notify::new());
        let notify = changed.clone();
        // The thread that says it may be one that must not wait for a device.
        element.connect_notify(Some(property), move |_, _| notify.notify_one());
        let wish = Wish { element, property: property.to_owned(), changed };
        Self { bin, wish, failures: watch::Sender::new(()), last_failure: None, task: None }
    }

    /// Starts and stops it as it is wanted, from now on. The pipeline is playing.
    pub(super) fn follow(&mut self) {
        self.task = Some(tokio::spawn(follow(self.bin.clone(), self.wish.clone(), self.failures.subscribe())));
    }

    pub(super) fn bin(&self) -> &gst::Bin {
        &self.bin
    }

    /// Whether this message comes from inside.
    pub(super) fn owns(&self, message: &gst::MessageRef) -> bool {
        message.src().is_some_and(|source| source == &self.bin || source.has_as_ancestor(&self.bin))
    }

    /// One of its elements has failed, for this reason.
    pub(super) fn failed(&mut self, reason: &str) {
        let now = Instant::now();
        match self.last_failure.replace(now) {
            Some(last) if now.duration_since(last) < SAME_FAILURE => tracing::debug!("{}: {reason}", self.bin.name()),
            _ => tracing::warn!("going on without \"{}\", until it works: {reason}", self.bin.name()),
        }
        self.failures.send_replace(());
    }
}

impl Drop for Branch {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Wish {
    async fn until(&self, wanted: bool) {
        while self.element.property::<bool>(&self.property) != wanted {
            self.changed.notified().await;
        }
    }
}

/// Answers `peer` on behalf of a branch that is not running: what is closed knows no latency and takes none, and then
/// nobody could set that of the pipeline.
fn answer_for(bin: &gst::Bin, peer: &gst::Pad) {
    let bin = bin.downgrade();
    peer.add_probe(gst::PadProbeType::QUERY_UPSTREAM | gst::PadProbeType::EVENT_UPSTREAM, move |_, info| {
        if bin.upgrade().is_none_or(|bin| bin.current_state() == gst::State::Playing) {
            return gst::PadProbeReturn::Ok;
        }
        if info.event().is_some_and(|event| event.type_() == gst::EventType::Latency) {
            return gst::PadProbeReturn::Handled;
        }
        match info.query_mut().map(gst::QueryRef::view_mut) {
            Some(gst::QueryViewMut::Latency(latency)) => {
                latency.set(true, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                gst::PadProbeReturn::Handled
            }
            _ => gst::PadProbeReturn::Ok,
        }
    });
}

async fn follow(bin: gst::Bin, wish: Wish, mut failures: watch::Receiver<()>) {
    loop {
        wish.until(true).await;
        // What failed before is known.
        failures.mark_unchanged();
        let failed = !start(&bin).await
            || tokio::select! {
                () = wish.until(false) => false,
                _ = failures.changed() => true,
            };
        stop(bin.clone()).await;
        if failed {
            sleep(RETRY).await;
        }
    }
}

/// Brings it to where the pipeline is, or to where that is going: a pipeline that has been stopped stays so.
async fn start(bin: &gst::Bin) -> bool {
    tracing::debug!("\"{}\" is wanted", bin.name());
    let bin = bin.clone();
    let start = move || {
        // Children of a locked bin are left out when the pipeline hands its base time on.
        let parent = bin.parent().and_downcast::<gst::Element>();
        if let Some(base_time) = parent.and_then(|parent| parent.base_time()) {
            bin.set_base_time(base_time);
        }
        bin.sync_state_with_parent().is_ok()
    };
    spawn_blocking(start).await.unwrap_or(false)
}

/// Stops it, whatever it is doing.
pub(super) async fn stop(bin: gst::Bin) {
    tracing::debug!("\"{}\" stops", bin.name());
    if let Ok(Err(error)) = spawn_blocking(move || bin.set_state(gst::State::Null)).await {
        tracing::warn!("a part of the pipeline does not stop: {error}");
    }
}
