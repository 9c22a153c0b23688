//! What `egldesktopsrc` captures other than the whole screen without a pointer, and how.

use anyhow::{Context as _, Result};
use egldesktop_tests::painter::{Painter, Patch};
use egldesktop_tests::xvfb::Xvfb;
use gst::prelude::*;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{self, ConnectionExt as _, CreateWindowAux, PropMode, WindowClass};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::capture::{Capture, size, with_every_method};

const BGRX: &str = "video/x-raw,format=BGRx";

#[test]
fn shared_memory_of_xvfb_is_read_in_place() -> Result<()> {
    let xvfb = Xvfb::start_with(320, 200, &["-shmem"])?;
    let painter = Painter::start(&xvfb.display)?;
    let capture = Capture::start_with(&xvfb.display, BGRX, "show-pointer=false capture-method=mapped")?;
    capture.wait_for(painter.patches())?;
    Ok(())
}

#[test]
fn a_part_of_the_screen_is_that_part() -> Result<()> {
    with_every_method(640, 480, |xvfb, method| {
        let painter = Painter::start(&xvfb.display)?;
        // From 33 to 500 and from 21 to the last row.
        let part = "startx=33 starty=21 endx=500";
        let capture =
            Capture::start_with(&xvfb.display, BGRX, &format!("show-pointer=false capture-method={method} {part}"))?;
        let inside = |patch: &&Patch| (33..=500).contains(&patch.x) && patch.y >= 21;
        let moved = |patch: &Patch| Patch { x: patch.x - 33, y: patch.y - 21, ..*patch };
        let patches: Vec<Patch> = painter.patches().iter().filter(inside).map(moved).collect();
        assert!(patches.len() >= 3, "{patches:?}");
        let sample = capture.wait_for(&patches)?;
        assert_eq!(size(&sample)?, (468, 459));
        Ok(())
    })
}

#[test]
fn a_part_that_is_not_there_is_a_clear_error() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    for (part, word) in [("startx=320", "320x200"), ("xid=77", "0x4d"), ("xname=Nothing", "\"Nothing\"")] {
        let capture = Capture::prepare(&xvfb.display, BGRX, part)?;
        assert!(capture.play().is_err(), "{part}");
        let error = capture.error()?;
        assert!(error.contains(word), "{error}");
    }
    Ok(())
}

/// A window with a title, in one colour.
fn window(connection: &RustConnection, title: &str, (x, y): (i16, i16), rgb: u32) -> Result<xproto::Window> {
    let root = connection.setup().roots[0].root;
    let window = connection.generate_id()?;
    let attributes = CreateWindowAux::new().background_pixel(rgb).override_redirect(1);
    connection.create_window(24, window, root, x, y, 101, 67, 0, WindowClass::INPUT_OUTPUT, 0, &attributes)?;
    let name = xproto::AtomEnum::WM_NAME;
    connection.change_property8(PropMode::REPLACE, window, name, xproto::AtomEnum::STRING, title.as_bytes())?;
    connection.map_window(window)?;
    connection.sync()?;
    Ok(window)
}

