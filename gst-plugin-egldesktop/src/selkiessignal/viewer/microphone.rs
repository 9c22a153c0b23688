//! From webrtcbin to the desktop: what a viewer says, as Opus.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gst::glib;
use gst::prelude::*;

use super::CAT;
use super::webrtcbin::WebRtcBin;
use crate::selkiessignal::hub::Hub;
use crate::selkiessignal::microphone::{JITTER, Microphone};

/// One that no stream to the browser has.
const PAYLOAD_TYPE: i32 = 109;

/// Offers to take the viewer's sound. Nothing runs for it before the first packet.
pub(super) fn offer(
    pipeline: &gst::Pipeline,
    webrtcbin: &WebRtcBin,
    hub: &Arc<Hub>,
    id: u64,
    microphone: Arc<Microphone>,
) -> Result<(), glib::BoolError> {
    let caps = gst::Caps::builder("application/x-rtp")
        .field("media", "audio")
        .field("encoding-name", "OPUS")
        .field("encoding-params", "2")
        .field("clock-rate", 48_000i32)
        .field("payload", PAYLOAD_TYPE)
        .build();
    webrtcbin.add_receiver(&caps, JITTER)?;
    let (pipeline, hub, known) = (pipeline.downgrade(), hub.clone(), AtomicBool::new(false));
    webrtcbin.on_received_track(move |pad| {
        let Some(pipeline) = pipeline.upgrade() else { return };
        // A browser that sends more than was offered is not listened to.
        if known.swap(true, Ordering::Relaxed) {
            return gst::warning!(CAT, "viewer {id}: one microphone is enough");
        }
        if let Err(error) = receive(&pipeline, pad, &hub, id, &microphone) {
            gst::error!(CAT, "viewer {id}: the microphone can't be heard: {error}");
        }
    });
    Ok(())
}

fn receive(
    pipeline: &gst::Pipeline,
    pad: &gst::Pad,
    hub: &Arc<Hub>,
    id: u64,
    microphone: &Arc<Microphone>,
) -> Result<(), glib::BoolError> {
    let depayloader = gst::ElementFactory::make("rtpopusdepay").build()?;
    // It hands over at once: what waits for its time does so in the desktop's pipeline.
    let appsink = gst_app::AppSink::builder().name("microphone").sync(false).async_(false).build();
    appsink.set_property("enable-last-sample", false);
    let (hub, microphone) = (hub.clone(), microphone.clone());
    appsink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |appsink| {
                let sample = appsink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                if let (Some(caps), Some(buffer)) = (sample.caps(), sample.buffer_owned()) {
                    microphone.take(id, caps, buffer, |id| hub.controls(id));
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    let elements = [&depayloader, appsink.upcast_ref()];
    pipeline.add_many(elements)?;
    gst::Element::link_many(elements)?;
    for element in elements {
        element.sync_state_with_parent()?;
    }
    let sink = depayloader.static_pad("sink").ok_or_else(|| glib::bool_error!("rtpopusdepay without a pad"))?;
    pad.link(&sink).map_err(|error| glib::bool_error!("{error}"))?;
    gst::info!(CAT, "viewer {id} has a microphone");
    Ok(())
}
