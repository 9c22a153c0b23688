//! One measurement, in a process of its own so that its CPU time is only the capture's.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use egldesktop_bench::usage;
use egldesktop_tests::PATIENCE;
use gst::prelude::*;
use gst_video::prelude::*;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, Window};
use x11rb::rust_connection::RustConnection;

use crate::case::{Case, Frames, Measured};
use crate::plugin;
use crate::stamp::{self, Stamp};

/// Before it counts: buffer pools fill, and a picture that has stopped changing is refined and then left alone.
const WARM_UP: Duration = Duration::from_millis(1500);

/// Captures a display for a while.
pub(crate) fn measure(case: &Case) -> Result<Measured> {
    let capture = case.candidate.map(|candidate| Capture::start(&candidate.pipeline(&case.display))).transpose()?;
    let load = Load::open(&case.display)?;
    std::thread::sleep(WARM_UP);

    let own = std::process::id();
    let first = load.stamp()?;
    if let Some(capture) = &capture {
        capture.take_frames();
    }
    let (start, client) = (Instant::now(), usage::own_cpu());
    let (server, sleeps) = (usage::cpu(case.server)?, usage::sleeps(own)?);
    let read = || capture.as_ref().and_then(Capture::bytes_read);
    let read_before = read();
    std::thread::sleep(Duration::from_secs_f64(case.seconds));
    let mut measured = Measured {
        wall: start.elapsed(),
        client: usage::own_cpu().saturating_sub(client),
        server: usage::cpu(case.server)?.saturating_sub(server),
        // This thread's own one is not the capture's.
        wakeups: usage::sleeps(own)?.saturating_sub(sleeps + 1),
        read: read().zip(read_before).map(|(now, before)| now - before),
        frames: capture.as_ref().map(Capture::take_frames).unwrap_or_default(),
        drawn: None,
    };
    measured.drawn = first.zip(load.stamp()?).map(|(first, last)| last.frames_since(first));
    if let Some(capture) = capture {
        capture.stop()?;
    }
    Ok(measured)
}

/// What is on the screen now, whether or not anybody captures it.
struct Load {
    connection: RustConnection,
    root: Window,
}

impl Load {
    fn open(display: &str) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[number].root;
        Ok(Self { connection, root })
    }

    /// The stamp of the frame that was drawn last.
    fn stamp(&self) -> Result<Option<Stamp>> {
        let format = ImageFormat::Z_PIXMAP;
        let row = self.connection.get_image(format, self.root, 0, 0, stamp::WIDTH, 1, !0)?.reply()?.data;
        Ok(Stamp::read(&row, 4))
    }
}

struct Capture {
    pipeline: gst::Pipeline,
    watch: Arc<Mutex<Watch>>,
}

impl Capture {
    /// Returns when the first buffer has come.
    fn start(pipeline: &str) -> Result<Self> {
        plugin::init()?;
        // No last sample: it would keep a buffer from its pool. Nothing waits for the clock: what counts is when a
        // buffer comes.
        let text = format!("{pipeline} ! fakesink name=sink sync=false enable-last-sample=false");
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let pad = pipeline.by_name("sink").and_then(|sink| sink.static_pad("sink")).context("no sink")?;

        let (sender, first) = channel();
        let watch = Arc::new(Mutex::new(Watch { first: Some(sender), ..Watch::default() }));
        let watching = Arc::clone(&watch);
        pad.add_probe(gst::PadProbeType::BUFFER, move |pad, info| {
            if let Some(buffer) = info.buffer() {
                watching.lock().unwrap_or_else(PoisonError::into_inner).see(pad, buffer);
            }
            gst::PadProbeReturn::Ok
        });
        let capture = Self { pipeline, watch };
        let started = capture.pipeline.set_state(gst::State::Playing);
        if started.is_err() || first.recv_timeout(PATIENCE).is_err() {
            capture.fail()?;
            bail!("no buffer comes out of {text}");
        }
        Ok(capture)
    }

    /// What was seen since this was called last.
    fn take_frames(&self) -> Frames {
        std::mem::take(&mut self.watch.lock().unwrap_or_else(PoisonError::into_inner).frames)
    }

    /// What the source says that it has read; ximagesrc says nothing.
    fn bytes_read(&self) -> Option<u64> {
        let source = self.pipeline.iterate_all_by_element_factory_name("egldesktopsrc").next().ok()??;
        source.property::<gst::Structure>("stats").get("bytes-read").ok()
    }

    fn stop(self) -> Result<()> {
        self.fail()?;
        self.pipeline.set_state(gst::State::Null)?;
        Ok(())
    }

    /// Fails if the pipeline did.
    fn fail(&self) -> Result<()> {
        let bus = self.pipeline.bus().context("no bus")?;
        match bus.pop_filtered(&[gst::MessageType::Error, gst::MessageType::Eos]) {
            Some(message) => bail!("the pipeline ended: {message:?}"),
            None => Ok(()),
        }
    }
}

/// What the probe knows.
#[derive(Default)]
struct Watch {
    frames: Frames,
    last: Option<Stamp>,
    /// Hears of the first buffer.
    first: Option<Sender<()>>,
    /// How to read a buffer; the caps don't change in here.
    info: Option<gst_video::VideoInfo>,
}

impl Watch {
    fn see(&mut self, pad: &gst::Pad, buffer: &gst::Buffer) {
        if let Some(first) = self.first.take() {
            // Fails when nobody waits any more.
            let _ = first.send(());
            // The stamp in an encoded picture is not readable.
            let info = pad.current_caps().and_then(|caps| gst_video::VideoInfo::from_caps(&caps).ok());
            self.info = info.filter(|info| info.format() != gst_video::VideoFormat::Encoded);
        }
        self.frames.total += 1;
        let Some((top, bottom)) = self.info.as_ref().and_then(|info| stamps(info, buffer)) else { return };
        let Some(top) = top.filter(|top| self.last != Some(*top)) else { return };
        self.frames.fresh += 1;
        self.frames.delays.push(top.age());
        self.frames.drawn += self.last.map_or(1, |last| top.frames_since(last));
        self.frames.torn += u64::from(bottom.is_some_and(|bottom| bottom != top));
        self.last = Some(top);
    }
}

/// The stamps at the top and at the bottom.
fn stamps(info: &gst_video::VideoInfo, buffer: &gst::Buffer) -> Option<(Option<Stamp>, Option<Stamp>)> {
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info).ok()?;
    let samples = frame.comp_data(0).ok()?;
    let step = usize::try_from(frame.comp_pstride(0)).ok()?;
    let stride = usize::try_from(frame.comp_stride(0)).ok()?;
    let rows = (info.height() as usize).checked_sub(stamp::HEIGHT.into())?;
    Some((Stamp::read(samples, step), samples.get(rows * stride..).and_then(|row| Stamp::read(row, step))))
}
