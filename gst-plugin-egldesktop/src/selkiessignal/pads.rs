//! The request pads of `selkiessignal`, one for each kind of medium, with what takes their streams.

use std::sync::{Arc, LazyLock};

use gst::glib;
use gst::prelude::*;

use super::microphone::Microphone;
use super::stream::Stream;

/// What a pad takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Video,
    Audio,
}

/// What the pads take.
pub(super) fn templates() -> &'static [gst::PadTemplate] {
    static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
        // The profiles that every browser decodes: without them an encoder after videoconvert chooses 4:4:4.
        let profiles = ["constrained-baseline", "baseline", "main", "constrained-high", "progressive-high", "high"];
        let video = gst::Caps::builder_full()
            .structure(
                gst::Structure::builder("video/x-h264")
                    .field("stream-format", "byte-stream")
                    .field("alignment", "au")
                    .field("profile", gst::List::new(profiles))
                    .build(),
            )
            .structure(
                gst::Structure::builder("video/x-h265")
                    .field("stream-format", "byte-stream")
                    .field("alignment", "au")
                    .field("profile", "main")
                    .build(),
            )
            .structure(gst::Structure::new_empty("video/x-vp8"))
            .structure(gst::Structure::builder("video/x-vp9").field("profile", "0").build())
            .structure(gst::Structure::new_empty("video/x-vp9"))
            .structure(
                gst::Structure::builder("video/x-av1")
                    .field("stream-format", "obu-stream")
                    .field("alignment", "tu")
                    .build(),
            )
            .build();
        let audio = gst::Caps::new_empty_simple("audio/x-opus");
        [("video_%u", video), ("audio_%u", audio)]
            .into_iter()
            .filter_map(|(name, caps)| {
                gst::PadTemplate::new(name, gst::PadDirection::Sink, gst::PadPresence::Request, &caps).ok()
            })
            .chain(Microphone::template())
            .collect()
    });
    &TEMPLATES
}

/// The pads that were requested.
#[derive(Default)]
pub(super) struct Pads {
    video: Option<Place>,
    audio: Option<Place>,
    pub(super) microphone: Option<Arc<Microphone>>,
}

struct Place {
    pad: gst::GhostPad,
    stream: Arc<Stream>,
}

impl Pads {
    /// The stream of this kind, if there is a pad for it.
    pub(super) fn stream(&self, kind: Kind) -> Option<Arc<Stream>> {
        let place = match kind {
            Kind::Video => &self.video,
            Kind::Audio => &self.audio,
        };
        place.as_ref().map(|place| place.stream.clone())
    }

    /// Adds the pad that viewers are heard on to `bin`. There can be one.
    pub(super) fn add_microphone(
        &mut self,
        bin: &super::SelkiesSignal,
        template: &gst::PadTemplate,
        name: Option<&str>,
    ) -> Result<gst::Pad, glib::BoolError> {
        if self.microphone.is_some() {
            return Err(glib::bool_error!("there is one microphone_%u pad already"));
        }
        let element = bin.downgrade();
        let microphone = Microphone::add(bin, template, name, move || {
            if let Some(element) = element.upgrade() {
                element.notify("microphone-active");
            }
        })?;
        let pad = microphone.pad().clone();
        self.microphone = Some(Arc::new(microphone));
        Ok(pad)
    }

    /// Adds the pad of this kind to `bin`. There can be one.
    pub(super) fn add(
        &mut self,
        bin: &super::SelkiesSignal,
        template: &gst::PadTemplate,
        kind: Kind,
        name: Option<&str>,
    ) -> Result<gst::GhostPad, glib::BoolError> {
        let (place, default_name, active) = match kind {
            Kind::Video => (&mut self.video, "video_0", "video-active"),
            Kind::Audio => (&mut self.audio, "audio_0", "audio-active"),
        };
        if place.is_some() {
            return Err(glib::bool_error!("there is one {} pad already", template.name_template()));
        }
        let name = name.unwrap_or(default_name);
        let appsink = gst_app::AppSink::builder()
            .name(format!("{name}-sink"))
            .sync(false)
            .async_(false)
            .enable_last_sample(false)
            // Encoded frames depend on each other: none may be left out here. Viewers that are too slow lose their own.
            .build();
        bin.add(&appsink)?;
        let inside = appsink.static_pad("sink").ok_or_else(|| glib::bool_error!("appsink without a pad"))?;
        let pad = gst::GhostPad::builder_from_template_with_target(template, &inside)?.name(name).build();
        let element = bin.downgrade();
        let stream = Stream::new(&pad, &appsink, move || {
            if let Some(element) = element.upgrade() {
                element.notify(active);
            }
        });
        pad.set_active(true)?;
        bin.add_pad(&pad)?;
        appsink.sync_state_with_parent()?;
        *place = Some(Place { pad: pad.clone(), stream: Arc::new(stream) });
        Ok(pad)
    }

    /// Removes a pad from `bin`.
    pub(super) fn remove(&mut self, bin: &super::SelkiesSignal, pad: &gst::Pad) {
        if self.microphone.take_if(|microphone| microphone.pad() == pad).is_some() {
            let _ = pad.set_active(false);
            let _ = bin.remove_pad(pad);
            return;
        }
        let is_it = |place: &mut Place| place.pad.upcast_ref::<gst::Pad>() == pad;
        let Some(place) = self.video.take_if(is_it).or_else(|| self.audio.take_if(is_it)) else { return };
        let sink = place.pad.target().and_then(|inside| inside.parent_element());
        let _ = pad.set_active(false);
        let _ = bin.remove_pad(pad);
        if let Some(sink) = sink {
            let _ = sink.set_state(gst::State::Null);
            let _ = bin.remove(&sink);
        }
    }
}
