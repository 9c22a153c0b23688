//! The pipeline of one viewer: how it begins, what it tells, and how it ends.

use std::sync::Arc;

use gst::prelude::*;
use gst_webrtc::WebRTCPeerConnectionState;

use super::CAT;
use super::branch::Branch;
use super::links::Links;
use super::webrtcbin::WebRtcBin;
use crate::selkiessignal::hub::{Hub, SessionError};
use crate::selkiessignal::stream::Stream;

/// An empty one for viewer `id`.
pub(super) fn create(hub: &Hub, id: u64) -> Result<gst::Pipeline, SessionError> {
    let (clock, base_time) = hub.clock()?;
    let pipeline = gst::Pipeline::builder().name(format!("viewer-{id}")).build();
    // The same running time as the element: buffers come with its timestamps.
    pipeline.use_clock(Some(&clock));
    pipeline.set_start_time(gst::ClockTime::NONE);
    pipeline.set_base_time(base_time);
    Ok(pipeline)
}

/// Errors of this pipeline end this session, and nothing else. Its latency is told to its elements, as GStreamer leaves to the
/// owner of a pipeline: without, RTP sessions do not know when a packet goes out, and say so of each.
pub(super) fn watch_bus(
    pipeline: &gst::Pipeline,
    failed: impl Fn(String) + Send + Sync + 'static,
) -> Result<(), SessionError> {
    let bus = pipeline.bus().ok_or_else(|| gst::glib::bool_error!("a pipeline without a bus"))?;
    let latent = pipeline.downgrade();
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Error(error) => {
                let source = error.src().map(|source| source.name().to_string()).unwrap_or_default();
                gst::warning!(CAT, "{source}: {} ({:?})", error.error(), error.debug());
                failed(format!("{source}: {}", error.error()));
            }
            gst::MessageView::Latency(_) => {
                // Not here: this is the thread of an element, which may be holding what the answer needs.
                if let Some(pipeline) = latent.upgrade() {
                    pipeline.call_async(|pipeline| drop(pipeline.recalculate_latency()));
                }
            }
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
    Ok(())
}

/// Lets the streams flow once there is a connection; where there is none, the session fails.
pub(super) fn watch_connection(
    webrtcbin: &WebRtcBin,
    branches: Vec<(Branch, Arc<Stream>)>,
    links: &Arc<Links>,
    failed: impl Fn(String) + Send + Sync + 'static,
) {
    // Weak, where a reference would keep the links, and with them the encoder's consumers, alive in a cycle.
    let links = Arc::downgrade(links);
    webrtcbin.on_connection_state(move |state| {
        gst::info!(CAT, "connection is {state:?}");
        match state {
            WebRTCPeerConnectionState::Connected => {
                if let Some(links) = links.upgrade() {
                    links.connect(&branches);
                }
            }
            WebRTCPeerConnectionState::Failed => {
                let reason = "no network path between browser and desktop (ICE failed); a TURN server may be needed";
                failed(reason.into());
            }
            _ => {}
        }
    });
}

/// Ends it. Its links are to be cleared before, and a webrtcbin in it asked nothing any more.
pub(super) fn stop(pipeline: &gst::Pipeline) {
    if let Some(bus) = pipeline.bus() {
        bus.unset_sync_handler();
    }
    if pipeline.set_state(gst::State::Null).is_err() {
        gst::warning!(CAT, obj = pipeline, "did not stop cleanly");
    }
}
