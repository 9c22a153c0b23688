//! The size of the screen, its scale, and the pointer's image.

use anyhow::{Context as _, Result};
use egldesktop_tests::random::Random;
use egldesktop_tests::xvfb::Xvfb;
use gst::prelude::*;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, ImageFormat};
use x11rb::wrapper::ConnectionExt as _;

use crate::control::{Control, bytes};

fn resize(control: &Control, width: u32, height: u32) -> Result<()> {
    control.tell(gst::Structure::builder("egldesktop-resize").field("width", width).field("height", height).build())
}

fn wait_for_size(control: &Control, width: u32, height: u32) -> Result<()> {
    control
        .wait_for("egldesktop-screen", |it| {
            let size = (it.get::<u32>("width").ok()?, it.get::<u32>("height").ok()?);
            (size == (width, height)).then_some(())
        })
        .with_context(|| format!("{width} × {height}"))
}

#[test]
fn a_hundred_sizes_while_it_is_captured() -> Result<()> {
    let xvfb = Xvfb::start(1600, 1200)?;
    let display = &xvfb.display;
    let source =
        format!("egldesktopsrc name=source show-pointer=false display-name={display} ! video/x-raw,format=BGRx");
    let control = Control::start_with(&source, &format!("display-name={display} refresh=75"))?;
    let sink = control.pipeline().by_name("sink").context("no sink")?;
    sink.set_property("enable-last-sample", true);

    let mut random = Random(std::process::id().into());
    eprintln!("seed {}", random.0);
    let mut side = |limit: u32| 64 + random.below(limit) / 2 * 2;
    for round in 0..100 {
        let (width, height) = (side(1536), side(1136));
        resize(&control, width, height)?;
        // Every fourth time the last size is still on its way when the next is wanted.
        if round % 4 != 0 {
            wait_for_size(&control, width, height)?;
        }
    }
    // More than there is room for: the largest of the same shape.
    resize(&control, 3200, 1200)?;
    wait_for_size(&control, 1600, 600)?;

    // Something to see, and the last frame is it.
    let (connection, number) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[number].root;
    let gc = connection.generate_id()?;
    connection.create_gc(gc, root, &x11rb::protocol::xproto::CreateGCAux::new().foreground(0x00c0_ffee))?;
    let area = x11rb::protocol::xproto::Rectangle { x: 700, y: 300, width: 900, height: 300 };
    connection.poly_fill_rectangle(root, gc, &[area])?;
    connection.sync()?;
    let image = connection.get_image(ImageFormat::Z_PIXMAP, root, 0, 0, 1600, 600, u32::MAX)?.reply()?.data;
    let colours = |data: &[u8]| data.chunks(4).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect::<Vec<_>>();
    let expected = colours(&image);
    let deadline = std::time::Instant::now() + egldesktop_tests::PATIENCE;
    loop {
        let sample = sink.property::<Option<gst::Sample>>("last-sample").context("no frame")?;
        let frame = sample.buffer().context("no buffer")?.map_readable()?.to_vec();
        if colours(&frame) == expected {
            break;
        }
        anyhow::ensure!(std::time::Instant::now() < deadline, "the last frame is not the screen");
        std::thread::yield_now();
    }
    assert!(control.pipeline().bus().context("no bus")?.pop_filtered(&[gst::MessageType::Error]).is_none());
    Ok(())
}

#[test]
fn the_scale_reaches_resources_settings_and_the_application() -> Result<()> {
    let xvfb = Xvfb::start(320, 240)?;
    let control = Control::start_with("videotestsrc", &format!("display-name={} dpi=120", xvfb.display))?;
    control.tell(gst::Structure::builder("egldesktop-scale").field("ratio", 1.5).build())?;
    let bus = control.pipeline().bus().context("no bus")?;
    let message = bus.timed_pop_filtered(gst::ClockTime::from_seconds(30), &[gst::MessageType::Element]);
    let message = message.context("no message")?;
    let dpi = message.structure().filter(|it| it.name() == "egldesktop-dpi").and_then(|it| it.get("dpi").ok());
    assert_eq!(dpi, Some(180.0));

    let (connection, number) = x11rb::connect(Some(&xvfb.display))?;
    let root = connection.setup().roots[number].root;
    let resources =
        connection.get_property(false, root, AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING, 0, 1024)?.reply()?;
    assert!(String::from_utf8(resources.value)?.contains("Xft.dpi:\t180\n"));
    let atom = |name: &str| Ok::<_, anyhow::Error>(connection.intern_atom(false, name.as_bytes())?.reply()?.atom);
    let owner = connection.get_selection_owner(atom("_XSETTINGS_S0")?)?.reply()?.owner;
    let name = atom("_XSETTINGS_SETTINGS")?;
    let settings = connection.get_property(false, owner, name, name, 0, 1024)?.reply()?.value;
    let place = settings.windows(7).position(|it| it == b"Xft/DPI").context("no Xft/DPI")?;
    assert_eq!(settings[place + 12..place + 16], (180i32 * 1024).to_ne_bytes());
    Ok(())
}

#[test]
fn the_pointer_is_told_when_it_changes_and_when_asked() -> Result<()> {
    let xvfb = Xvfb::start(320, 240)?;
    let control = Control::start(&xvfb.display, 320, 240)?;
    let (connection, number) = x11rb::connect(Some(&xvfb.display))?;
    let root = connection.setup().roots[number].root;
    let set_cursor = |mask: &[u8]| -> Result<()> {
        // Two bitmaps of 8 × 2: all of it red where the mask is set.
        let bitmap = |rows: &[u8]| -> Result<u32> {
            let (pixmap, gc) = (connection.generate_id()?, connection.generate_id()?);
            connection.create_pixmap(1, pixmap, root, 8, 2)?;
            connection.create_gc(gc, pixmap, &Default::default())?;
            let padded: Vec<u8> = rows.iter().flat_map(|&row| [row, 0, 0, 0]).collect();
            connection.put_image(ImageFormat::XY_PIXMAP, pixmap, gc, 8, 2, 0, 0, 0, 1, &padded)?;
            Ok(pixmap)
        };
        let cursor = connection.generate_id()?;
        connection.create_cursor(cursor, bitmap(&[0xff, 0xff])?, bitmap(mask)?, 0xffff, 0, 0, 0, 0, 0, 5, 1)?;
        let attributes = x11rb::protocol::xproto::ChangeWindowAttributesAux::new().cursor(cursor);
        connection.change_window_attributes(root, &attributes)?.check()?;
        Ok(())
    };
    set_cursor(&[0x01, 0x00])?;
    let seen =
        |it: &gst::StructureRef| Some((it.get::<u32>("serial").ok()?, bytes(it, "png")?, it.get::<u32>("hot-x").ok()?));
    let (serial, png, hot_x) = control.wait_for("egldesktop-cursor", seen)?;
    assert_eq!((&png[..4], hot_x), (&b"\x89PNG"[..], 5));

    control.tell(gst::Structure::builder("egldesktop-report").field("clipboard", false).build())?;
    assert_eq!(control.wait_for("egldesktop-cursor", seen)?, (serial, png, hot_x));

    set_cursor(&[0x00, 0x00])?;
    control.wait_for("egldesktop-cursor", |it| (!it.has_field("png")).then_some(()))
}
