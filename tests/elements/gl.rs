//! `egldesktopsrc` with OpenGL, on whatever renderer this machine has.

use anyhow::{Context as _, Result};
use egldesktop_tests::xvfb::Xvfb;
use gst::prelude::*;
use gst_video::VideoFrameExt as _;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ChangeGCAux, ConnectionExt as _, CreateGCAux, Rectangle};
use x11rb::wrapper::ConnectionExt as _;

const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(30);

struct Capture {
    pipeline: gst::Pipeline,
    src: gst::Element,
    sink: gst_app::AppSink,
}

impl Capture {
    /// `properties` of the source, and what is between it and the sink.
    fn start(display: &str, properties: &str, between: &str) -> Result<Self> {
        super::init();
        let text = format!(
            "egldesktopsrc display-name={display} name=src {properties} ! {between} ! appsink name=sink sync=false"
        );
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let src = pipeline.by_name("src").context("no source")?;
        let sink = pipeline.by_name("sink").and_downcast::<gst_app::AppSink>().context("no sink")?;
        let capture = Self { pipeline, src, sink };
        capture.play()?;
        Ok(capture)
    }

    /// The error is that of the element.
    fn play(&self) -> Result<()> {
        let Err(error) = self.pipeline.set_state(gst::State::Playing) else { return Ok(()) };
        let message = self.pipeline.bus().and_then(|bus| bus.pop_filtered(&[gst::MessageType::Error]));
        match message.as_ref().map(|message| message.view()) {
            Some(gst::MessageView::Error(told)) => anyhow::bail!("{error}: {}", told.error()),
            _ => Err(error.into()),
        }
    }

    /// The bytes of the next picture, without those between the rows.
    fn picture(&self) -> Result<Vec<u8>> {
        let sample = self.sink.try_pull_sample(PATIENCE).context("no frame")?;
        let info = gst_video::VideoInfo::from_caps(sample.caps().context("no caps")?)?;
        let buffer = sample.buffer().context("no buffer")?;
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)?;
        assert_eq!(info.format(), gst_video::VideoFormat::Nv12);
        let mut picture = Vec::new();
        for plane in 0..2 {
            let (width, height) = (info.width() as usize, info.height() as usize);
            let (row_bytes, rows) =
                if plane == 0 { (width, height) } else { (width.next_multiple_of(2), height.div_ceil(2)) };
            let (data, stride) = (frame.plane_data(plane)?, frame.plane_stride()[plane as usize] as usize);
            (0..rows).for_each(|row| picture.extend_from_slice(&data[row * stride..][..row_bytes]));
        }
        Ok(picture)
    }

    fn text(&self, property: &str) -> Option<String> {
        self.src.property(property)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Draws on the root window.
struct Brush {
    connection: x11rb::rust_connection::RustConnection,
    root: u32,
    gc: u32,
}

impl Brush {
    fn new(display: &str) -> Result<Self> {
        let (connection, number) = x11rb::connect(Some(display))?;
        let (root, gc) = (connection.setup().roots[number].root, connection.generate_id()?);
        connection.create_gc(gc, root, &CreateGCAux::new())?;
        Ok(Self { connection, root, gc })
    }

    fn fill(&self, colour: u32, x: i16, y: i16, width: u16, height: u16) -> Result<()> {
        self.connection.change_gc(self.gc, &ChangeGCAux::new().foreground(colour))?;
        self.connection.poly_fill_rectangle(self.root, self.gc, &[Rectangle { x, y, width, height }])?;
        self.connection.sync()?;
        Ok(())
    }
}

const TEXTURES: &str = "video/x-raw(memory:GLMemory) ! gldownload ! video/x-raw";

/// As textures and in memory, in both matrices, with the pointer and without, at a size of which every half is odd;
/// through changes of a part each.
#[test]
fn the_gpu_makes_the_frames_of_the_cpu() -> Result<()> {
    let xvfb = Xvfb::start(643, 475)?;
    let brush = Brush::new(&xvfb.display)?;
    for (colorimetry, pointer) in [("bt709", "show-pointer=true"), ("bt601", "show-pointer=false")] {
        for between in ["video/x-raw", TEXTURES] {
            let between = format!("{between},colorimetry={colorimetry}");
            let gpu = Capture::start(&xvfb.display, &format!("gl=require {pointer}"), &between)?;
            for step in 0..12_i16 {
                brush.fill(0x12_3456 * (step as u32 + 1), step * 53, step * 39, 61, 47)?;
                let cpu = Capture::start(
                    &xvfb.display,
                    &format!("gl=never {pointer}"),
                    &format!("video/x-raw,format=NV12,colorimetry={colorimetry}"),
                )?;
                let expected = cpu.picture()?;
                let mut tries = 0;
                while gpu.picture()? != expected {
                    tries += 1;
                    anyhow::ensure!(tries < 100, "{between}, step {step}: never the picture of the CPU");
                }
            }
            let renderer = gpu.text("gl-renderer").context("no renderer is told")?;
            assert!(!renderer.is_empty() && gpu.text("gl-declined").is_none(), "{renderer}");
        }
    }
    Ok(())
}

/// What is held downstream stays as it is, whatever is drawn later.
#[test]
fn frames_that_are_held_do_not_change() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let brush = Brush::new(&xvfb.display)?;
    let capture = Capture::start(
        &xvfb.display,
        "gl=require show-pointer=false",
        "video/x-raw(memory:GLMemory) ! queue ! gldownload ! video/x-raw",
    )?;
    let luma = |picture: &[u8]| picture[100 * 320 + 160];
    let mut seen = Vec::new();
    for step in 0..20_u32 {
        // Greys that are 5 apart.
        brush.fill(step * 0x06_0606, 0, 0, 320, 200)?;
        let expected = (16.5 + f64::from(step * 6) * 219.0 / 255.0) as u8;
        let mut tries = 0;
        loop {
            let picture = capture.picture()?;
            if luma(&picture) == expected {
                anyhow::ensure!(picture[..320 * 200].iter().all(|value| *value == expected), "torn by a later frame");
                break;
            }
            tries += 1;
            anyhow::ensure!(tries < 100, "{expected} never comes; last {}", luma(&picture));
        }
        seen.push(expected);
    }
    assert!(seen.is_sorted());
    Ok(())
}

