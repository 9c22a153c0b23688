//! `egldesktopsrc`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use egldesktop_tests::painter::{Painter, Patch};
use egldesktop_tests::xvfb::Xvfb;
use gst::prelude::*;
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;

const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(30);

struct Capture {
    pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
}

impl Capture {
    fn start(display: &str, caps: &str) -> Result<Self> {
        super::init();
        let text = format!("egldesktopsrc display-name={display} name=src ! {caps} ! appsink name=sink sync=false");
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let sink = pipeline.by_name("sink").and_downcast::<gst_app::AppSink>().context("no sink")?;
        pipeline.set_state(gst::State::Playing)?;
        Ok(Self { pipeline, sink })
    }

    fn sample(&self) -> Result<gst::Sample> {
        self.sink.try_pull_sample(PATIENCE).context("no frame")
    }

    /// Waits for a frame that has these colours.
    fn wait_for(&self, patches: &[Patch]) -> Result<gst::Sample> {
        for _ in 0..1000 {
            let sample = self.sample()?;
            let size = size(&sample)?;
            let buffer = sample.buffer().context("no buffer")?.map_readable()?;
            let matches = patches.iter().all(|patch| {
                let offset = (patch.y * size.0 + patch.x) as usize * 4;
                let [red, green, blue] = patch.rgb;
                buffer.get(offset..offset + 3) == Some(&[blue, green, red])
            });
            drop(buffer);
            if matches {
                return Ok(sample);
            }
        }
        anyhow::bail!("a thousand frames and not one with {patches:?}")
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn size(sample: &gst::Sample) -> Result<(u32, u32)> {
    let info = gst_video::VideoInfo::from_caps(sample.caps().context("no caps")?)?;
    assert_eq!(info.format(), gst_video::VideoFormat::Bgrx);
    Ok((info.width(), info.height()))
}

#[test]
fn the_picture_is_exact() -> Result<()> {
    let xvfb = Xvfb::start(641, 479)?;
    let painter = Painter::start(&xvfb.display)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw")?;
    let sample = capture.wait_for(painter.patches())?;
    assert_eq!(size(&sample)?, (641, 479));
    Ok(())
}

#[test]
fn caps_say_that_the_rate_varies() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw,framerate=0/1,max-framerate=25/1")?;
    let caps = capture.sample()?.caps_owned().context("no caps")?;
    let structure = caps.structure(0).context("no structure")?;
    assert_eq!(structure.get::<gst::Fraction>("framerate")?, gst::Fraction::new(0, 1));
    assert_eq!(structure.get::<gst::Fraction>("max-framerate")?, gst::Fraction::new(25, 1));

    let fixed = Capture::start(&xvfb.display, "video/x-raw,framerate=30/1")?;
    let caps = fixed.sample()?.caps_owned().context("no caps")?;
    assert_eq!(
        caps.structure(0).context("no structure")?.get::<gst::Fraction>("framerate")?,
        gst::Fraction::new(30, 1)
    );
    Ok(())
}

#[test]
fn a_still_screen_is_nearly_silent_and_a_change_is_not() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw")?;
    // First picture and refinement.
    while capture.sink.try_pull_sample(gst::ClockTime::from_mseconds(500)).is_some() {}
    // Keep-alives are a second apart, and their picture is the same memory.
    let (one, two) = (capture.sample()?, capture.sample()?);
    let pts = |sample: &gst::Sample| sample.buffer().and_then(|buffer| buffer.pts()).context("no time");
    let between = Duration::from(pts(&two)? - pts(&one)?);
    assert!((0.9..=1.5).contains(&between.as_secs_f64()), "{between:?}");
    let place =
        |sample: &gst::Sample| Ok::<_, anyhow::Error>(sample.buffer().context("no buffer")?.map_readable()?.as_ptr());
    assert_eq!(place(&one)?, place(&two)?);

