//! Fingers, pens and fine wheels as programs see them on an X server that reads devices of the kernel.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::xorg::Xorg;
use gst_video::NavigationEvent;
use x11rb::connection::Connection as _;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{ConnectionExt as _, Device, EventMask, XIEventMask};
use x11rb::rust_connection::RustConnection;

use crate::control::Control;

/// The next event that `pick` likes; `act` is called whenever there is none.
fn wait_for<T>(
    connection: &RustConnection,
    act: impl Fn() -> Result<()>,
    pick: impl Fn(&Event) -> Option<T>,
) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    let mut others = Vec::new();
    while Instant::now() < deadline {
        let Some(event) = connection.poll_for_event()? else {
            act()?;
            // As often as a pen reports.
            std::thread::sleep(Duration::from_millis(10));
            continue;
        };
        if let Some(value) = pick(&event) {
            return Ok(value);
        }
        others.push(event);
    }
    anyhow::bail!("not seen; but {others:?}")
}

fn nothing() -> Result<()> {
    Ok(())
}

/// Pixels, of the 16 and 16 bits that events have.
fn pixel(fixed: i32) -> i32 {
    (fixed + 0x8000) >> 16
}

#[test]
#[ignore = "needs /dev/uinput, Xorg and udev; `make e2e` runs it where the first one is"]
fn fingers_pressure_and_parts_of_ticks_reach_programs() -> Result<()> {
    let xorg = Xorg::start()?;
    let (connection, number) = x11rb::connect(Some(&xorg.display))?;
    let root = connection.setup().roots[number].root;
    connection.xinput_xi_query_version(2, 2)?.reply()?;
    let touches = XIEventMask::TOUCH_BEGIN | XIEventMask::TOUCH_UPDATE | XIEventMask::TOUCH_END;
    let mask = vec![touches | XIEventMask::RAW_MOTION];
    let events = [EventMask { deviceid: Device::ALL_MASTER.into(), mask }];
    connection.xinput_xi_select_events(root, &events)?.check()?;

    // Half as large as the screen: places are scaled.
    let control = Control::start(&xorg.display, 400, 300)?;
    let all = |it: &gst::StructureRef| {
        ["touch", "pen", "wheel"].into_iter().all(|name| it.get::<bool>(name) == Ok(true)).then_some(())
    };
    control.wait_for("egldesktop-devices", all)?;

    for (finger, x) in [(7, 50.0), (8, 200.0)] {
        control.send(NavigationEvent::new_touch_down(finger, x, 40.0, 0.5).build())?;
        let place = wait_for(&connection, nothing, |event| match event {
            Event::XinputTouchBegin(event) => Some((pixel(event.root_x), pixel(event.root_y))),
            _ => None,
        })?;
        assert!((place.0 - x as i32 * 2).abs() <= 1 && (place.1 - 80).abs() <= 1, "{place:?}");
    }
    for finger in [7, 8] {
        control.send(NavigationEvent::new_touch_up(finger, 50.0, 40.0).build())?;
        wait_for(&connection, nothing, |event| matches!(event, Event::XinputTouchEnd(_)).then_some(()))?;
    }

    let raw = |event: &Event| match event {
        Event::XinputRawMotion(event) => {
            let values: Vec<_> = event.axisvalues_raw.iter().map(|value| value.integral).collect();
            Some((event.valuator_mask.first().copied().unwrap_or(0), values))
        }
        _ => None,
    };
    // Half a tick: libinput counts 120 to a tick, as the kernel does.
    control.send(NavigationEvent::new_mouse_scroll(5.0, 5.0, 0.0, -0.5).build())?;
    // Axes 2 and 3 of a wheel turn sideways and down.
    let values = wait_for(&connection, nothing, |event| {
        let (mask, values) = raw(event)?;
        (mask & 0b1000 != 0).then_some(values)
    })?;
    assert!(values.last().is_some_and(|parts| (1..120).contains(parts)), "{values:?}");

    // The X server makes a device of a pen when it sees it for the first time, so it is not told of what was before. The
    // third axis of a pen is its pressure.
    let pen = |x: f64, pressure: f64, buttons: u32| {
        let place = gst::Structure::builder("egldesktop-pen").field("x", x).field("y", 50.0);
        let rest = place.field("pressure", pressure).field("tilt-x", 30.0).field("tilt-y", 0.0);
        control.tell(rest.field("buttons", buttons).build())
    };
    let moves = std::cell::Cell::new(0u32);
    pen(100.0, 0.0, 8)?;
    let pressure = wait_for(
        &connection,
        || {
            moves.set(moves.get() + 1);
            pen(100.0 + f64::from(moves.get() % 50), 0.5 + f64::from(moves.get() % 2) / 10.0, 9)
        },
        |event| {
            let (mask, values) = raw(event)?;
            let before = (mask & 0b011).count_ones() as usize;
            (mask & 0b100 != 0).then(|| values.get(before).copied()).flatten().filter(|pressure| *pressure > 0)
        },
    )
    .context("no pressure")?;
    assert!(pressure > 500, "{pressure}");
    Ok(())
}
