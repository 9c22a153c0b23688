//! `egldesktopsrc`.

use std::time::Duration;

use anyhow::{Context as _, Result};
use egldesktop_tests::painter::{Painter, Patch};
use egldesktop_tests::random::Random;
use egldesktop_tests::xvfb::Xvfb;
use gst::prelude::*;
use x11rb::connection::Connection as _;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::wrapper::ConnectionExt as _;

const PATIENCE: gst::ClockTime = gst::ClockTime::from_seconds(30);

/// A pipeline that captures a display.
pub(super) struct Capture {
    pub(super) pipeline: gst::Pipeline,
    sink: gst_app::AppSink,
}

impl Capture {
    pub(super) fn start(display: &str, caps: &str) -> Result<Self> {
        Self::start_by(display, caps, "auto")
    }

    fn start_by(display: &str, caps: &str, method: &str) -> Result<Self> {
        Self::start_with(display, caps, &format!("show-pointer=false capture-method={method}"))
    }

    /// With properties as in gst-launch-1.0.
    pub(super) fn start_with(display: &str, caps: &str, properties: &str) -> Result<Self> {
        let capture = Self::prepare(display, caps, properties)?;
        capture.play()?;
        Ok(capture)
    }

    /// Not started yet.
    pub(super) fn prepare(display: &str, caps: &str, properties: &str) -> Result<Self> {
        super::init();
        let text = format!(
            "egldesktopsrc display-name={display} {properties} name=src ! {caps} ! appsink name=sink sync=false"
        );
        let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
        let sink = pipeline.by_name("sink").and_downcast::<gst_app::AppSink>().context("no sink")?;
        Ok(Self { pipeline, sink })
    }

    pub(super) fn play(&self) -> Result<()> {
        self.pipeline.set_state(gst::State::Playing)?;
        Ok(())
    }

    /// Where the frames arrive.
    pub(super) fn sink_pad(&self) -> Result<gst::Pad> {
        self.sink.static_pad("sink").context("no pad")
    }

    /// The next frame.
    pub(super) fn sample(&self) -> Result<gst::Sample> {
        let sample = self.sink.try_pull_sample(PATIENCE);
        sample.with_context(|| format!("no frame ({:?})", self.error()))
    }

    /// Waits for a frame that has these colours.
    pub(super) fn wait_for(&self, patches: &[Patch]) -> Result<gst::Sample> {
        let shows = |sample: &gst::Sample| {
            let (width, _) = size(sample)?;
            let buffer = sample.buffer().context("no buffer")?.map_readable()?;
            Ok(patches.iter().all(|patch| {
                let offset = (patch.y * width + patch.x) as usize * 4;
                let [red, green, blue] = patch.rgb;
                buffer.get(offset..offset + 3) == Some(&[blue, green, red])
            }))
        };
        self.wait_until(shows).with_context(|| format!("not one with {patches:?}"))
    }

    /// Waits for a frame that is as it should be.
    pub(super) fn wait_until(&self, is_right: impl Fn(&gst::Sample) -> Result<bool>) -> Result<gst::Sample> {
        for _ in 0..1000 {
            let sample = self.sample()?;
            if is_right(&sample)? {
                return Ok(sample);
            }
        }
        anyhow::bail!("a thousand frames, and none is as it should be")
    }

    /// New frames, looks without anything new, bytes read.
    fn stats(&self) -> Result<[u64; 3]> {
        let stats = self.pipeline.by_name("src").context("no source")?.property::<gst::Structure>("stats");
        Ok([stats.get("frames")?, stats.get("unchanged")?, stats.get("bytes-read")?])
    }