    let painter = Painter::start(&xvfb.display)?;
    capture.wait_for(painter.patches())?;
    Ok(())
}

#[test]
fn a_refresh_is_answered_while_nothing_changes() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw")?;
    while capture.sink.try_pull_sample(gst::ClockTime::from_mseconds(500)).is_some() {}
    // Four in less time than one keep-alive takes.
    capture.sample()?;
    let src = capture.pipeline.by_name("src").context("no source")?;
    let pad = src.static_pad("src").context("no pad")?;
    let start = std::time::Instant::now();
    for _ in 0..4 {
        assert!(pad.send_event(gst_video::UpstreamForceKeyUnitEvent::builder().build()));
        capture.sample()?;
    }
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    Ok(())
}

#[test]
fn a_new_size_is_new_caps() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw")?;
    assert_eq!(size(&capture.sample()?)?, (800, 600));

    let (connection, number) = x11rb::connect(Some(&xvfb.display))?;
    let root = connection.setup().roots[number].root;
    resize(&connection, root, 640, 400)?;
    let painter = Painter::start(&xvfb.display)?;
    let sample = capture.wait_for(painter.patches())?;
    assert_eq!(size(&sample)?, (640, 400));
    Ok(())
}

/// A new mode on the only output, as `xrandr --newmode`, `--addmode` and `--output --mode` make it.
fn resize(connection: &impl x11rb::connection::Connection, root: u32, width: u16, height: u16) -> Result<()> {
    use x11rb::protocol::randr::ModeInfo;
    let resources = connection.randr_get_screen_resources(root)?.reply()?;
    let (output, crtc) = (resources.outputs[0], resources.crtcs[0]);
    let name = format!("{width}x{height}");
    let mode = ModeInfo {
        width,
        height,
        dot_clock: u32::from(width) * u32::from(height) * 60,
        htotal: width,
        vtotal: height,
        name_len: name.len() as u16,
        ..ModeInfo::default()
    };
    let mode = connection.randr_create_mode(root, mode, name.as_bytes())?.reply()?.mode;
    connection.randr_add_output_mode(output, mode)?.check()?;
    let time = x11rb::CURRENT_TIME;
    let rotation = x11rb::protocol::randr::Rotation::ROTATE0;
    connection.randr_set_crtc_config(crtc, time, time, 0, 0, 0, rotation, &[])?.reply()?;
    connection.randr_set_screen_size(root, width, height, 200, 100)?.check()?;
    connection.randr_set_crtc_config(crtc, time, time, 0, 0, mode, rotation, &[output])?.reply()?;
    connection.sync()?;
    Ok(())
}

#[test]
fn without_an_x_server_there_is_a_clear_error() -> Result<()> {
    super::init();
    let src = gst::ElementFactory::make("egldesktopsrc").property("display-name", ":4711").build()?;
    let pipeline = gst::Pipeline::new();
    pipeline.add(&src)?;
    assert!(pipeline.set_state(gst::State::Playing).is_err());
    let message = pipeline.bus().context("no bus")?.pop_filtered(&[gst::MessageType::Error]).context("no error")?;
    let gst::MessageView::Error(error) = message.view() else { anyhow::bail!("{message:?}") };
    assert!(error.error().message().contains(":4711"), "{}", error.error());
    pipeline.set_state(gst::State::Null)?;
    Ok(())
}

#[test]
fn the_x_server_going_away_is_one_error() -> Result<()> {
    let mut xvfb = Xvfb::start(320, 200)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw")?;
    capture.sample()?;
    xvfb.process().signal(rustix::process::Signal::KILL)?;
    let bus = capture.pipeline.bus().context("no bus")?;
    let message = bus.timed_pop_filtered(PATIENCE, &[gst::MessageType::Error]).context("no error")?;
    let gst::MessageView::Error(error) = message.view() else { anyhow::bail!("{message:?}") };
    assert!(error.error().message().contains("X"), "{}", error.error());
    Ok(())
}