#[test]
fn a_window_is_captured_under_others_until_it_closes() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
    let mine = window(&connection, "Mine", (10, 10), 0x20_40_60)?;
    for (choice, method) in [("xname=Mine".to_owned(), "auto"), (format!("xid={mine}"), "getimage")] {
        let properties = format!("show-pointer=false capture-method={method} {choice}");
        let capture = Capture::start_with(&xvfb.display, BGRX, &properties)?;
        let all = |rgb| [Patch { x: 0, y: 0, rgb }, Patch { x: 100, y: 66, rgb }];
        let sample = capture.wait_for(&all([0x20, 0x40, 0x60]))?;
        assert_eq!(size(&sample)?, (101, 67));

        let other = window(&connection, "Other", (20, 20), 0xff_ff_ff)?;
        let middle = |rgb| [Patch { x: 50, y: 33, rgb }];
        let attributes = xproto::ChangeWindowAttributesAux::new().background_pixel(0x60_20_40);
        connection.change_window_attributes(mine, &attributes)?;
        connection.clear_area(false, mine, 0, 0, 0, 0)?;
        connection.sync()?;
        capture.wait_for(&middle([0x60, 0x20, 0x40]))?;

        connection.configure_window(mine, &xproto::ConfigureWindowAux::new().width(120).height(70))?;
        connection.clear_area(false, mine, 0, 0, 0, 0)?;
        connection.sync()?;
        capture.wait_until(|sample| Ok(size(sample)? == (120, 70)))?;

        if method == "getimage" {
            connection.destroy_window(mine)?;
            connection.sync()?;
            let error = capture.error()?;
            assert!(error.contains("the window was closed"), "{error}");
        } else {
            connection.configure_window(mine, &xproto::ConfigureWindowAux::new().width(101).height(67))?;
            let attributes = xproto::ChangeWindowAttributesAux::new().background_pixel(0x20_40_60);
            connection.change_window_attributes(mine, &attributes)?;
            connection.clear_area(false, mine, 0, 0, 0, 0)?;
        }
        connection.destroy_window(other)?;
        connection.sync()?;
    }
    Ok(())
}

#[test]
fn the_pointer_is_in_the_picture_where_it_is() -> Result<()> {
    use x11rb::protocol::xfixes::ConnectionExt as _;
    with_every_method(320, 200, |xvfb, method| {
        let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
        connection.xfixes_query_version(5, 0)?.reply()?;
        let root = connection.setup().roots[0].root;
        let grey = window(&connection, "Background", (0, 0), 0x80_80_80)?;
        connection.configure_window(grey, &xproto::ConfigureWindowAux::new().width(320).height(200))?;
        let capture = Capture::start_with(&xvfb.display, BGRX, &format!("capture-method={method}"))?;
        // Across borders of tiles, half outside, and by a way that nobody is told of.
        for (x, y) in [(60, 14), (319, 199), (0, 0), (150, 100)] {
            if (x, y) == (0, 0) {
                connection.warp_pointer(x11rb::NONE, root, 0, 0, 0, 0, x, y)?;
            } else {
                connection.xtest_fake_input(xproto::MOTION_NOTIFY_EVENT, 0, x11rb::CURRENT_TIME, root, x, y, 0)?;
            }
            connection.sync()?;
            let pointer = connection.xfixes_get_cursor_image()?.reply()?;
            let (left, top) = (i32::from(x) - i32::from(pointer.xhot), i32::from(y) - i32::from(pointer.yhot));
            let shows = |sample: &gst::Sample| {
                let buffer = sample.buffer().context("no buffer")?.map_readable()?;
                Ok((0..200).all(|row: i32| {
                    (0..320).all(|column: i32| {
                        let over = (column - left, row - top);
                        let inside = (0..i32::from(pointer.width)).contains(&over.0)
                            && (0..i32::from(pointer.height)).contains(&over.1);
                        let colour = if inside {
                            pointer.cursor_image[(over.1 * i32::from(pointer.width) + over.0) as usize]
                        } else {
                            0
                        };
                        let [blue, green, red, alpha] = colour.to_le_bytes();
                        let start = (row * 320 + column) as usize * 4;
                        [blue, green, red].into_iter().zip(&buffer[start..start + 3]).all(|(above, seen)| {
                            let expected = f64::from(above) + 128.0 * f64::from(255 - alpha) / 255.0;
                            (f64::from(*seen) - expected).abs() <= 1.0
                        })
                    })
                }))
            };
            capture.wait_until(shows).with_context(|| format!("{method}: the pointer at {x},{y}"))?;
        }
        Ok(())
    })
}