    /// Waits for the end by an error, and returns its text.
    pub(super) fn error(&self) -> Result<String> {
        let bus = self.pipeline.bus().context("no bus")?;
        let message = bus.timed_pop_filtered(PATIENCE, &[gst::MessageType::Error]).context("no error")?;
        let gst::MessageView::Error(error) = message.view() else { anyhow::bail!("{message:?}") };
        Ok(error.error().message().to_owned())
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

/// Width and height of a BGRx frame.
pub(super) fn size(sample: &gst::Sample) -> Result<(u32, u32)> {
    let info = gst_video::VideoInfo::from_caps(sample.caps().context("no caps")?)?;
    assert_eq!(info.format(), gst_video::VideoFormat::Bgrx);
    Ok((info.width(), info.height()))
}

#[test]
fn the_picture_is_exact() -> Result<()> {
    let xvfb = Xvfb::start(641, 479)?;
    let painter = Painter::start(&xvfb.display)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw,format=BGRx")?;
    let sample = capture.wait_for(painter.patches())?;
    assert_eq!(size(&sample)?, (641, 479));
    Ok(())
}

/// Every method, with an X server that it works on.
pub(super) fn with_every_method(width: u32, height: u32, test: impl Fn(&Xvfb, &str) -> Result<()>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mapped = Xvfb::start_mapped(width, height, folder.path())?;
    test(&mapped, "mapped").context("mapped")?;
    let plain = Xvfb::start(width, height)?;
    test(&plain, "pixmap").context("pixmap")?;
    let plain = Xvfb::start(width, height)?;
    test(&plain, "getimage").context("getimage")
}

#[test]
fn the_best_method_is_chosen_and_told() -> Result<()> {
    with_every_method(320, 200, |xvfb, method| {
        if method == "getimage" {
            return Ok(());
        }
        let capture = Capture::start(&xvfb.display, "video/x-raw")?;
        capture.sample()?;
        let src = capture.pipeline.by_name("src").context("no source")?;
        let active = src.property_value("active-method").serialize()?;
        assert_eq!(active, method);
        let declined = src.property::<Option<String>>("declined-methods");
        assert_eq!(declined.is_some_and(|text| text.contains("-fbdir")), method == "pixmap");
        Ok(())
    })
}

/// However a client draws while frames are being read: once it stops, the last frame is the screen.
#[test]
fn what_is_drawn_while_it_is_read_is_never_lost() -> Result<()> {
    use x11rb::protocol::xproto::{ChangeGCAux, ConnectionExt as _, CreateGCAux, ImageFormat, Rectangle};
    let (width, height) = (333, 221);
    with_every_method(width, height, |xvfb, method| {
        let caps = "video/x-raw,format=BGRx,framerate=0/1,max-framerate=200/1";
        let capture = Capture::start_by(&xvfb.display, caps, method)?;
        let (connection, number) = x11rb::connect(Some(&xvfb.display))?;
        let root = connection.setup().roots[number].root;
        let gc = connection.generate_id()?;
        connection.create_gc(gc, root, &CreateGCAux::new())?;
        let mut random = Random(u64::from(std::process::id()));
        eprintln!("{method}: seed {}", random.0);
        for round in 0..10 {
            for _ in 0..40 {
                let count = 1 + random.below(30);
                // Few colours, so that much of it is back to what it was a moment ago.
                let colour = random.below(3) * 0x7f_7f7f;
                connection.change_gc(gc, &ChangeGCAux::new().foreground(colour))?;
                let rectangles: Vec<_> = (0..count)
                    .map(|_| Rectangle {
                        x: random.below(width) as i16 - 10,
                        y: random.below(height) as i16 - 10,
                        width: 1 + random.below(40) as u16,
                        height: 1 + random.below(40) as u16,
                    })
                    .collect();
                connection.poly_fill_rectangle(root, gc, &rectangles)?;
                if random.below(3) == 0 {
                    connection.sync()?;
                }
            }
            let image = connection.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, width as u16, height as u16, !0)?;
            let screen = image.reply()?.data;
            let shows = |sample: &gst::Sample| -> Result<bool> {
                let buffer = sample.buffer().context("no buffer")?.map_readable()?;
                let same = |(seen, drawn): (&[u8], &[u8])| seen[..3] == drawn[..3];
                Ok(buffer.chunks_exact(4).zip(screen.chunks_exact(4)).all(same))
            };
            let mut tries = 0;
            while !shows(&capture.sample()?)? {
                tries += 1;
                anyhow::ensure!(tries < 200, "round {round}: the screen never comes");
            }
            // And it stays: what comes now is a repeat.
            anyhow::ensure!(shows(&capture.sample()?)?, "round {round}: the picture changed by itself");
        }
        Ok(())
    })
}

#[test]
fn colours_are_those_of_the_standards() -> Result<()> {
    /// Kr and Kb of ITU-R BT.709 and BT.601; 8 bits, limited range.
    fn yuv([red, green, blue]: [u8; 3], (kr, kb): (f64, f64)) -> [f64; 3] {
        let [red, green, blue] = [red, green, blue].map(|value| f64::from(value) / 255.0);
        let y = kr * red + (1.0 - kr - kb) * green + kb * blue;
        let chroma = |colour: f64, k: f64| 128.0 + 112.0 * (colour - y) / (1.0 - k);
        [16.0 + 219.0 * y, chroma(blue, kb), chroma(red, kr)]
    }
    with_every_method(322, 202, |xvfb, method| {
        let painter = Painter::start(&xvfb.display)?;
        for (colorimetry, constants) in [("bt709", (0.2126, 0.0722)), ("bt601", (0.299, 0.114))] {
            let caps = format!("video/x-raw,format=I420,colorimetry={colorimetry}");
            let capture = Capture::start_by(&xvfb.display, &caps, method)?;
            let sample = capture.sample()?;
            let info = gst_video::VideoInfo::from_caps(sample.caps().context("no caps")?)?;
            let buffer = sample.buffer().context("no buffer")?.map_readable()?;
            for patch in painter.patches() {
                for (plane, expected) in yuv(patch.rgb, constants).into_iter().enumerate() {
                    let half = u32::from(plane > 0);
                    let (x, y) = ((patch.x >> half) as usize, (patch.y >> half) as usize);
                    let seen = buffer[info.offset()[plane] + y * info.stride()[plane] as usize + x];
                    let error = (f64::from(seen) - expected).abs();
                    assert!(error <= 1.0, "{method} {colorimetry} plane {plane} {patch:?}: {seen}, not {expected:.1}");
                }
            }
        }
        Ok(())
    })
}

#[test]
fn drawing_the_same_again_is_no_frame() -> Result<()> {
    with_every_method(320, 200, |xvfb, method| {
        let capture = Capture::start_by(&xvfb.display, "video/x-raw,format=NV12", method)?;
        while capture.sink.try_pull_sample(gst::ClockTime::from_mseconds(500)).is_some() {}
        let (connection, number) = x11rb::connect(Some(&xvfb.display))?;
        let root = connection.setup().roots[number].root;
        let draw = || -> Result<()> {
            for _ in 0..10 {
                x11rb::protocol::xproto::ConnectionExt::clear_area(&connection, false, root, 0, 0, 50, 50)?;
                connection.sync()?;
            }
            Ok(())
        };
        let pts = |sample: gst::Sample| sample.buffer().and_then(|buffer| buffer.pts()).context("no time");
        // The sink has the last frame, so the first look goes to new memory, which has all of the screen to catch up with.
        draw()?;
        // Two keep-alives: in between, damage that changes nothing.
        let first = pts(capture.sample()?)?;
        let before = capture.stats()?;
        draw()?;
        let between = pts(capture.sample()?)? - first;
        assert!(between > gst::ClockTime::from_mseconds(900), "{method}: a frame after {between}");

        // It was looked at: only the four rows of tiles that it touches, each time.
        let now = capture.stats()?;
        let [frames, unchanged, read] = std::array::from_fn(|index| now[index] - before[index]);
        assert_eq!(frames, 0, "{method}");
        assert!((1..=10).contains(&unchanged), "{method}: {unchanged} looks");
        assert_eq!(read, unchanged * 64 * 64 * 4, "{method}");
        Ok(())
    })
}

#[test]
fn caps_say_that_the_rate_varies() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let capture = Capture::start(&xvfb.display, "video/x-raw,format=BGRx,framerate=0/1,max-framerate=25/1")?;
    let caps = capture.sample()?.caps_owned().context("no caps")?;
    let structure = caps.structure(0).context("no structure")?;
    assert_eq!(structure.get::<gst::Fraction>("framerate")?, gst::Fraction::new(0, 1));
    assert_eq!(structure.get::<gst::Fraction>("max-framerate")?, gst::Fraction::new(25, 1));

