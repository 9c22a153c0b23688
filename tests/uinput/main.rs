//! Gamepads as devices of the kernel. Without `/dev/uinput` each test says that it was skipped, and the summary counts it
//! as ignored.

use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::xvfb::Xvfb;
use evdev::{AbsoluteAxisCode, Device, EventSummary, FFEffectData, FFEffectKind, FFReplay, FFTrigger, KeyCode};
use gst::prelude::*;
use libtest_mimic::{Arguments, Failed, Trial};

const NAME: &str = "Microsoft X-Box 360 pad";

fn main() {
    let missing = std::fs::OpenOptions::new().write(true).open("/dev/uinput").err();
    let trial = |name, test: fn() -> Result<()>| {
        if let Some(reason) = &missing {
            // Not through a macro: the harness would keep it to itself.
            let _ = writeln!(std::io::stderr(), "*** skipped: no /dev/uinput ({reason}): {name} ***");
        }
        Trial::test(name, move || test().map_err(|error| Failed::from(format!("{error:?}"))))
            .with_ignored_flag(missing.is_some())
    };
    let trials = vec![trial("a_pad_is_a_device_of_the_kernel", a_pad_is_a_device_of_the_kernel)];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn a_pad_is_a_device_of_the_kernel() -> Result<()> {
    gst::init()?;
    gst::Plugin::load_file(egldesktop_tests::process::built("libgstegldesktop.so")?)?;
    let xvfb = Xvfb::start(320, 240)?;
    let text = format!(
        "videotestsrc is-live=true ! desktopinput display-name={} gamepads=uinput ! fakesink name=sink",
        xvfb.display
    );
    let pipeline = gst::parse::launch(&text)?.downcast::<gst::Pipeline>().ok().context("no pipeline")?;
    let pad = pipeline.by_name("sink").and_then(|sink| sink.static_pad("sink")).context("no pad")?;
    let (sender, rumbles) = std::sync::mpsc::channel();
    pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        let structure = info.event().and_then(|event| event.structure());
        if let Some(structure) = structure.filter(|structure| structure.name() == "egldesktop-gamepad-rumble") {
            let _ = sender.send(structure.get::<u32>("strong"));
        }
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing)?;
    pipeline.state(gst::ClockTime::from_seconds(30)).0?;

    let send = |structure: gst::structure::Builder| {
        ensure!(pad.push_event(gst::event::CustomUpstream::new(structure.build())), "nobody takes the event");
        Ok(())
    };
    let event = |event: &str| gst::Structure::builder("egldesktop-gamepad").field("pad", 0u32).field("event", event);
    send(event("connected").field("name", "A pad"))?;
    let mut device = wait_for_device(true)?.context("no device")?;
    let id = device.input_id();
    assert_eq!((id.vendor(), id.product()), (0x045e, 0x028e));
    assert_eq!(device.supported_absolute_axes().map_or(0, |axes| axes.iter().count()), 8);

    send(event("button").field("number", 0u32).field("value", 1.0))?;
    send(event("axis").field("number", 0u32).field("value", -1.0))?;
    let (mut pressed, mut moved) = (false, false);
    while !(pressed && moved) {
        for event in device.fetch_events()? {
            match event.destructure() {
                EventSummary::Key(_, KeyCode::BTN_SOUTH, value) => pressed = value == 1,
                EventSummary::AbsoluteAxis(_, AbsoluteAxisCode::ABS_X, value) => moved = value == -32767,
                _ => {}
            }
        }
    }

    let mut effect = device.upload_ff_effect(FFEffectData {
        direction: 0,
        trigger: FFTrigger::default(),
        replay: FFReplay { length: 300, delay: 0 },
        kind: FFEffectKind::Rumble { strong_magnitude: 0xffff, weak_magnitude: 0 },
    })?;
    effect.play(1)?;
    assert_eq!(rumbles.recv_timeout(egldesktop_tests::PATIENCE)?, Ok(0xffff));
    effect.stop()?;
    assert_eq!(rumbles.recv_timeout(egldesktop_tests::PATIENCE)?, Ok(0));

    send(event("disconnected"))?;
    assert!(wait_for_device(false)?.is_none());
    pipeline.set_state(gst::State::Null)?;
    Ok(())
}

/// Waits until the device is there, or gone. The kernel tells by udev only, which need not run.
fn wait_for_device(there: bool) -> Result<Option<Device>> {
    let deadline = std::time::Instant::now() + egldesktop_tests::PATIENCE;
    loop {
        let found = evdev::enumerate().map(|(_, device)| device).find(|device| device.name() == Some(NAME));
        if found.is_some() == there {
            return Ok(found);
        }
        ensure!(std::time::Instant::now() < deadline, "the device does not come or go");
        std::thread::yield_now();
    }
}