#[test]
fn without_damage_the_rate_is_fixed() -> Result<()> {
    let xvfb = Xvfb::start(320, 200)?;
    let capture = Capture::start_with(&xvfb.display, "video/x-raw,format=NV12,framerate=50/1", "use-damage=false")?;
    let times: Vec<u64> = (0..50)
        .map(|_| Ok(capture.sample()?.buffer().and_then(|buffer| buffer.pts()).context("no time")?.mseconds()))
        .collect::<Result<_>>()?;
    // Nothing is drawn, and a frame comes for each tick all the same; a busy machine may miss some.
    let mean = (times[49] - times[0]) as f64 / 49.0;
    assert!((15.0..100.0).contains(&mean), "{mean} ms from one to the next: {times:?}");
    Ok(())
}

#[test]
fn what_has_changed_is_on_the_buffers() -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    let capture = Capture::start_with(&xvfb.display, "video/x-raw,format=NV12", "show-pointer=false")?;
    let regions = |sample: &gst::Sample| {
        let metas = sample.buffer().map(|buffer| {
            buffer.iter_meta::<gst_video::VideoRegionOfInterestMeta>().map(|meta| meta.rect()).collect::<Vec<_>>()
        });
        metas.unwrap_or_default()
    };
    assert_eq!(regions(&capture.sample()?), [(0, 0, 640, 480)], "the first one is all new");
    assert_eq!(regions(&capture.sample()?), [], "a repeat is not");
    let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
    window(&connection, "New", (70, 20), 0xff_ff_ff)?;
    let sample = capture.wait_until(|sample| Ok(!regions(sample).is_empty()))?;
    assert_eq!(regions(&sample), [(64, 16, 128, 80)]);
    Ok(())
}

/// An element that wants its frames on 64 bytes, with rows that end on 256, and room around the picture.
#[test]
fn the_pool_and_the_layout_of_downstream_are_taken() -> Result<()> {
    let xvfb = Xvfb::start(333, 221)?;
    let painter = Painter::start(&xvfb.display)?;
    let capture = Capture::prepare(&xvfb.display, BGRX, "show-pointer=false")?;
    let pad = capture.sink_pad()?;
    let pool = gst_video::VideoBufferPool::new();
    let offered = pool.clone();
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM, move |_, info| {
        let Some(query) = info.query_mut() else { return gst::PadProbeReturn::Ok };
        let gst::QueryViewMut::Allocation(query) = query.view_mut() else { return gst::PadProbeReturn::Ok };
        let Some(caps) = query.get_owned().0 else { return gst::PadProbeReturn::Ok };
        use gst_video::prelude::VideoBufferPoolConfig as _;
        let mut config = offered.config();
        let Ok(info) = gst_video::VideoInfo::from_caps(&caps) else { return gst::PadProbeReturn::Ok };
        config.set_params(Some(&caps), info.size() as u32, 4, 8);
        config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_META);
        config.add_option(gst_video::BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
        config.set_video_alignment(&gst_video::VideoAlignment::new(8, 8, 16, 16, &[255; 4]));
        offered.set_config(config).expect("a good configuration");
        query.add_allocation_pool(Some(&offered), info.size() as u32, 4, 8);
        query.add_allocation_meta::<gst_video::VideoMeta>(None);
        gst::PadProbeReturn::Handled
    });
    capture.play()?;
    let shows = |sample: &gst::Sample| {
        let info = gst_video::VideoInfo::from_caps(sample.caps().context("no caps")?)?;
        let buffer = sample.buffer().context("no buffer")?;
        let meta = buffer.meta::<gst_video::VideoMeta>().context("the layout is not told")?;
        assert!(meta.stride()[0] % 256 == 0 && meta.offset()[0] > 0, "{meta:?}");
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info)?;
        use gst_video::prelude::VideoFrameExt as _;
        let (data, stride) = (frame.plane_data(0)?, frame.plane_stride()[0] as usize);
        Ok(painter.patches().iter().all(|patch| {
            let start = patch.y as usize * stride + patch.x as usize * 4;
            let [red, green, blue] = patch.rgb;
            data[start..start + 3] == [blue, green, red]
        }))
    };
    capture.wait_until(shows)?;
    assert!(pool.is_active(), "the pool that was offered");
    Ok(())
}