    let fixed = Capture::start(&xvfb.display, "video/x-raw,format=BGRx,framerate=30/1")?;
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
    let capture = Capture::start(&xvfb.display, "video/x-raw,format=BGRx")?;
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
    let capture = Capture::start(&xvfb.display, "video/x-raw,format=BGRx")?;
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
    with_every_method(800, 600, a_new_size_is_new_caps_by)
}

fn a_new_size_is_new_caps_by(xvfb: &Xvfb, method: &str) -> Result<()> {
    let capture = Capture::start_by(&xvfb.display, "video/x-raw,format=BGRx", method)?;
    assert_eq!(size(&capture.sample()?)?, (800, 600));

    let (connection, number) = x11rb::connect(Some(&xvfb.display))?;
    let root = connection.setup().roots[number].root;
    for (width, height) in [(640, 400), (801 - 2, 301), (640, 400)] {
        resize(&connection, root, width, height)?;
        let painter = Painter::start(&xvfb.display)?;
        let sample = capture.wait_for(painter.patches())?;
        assert_eq!(size(&sample)?, (width.into(), height.into()));
    }
    Ok(())
}

/// A new mode on the only output, as `xrandr --newmode`, `--addmode` and `--output --mode` make it.
pub(super) fn resize(
    connection: &impl x11rb::connection::Connection,
    root: u32,
    width: u16,
    height: u16,
) -> Result<()> {
    use x11rb::protocol::randr::ModeInfo;
    let resources = connection.randr_get_screen_resources(root)?.reply()?;
    let (output, crtc) = (resources.outputs[0], resources.crtcs[0]);
    // Each name is good for one mode, and sizes come again.
    let name = format!("{width}x{height}-{}", connection.generate_id()?);
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
    let capture = Capture::start(&xvfb.display, "video/x-raw,format=BGRx")?;
    capture.sample()?;
    xvfb.process().signal(rustix::process::Signal::KILL)?;
    let error = capture.error()?;
    assert!(error.contains("X"), "{error}");
    Ok(())
}
