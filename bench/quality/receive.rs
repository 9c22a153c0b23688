//! What a receiver decodes after motion has stopped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::desktop::Desktop;
use egldesktop_tests::socket_viewer::{Received, SocketViewer};
use egldesktop_tests::xvfb::Xvfb;
use gst::prelude::*;
use gst_video::prelude::*;
use serde_json::json;

use crate::compare::{Likeness, Luma};
use crate::text::{Scene, Text};

/// How long each picture is looked at after motion has stopped.
pub(crate) const LOOK: Duration = Duration::from_millis(2200);
/// From encoded frames to luma: nothing is converted.
const DECODER: &str = "appsrc name=frames format=time is-live=true do-timestamp=true
    caps=video/x-h264,stream-format=(string)byte-stream,alignment=(string)au,profile=(string)constrained-baseline
    ! openh264dec ! video/x-raw,format=I420 ! appsink name=picture sync=false";

/// The pictures after one stop: when each was there, and how much it is like the screen.
pub(crate) type Stop = Vec<(Duration, Likeness)>;

/// Pictures as they are decoded.
type Decoded = Arc<Mutex<Vec<(Instant, Luma)>>>;

/// Lets motion stop this often on a desktop of its own.
pub(crate) async fn stops(scene: Scene, bitrate: u32, count: u32, motion: Duration) -> Result<Vec<Stop>> {
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let text = Text::start(&xvfb.display, scene)?;
    let bitrate = bitrate.to_string();
    let desktop = Desktop::start(&[
        ("DISPLAY", &xvfb.display),
        ("ENABLE_AUDIO", "false"),
        ("WEBRTC_ENCODER", "x264enc"),
        ("WEBRTC_ENABLE_RESIZE", "false"),
        ("SELKIES_VIDEO_BITRATE", &bitrate),
        // The loopback carries all of it.
        ("SELKIES_CONGESTION_CONTROL", "false"),
    ])?;
    let decoded = Decoded::default();
    let decoder = Decoder::start(&decoded)?;
    // By WebSocket: nothing is lost on the way, and what is measured is what the encoder makes of the bitrate.
    let mut viewer = SocketViewer::start(&desktop.address, json!({})).await?;
    let frames = decoder.frames()?;
    let receiver: tokio::task::JoinHandle<Result<()>> = tokio::spawn(async move {
        loop {
            match viewer.next(PATIENCE).await? {
                Some(Received::Frame { video: true, sequence, data, .. }) => {
                    frames.push_buffer(gst::Buffer::from_slice(data))?;
                    viewer.acknowledge(sequence).await?;
                }
                Some(Received::End(reason)) => bail!("the server has ended it: {reason:?}"),
                Some(_) => {}
                None => bail!("nothing comes any more"),
            }
        }
    });

    let mut stops = Vec::new();
    // The X client blocks; the viewer's signalling goes on beside it.
    let mut text = Some(text);
    for _ in 0..count {
        let mut client = text.take().context("no client")?;
        let (client, stopped) = tokio::task::spawn_blocking(move || {
            let stopped = client.move_and_stop(motion);
            (client, stopped)
        })
        .await?;
        let stopped = stopped?;
        // What was decoded before counts as what is seen at the moment when motion stops.
        tokio::time::sleep(LOOK).await;
        let pictures = std::mem::take(&mut *decoded.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(!pictures.is_empty(), "nothing comes out of the decoder");
        let screen = client.pixels()?;
        let before = pictures.iter().rposition(|(at, _)| *at <= stopped).unwrap_or(0);
        let likeness =
            |(at, picture): &(Instant, Luma)| Ok((at.saturating_duration_since(stopped), screen.likeness(picture)?));
        stops.push(pictures[before..].iter().map(likeness).collect::<Result<Stop>>()?);
        text = Some(client);
    }
    receiver.abort();
    Ok(stops)
}

/// Decodes in this process; ends on drop.
struct Decoder(gst::Pipeline);

impl Decoder {
    fn start(decoded: &Decoded) -> Result<Self> {
        gst::init()?;
        let pipeline = gst::parse::launch(DECODER)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let decoder = Self(pipeline);
        let sink = decoder.0.by_name("picture").and_downcast::<gst_app::AppSink>().context("no sink")?;
        collect(&sink, decoded);
        decoder.0.set_state(gst::State::Playing)?;
        Ok(decoder)
    }

    /// Where encoded frames go.
    fn frames(&self) -> Result<gst_app::AppSrc> {
        self.0.by_name("frames").and_downcast().context("no source")
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        let _ = self.0.set_state(gst::State::Null);
    }
}

/// Keeps what comes out, and only the last second of it.
fn collect(sink: &gst_app::AppSink, decoded: &Decoded) {
    const KEPT: usize = 180;
    let decoded = decoded.clone();
    let take = move |sink: &gst_app::AppSink| {
        let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
        let luma = luma(&sample).map_err(|_| gst::FlowError::Error)?;
        let mut decoded = decoded.lock().unwrap_or_else(PoisonError::into_inner);
        decoded.push((Instant::now(), luma));
        if decoded.len() > KEPT {
            decoded.remove(0);
        }
        Ok(gst::FlowSuccess::Ok)
    };
    sink.set_callbacks(gst_app::AppSinkCallbacks::builder().new_sample(take).build());
}

fn luma(sample: &gst::Sample) -> Result<Luma> {
    let info = gst_video::VideoInfo::from_caps(sample.caps().context("no caps")?)?;
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(sample.buffer().context("no buffer")?, &info)?;
    let stride = usize::try_from(frame.plane_stride()[0])?;
    let rows = frame.plane_data(0)?.chunks(stride).take(info.height() as usize);
    let bytes = rows.flat_map(|row| row.get(..info.width() as usize).unwrap_or(row).iter().copied());
    Luma::new(info.width(), info.height(), bytes.collect())
}
