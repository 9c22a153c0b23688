//! What a receiver decodes after motion has stopped.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::desktop::{Desktop, PASSWORD};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::xvfb::Xvfb;
use gst_video::prelude::*;

use crate::compare::{Likeness, Luma};
use crate::text::{Scene, Text};

/// How long each picture is looked at after motion has stopped.
pub(crate) const LOOK: Duration = Duration::from_millis(2200);
/// From RTP to luma: nothing is converted.
const DECODER: &str = "rtph264depay ! h264parse ! queue ! openh264dec ! video/x-raw,format=I420
    ! appsink name=picture sync=false";

/// The pictures after one stop: when each was there, and how much it is like the screen.
pub(crate) type Stop = Vec<(Duration, Likeness)>;

/// Pictures as they are decoded.
type Decoded = Arc<Mutex<Vec<(Instant, Luma)>>>;

/// Lets motion stop this often on a desktop of its own.
pub(crate) async fn stops(scene: Scene, bitrate: u32, count: u32, motion: Duration) -> Result<Vec<Stop>> {
    let folder = tempfile::tempdir_in("/dev/shm")?;
    let xvfb = Xvfb::start_mapped(1920, 1080, folder.path())?;
    let text = Text::start(&xvfb.display)?;
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
    let viewer = Viewer::start_decoding_to(&desktop.address, PASSWORD, DECODER).await?;
    let decoded = Decoded::default();
    collect(&viewer.pictures().await?, &decoded);

    let mut stops = Vec::new();
    // The X client blocks; the viewer's signalling goes on beside it.
    let mut text = Some(text);
    for _ in 0..count {
        let mut client = text.take().context("no client")?;
        let (client, stopped) = tokio::task::spawn_blocking(move || {
            let stopped = client.move_and_stop(scene, motion);
            (client, stopped)
        })
        .await?;
        let stopped = stopped?;
        // What was decoded before counts as what is seen at the moment when motion stops.
        tokio::time::sleep(LOOK).await;
        let pictures = std::mem::take(&mut *decoded.lock().unwrap_or_else(PoisonError::into_inner));
        ensure!(!pictures.is_empty(), "nothing is decoded");
        let screen = client.pixels()?;
        let before = pictures.iter().rposition(|(at, _)| *at <= stopped).unwrap_or(0);
        let likeness =
            |(at, picture): &(Instant, Luma)| Ok((at.saturating_duration_since(stopped), screen.likeness(picture)?));
        stops.push(pictures[before..].iter().map(likeness).collect::<Result<Stop>>()?);
        text = Some(client);
    }
    Ok(stops)
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
