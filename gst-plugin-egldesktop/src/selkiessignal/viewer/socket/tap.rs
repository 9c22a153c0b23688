//! From a stream to the line: `appsrc ! parser ! appsink`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use gst::prelude::*;
use gst_utils::StreamProducer;
use selkies_protocol::transport::{Medium, audio_format, video_format};

use super::super::{CAT, branch};
use super::codec;
use super::line::Line;
use crate::selkiessignal::hub::SessionError;
use crate::selkiessignal::{capture_time, opus};

/// Adds the elements for a stream of these caps; returns where it goes in.
pub(super) fn add(
    pipeline: &gst::Pipeline,
    caps: &gst::Caps,
    medium: Medium,
    line: &Arc<Line>,
) -> Result<gst_app::AppSrc, SessionError> {
    let appsrc = gst_app::AppSrc::builder().caps(caps).build();
    StreamProducer::configure_consumer(&appsrc);
    if let Some(pad) = appsrc.static_pad("src") {
        branch::keep_to_codec(&pad, caps);
    }
    // Parameter sets with every keyframe: a viewer may join at any one.
    let parser = match caps.structure(0).map(|structure| structure.name().as_str()) {
        Some("video/x-h264") => Some("h264parse"),
        Some("video/x-h265") => Some("h265parse"),
        _ => None,
    };
    let parser =
        parser.map(|name| gst::ElementFactory::make(name).property("config-interval", -1).build()).transpose()?;
    let appsink = gst_app::AppSink::builder().sync(false).async_(false).enable_last_sample(false).build();
    if parser.is_some() {
        // As it came: parsers would rather have another form.
        let form = caps.iter().map(|structure| {
            gst::Structure::builder(structure.name())
                .field("stream-format", "byte-stream")
                .field("alignment", "au")
                .build()
        });
        appsink.set_caps(Some(&form.collect::<gst::Caps>()));
    }
    let told = Mutex::new(None::<String>);
    let base_time = pipeline.base_time().unwrap_or_default();
    let (line, clock) = (line.clone(), pipeline.pipeline_clock());
    appsink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |appsink| {
                let sample = appsink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                let captured = captured(&sample, &clock, base_time);
                let (Some(buffer), Some(caps)) = (sample.buffer(), sample.caps()) else {
                    return Ok(gst::FlowSuccess::Ok);
                };
                let Ok(data) = buffer.map_readable() else { return Ok(gst::FlowSuccess::Ok) };
                let keyframe = medium == Medium::Audio || !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
                let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
                if keyframe && (medium == Medium::Video || told.is_none()) {
                    let format = match medium {
                        Medium::Video => codec::name(caps, &data).map(|name| video_format(&name)),
                        Medium::Audio => Some(audio_format(opus::channels(caps), surround_header(caps).as_deref())),
                    };
                    if format.is_some() && *told != format {
                        *told = format.clone();
                        format.into_iter().for_each(|format| line.format(format));
                    }
                }
                if told.is_some() {
                    line.frame(medium, keyframe, captured, &data);
                } else {
                    gst::warning!(CAT, "what {caps} is called is not known");
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    let elements: Vec<&gst::Element> =
        [Some(appsrc.upcast_ref()), parser.as_ref(), Some(appsink.upcast_ref())].into_iter().flatten().collect();
    pipeline.add_many(&elements)?;
    gst::Element::link_many(&elements)?;
    Ok(appsrc)
}

/// Decoders know what one and two channels are.
fn surround_header(caps: &gst::CapsRef) -> Option<gst::MappedBuffer<gst::buffer::Readable>> {
    opus::is_surround(caps).then(|| opus::header(caps)).flatten()
}

/// When it was captured, in microseconds since 1970; now, where that is not known.
fn captured(sample: &gst::Sample, clock: &gst::Clock, base_time: gst::ClockTime) -> u64 {
    let pts = sample.buffer().and_then(gst::BufferRef::pts);
    let captured =
        pts.zip(sample.segment()).and_then(|(pts, segment)| capture_time::of(pts, segment, clock, base_time));
    let captured = captured.unwrap_or_else(SystemTime::now);
    captured.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