#[test]
fn a_new_size_and_a_new_start_are_new_textures() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let brush = Brush::new(&xvfb.display)?;
    let gpu = Capture::start(&xvfb.display, "gl=require", TEXTURES)?;
    gpu.picture()?;
    for (width, height, restart) in [(641, 399, false), (641, 399, true), (800, 600, false)] {
        if restart {
            gpu.pipeline.set_state(gst::State::Ready).context("to READY")?;
            gpu.play()?;
        } else {
            super::capture::resize(&brush.connection, brush.root, width, height)?;
        }
        brush.fill(u32::from(width) * 0x1234, 5, 5, 300, 200)?;
        let expected = Capture::start(&xvfb.display, "gl=never", "video/x-raw,format=NV12")?.picture()?;
        let mut tries = 0;
        while gpu.picture()? != expected {
            tries += 1;
            anyhow::ensure!(tries < 100, "{width}x{height}: never the picture of the CPU");
        }
    }
    Ok(())
}

#[test]
fn software_is_for_those_who_ask_for_it() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    for (properties, between, reason) in [
        ("gl=never", TEXTURES.split(" !").next().unwrap_or_default(), "gl=never"),
        ("", "video/x-raw,format=NV12", "in memory only"),
        ("", "queue", "software"),
    ] {
        let capture = Capture::start(&xvfb.display, properties, between)?;
        let _ = capture.sink.try_pull_sample(gst::ClockTime::from_seconds(1));
        match capture.text("gl-declined") {
            Some(declined) => assert!(declined.contains(reason), "{properties} {between}: {declined}"),
            // A machine with a GPU.
            None => assert!(reason == "software" && capture.text("gl-renderer").is_some()),
        }
    }
    Ok(())
}

#[test]
fn a_gpu_that_is_not_there_is_one_error_with_those_that_are() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    super::init();
    let text = format!("egldesktopsrc display-name={} gl=require gl-device=63 ! fakesink", xvfb.display);
    let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
    assert!(pipeline.set_state(gst::State::Playing).is_err());
    let message = pipeline.bus().context("no bus")?.pop_filtered(&[gst::MessageType::Error]).context("no error")?;
    pipeline.set_state(gst::State::Null)?;
    let gst::MessageView::Error(error) = message.view() else { anyhow::bail!("{message:?}") };
    let text = error.error().message().to_owned();
    assert!(text.contains("no GPU \"63\"; there are: 0"), "{text}");
    Ok(())
}

/// An X server whose screen is in memory: the best way is declined, and it is told why.
#[test]
fn a_screen_that_is_not_on_the_gpu_is_read_from_memory() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let capture = Capture::start(&xvfb.display, "gl=require", "video/x-raw")?;
    capture.picture()?;
    let declined = capture.text("declined-methods").context("nothing was declined")?;
    assert!(declined.contains("Gpu: the X server has no DRI3 extension"), "{declined}");
    drop(capture);
    let capture = Capture::start(&xvfb.display, "gl=never", "video/x-raw,format=NV12")?;
    capture.picture()?;
    let declined = capture.text("declined-methods").context("nothing was declined")?;
    assert!(declined.contains("Gpu: frames are not converted on the GPU"), "{declined}");
    Ok(())
}
