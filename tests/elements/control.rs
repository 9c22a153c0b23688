//! A pipeline with `desktopinput` in it, between a test that sends events and one that gets them.

use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context as _, Result};
use egldesktop_tests::PATIENCE;
use gst::prelude::*;
use gst_video::NavigationEvent;

/// See the module.
pub(crate) struct Control {
    pipeline: gst::Pipeline,
    sink: gst::Element,
    told: Receiver<gst::Structure>,
}

impl Control {
    /// With a video of this size, which need not be the screen's: positions are scaled then.
    pub(crate) fn start(display: &str, width: u32, height: u32) -> Result<Self> {
        let source = format!("videotestsrc is-live=true ! video/x-raw,width={width},height={height}");
        Self::start_with(&source, &format!("display-name={display}"))
    }

    /// With this source, and properties of the element.
    pub(crate) fn start_with(source: &str, properties: &str) -> Result<Self> {
        super::init();
        let text = format!("{source} ! desktopinput {properties} ! fakesink name=sink");
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let sink = pipeline.by_name("sink").context("no sink")?;
        let (sender, told) = channel();
        let pad = sink.static_pad("sink").context("no pad")?;
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            let event = info.event().filter(|event| event.type_() == gst::EventType::CustomDownstreamOob);
            if let Some(structure) = event.and_then(|event| event.structure()) {
                let _ = sender.send(structure.to_owned());
            }
            gst::PadProbeReturn::Ok
        });
        pipeline.set_state(gst::State::Playing)?;
        // Caps have passed when the pipeline plays.
        let (result, state, _) = pipeline.state(gst::ClockTime::from_seconds(30));
        result?;
        assert_eq!(state, gst::State::Playing);
        Ok(Self { pipeline, sink, told })
    }

    pub(crate) fn pipeline(&self) -> &gst::Pipeline {
        &self.pipeline
    }

    /// Sends an event upstream.
    pub(crate) fn send(&self, event: gst::Event) -> Result<()> {
        let pad = self.sink.static_pad("sink").context("no pad")?;
        assert!(pad.push_event(event), "nobody takes the event");
        Ok(())
    }

    /// The same for an event of ours.
    pub(crate) fn tell(&self, structure: gst::Structure) -> Result<()> {
        self.send(gst::event::CustomUpstream::new(structure))
    }

    pub(crate) fn key(&self, name: &str) -> Result<()> {
        self.send(NavigationEvent::new_key_press(name).build())?;
        self.send(NavigationEvent::new_key_release(name).build())
    }

    /// Waits until the element has told this downstream, and `pick` likes it.
    pub(crate) fn wait_for<T>(&self, name: &str, pick: impl Fn(&gst::StructureRef) -> Option<T>) -> Result<T> {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let structure = self.told.recv_timeout(left).with_context(|| format!("waiting for {name}"))?;
            if let Some(value) = Some(&structure).filter(|it| it.name() == name).and_then(|it| pick(it)) {
                return Ok(value);
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// The bytes of a buffer in a structure.
pub(crate) fn bytes(structure: &gst::StructureRef, field: &str) -> Option<Vec<u8>> {
    let buffer = structure.get::<gst::Buffer>(field).ok()?;
    Some(buffer.map_readable().ok()?.to_vec())
}
