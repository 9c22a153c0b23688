//! Fingers, pens and parts of a wheel's tick on an X server that has no devices for them: the pointer does what they say.

use anyhow::Result;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xvfb::Xvfb;
use gst_video::NavigationEvent;

use crate::control::Control;

fn next(painter: &Painter) -> Result<Seen> {
    painter.wait_for(|seen| Some(seen.clone()))
}

#[test]
fn the_first_finger_is_the_pointer() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 400, 300)?;
    control.send(NavigationEvent::new_touch_down(7, 50.0, 40.0, 0.5).build())?;
    painter.wait_for_seen(&Seen::Motion(100, 80))?;
    assert_eq!(next(&painter)?, Seen::Button(1, true));
    // A second one makes the pointer neither jump nor press.
    control.send(NavigationEvent::new_touch_down(8, 200.0, 200.0, 0.5).build())?;
    control.send(NavigationEvent::new_touch_motion(8, 210.0, 200.0, 0.5).build())?;
    control.send(NavigationEvent::new_touch_frame().build())?;
    control.send(NavigationEvent::new_touch_motion(7, 60.0, 40.0, 0.5).build())?;
    assert_eq!(next(&painter)?, Seen::Motion(120, 80));
    control.send(NavigationEvent::new_touch_up(8, 210.0, 200.0).build())?;
    control.send(NavigationEvent::new_touch_up(7, 60.0, 40.0).build())?;
    // Where it goes up is told once more.
    assert_eq!(next(&painter)?, Seen::Motion(120, 80));
    assert_eq!(next(&painter)?, Seen::Button(1, false));
    // What the system takes away goes up where it is.
    control.send(NavigationEvent::new_touch_down(9, 50.0, 40.0, 0.5).build())?;
    painter.wait_for_seen(&Seen::Button(1, true))?;
    control.send(NavigationEvent::new_touch_cancel().build())?;
    assert_eq!(next(&painter)?, Seen::Button(1, false));
    Ok(())
}

#[test]
fn a_finger_goes_up_when_the_element_stops() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    control.send(NavigationEvent::new_touch_down(1, 50.0, 40.0, 0.5).build())?;
    painter.wait_for_seen(&Seen::Button(1, true))?;
    drop(control);
    painter.wait_for_seen(&Seen::Button(1, false))
}

#[test]
fn a_pen_is_the_pointer() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    let pen = |x: f64, buttons: u32| {
        let place = gst::Structure::builder("egldesktop-pen").field("x", x).field("y", 5.0);
        let rest = place.field("pressure", 0.5).field("tilt-x", 30.0).field("tilt-y", 0.0).field("buttons", buttons);
        control.tell(rest.build())
    };
    // Near; touching; touching with the button at the side; gone.
    pen(10.0, 8)?;
    painter.wait_for_seen(&Seen::Motion(10, 5))?;
    pen(20.0, 9)?;
    assert_eq!(next(&painter)?, Seen::Motion(20, 5));
    assert_eq!(next(&painter)?, Seen::Button(1, true));
    pen(30.0, 0)?;
    assert_eq!(next(&painter)?, Seen::Button(1, false));
    pen(30.0, 11)?;
    assert_eq!(next(&painter)?, Seen::Motion(30, 5));
    assert_eq!(next(&painter)?, Seen::Button(3, true));
    Ok(())
}

#[test]
fn parts_of_ticks_add_up_and_none_is_lost_or_doubled() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    let turn = |dx: f64, dy: f64| control.send(NavigationEvent::new_mouse_scroll(5.0, 5.0, dx, dy).build());
    for _ in 0..8 {
        turn(0.25, -0.5)?;
    }
    // Back: what is left over the other way does not count.
    turn(0.0, -0.75)?;
    turn(0.0, 1.0)?;
    control.key("x")?;
    let mut ticks = Vec::new();
    loop {
        match next(&painter)? {
            Seen::Button(button, true) => ticks.push(button),
            Seen::Char('x') => break,
            _ => {}
        }
    }
    ticks.sort_unstable();
    assert_eq!(ticks, [4, 5, 5, 5, 5, 7, 7]);
    Ok(())
}
