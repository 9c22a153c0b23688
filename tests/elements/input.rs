//! `desktopinput`: events from downstream reach the X clients.

use anyhow::Result;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xvfb::Xvfb;
use gst_video::NavigationEvent;

use crate::control::Control;

#[test]
fn positions_are_those_of_the_video() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 400, 300)?;
    control.send(NavigationEvent::new_mouse_move(100.0, 50.0).build())?;
    painter.wait_for_seen(&Seen::Motion(200, 100))?;
    let relative = gst::Structure::builder("egldesktop-pointer-relative").field("dx", -10.0).field("dy", 5.0);
    control.send(gst::event::CustomUpstream::new(relative.build()))?;
    painter.wait_for_seen(&Seen::Motion(190, 105))?;
    // Outside is the edge.
    control.send(NavigationEvent::new_mouse_move(5000.0, -5.0).build())?;
    painter.wait_for_seen(&Seen::Motion(799, 0))
}

#[test]
fn buttons_and_wheel() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    for button in [1u8, 2, 3, 8, 9] {
        control.send(NavigationEvent::new_mouse_button_press(button.into(), 5.0, 5.0).build())?;
        painter.wait_for_seen(&Seen::Button(button, true))?;
        control.send(NavigationEvent::new_mouse_button_release(button.into(), 5.0, 5.0).build())?;
        painter.wait_for_seen(&Seen::Button(button, false))?;
    }
    for (dx, dy, button) in [(0.0, 1.0, 4), (0.0, -1.0, 5), (-1.0, 0.0, 6), (1.0, 0.0, 7)] {
        control.send(NavigationEvent::new_mouse_scroll(5.0, 5.0, dx, dy).build())?;
        painter.wait_for_seen(&Seen::Button(button, true))?;
    }
    Ok(())
}

#[test]
fn keysyms_of_any_layout() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    let names = ["a", "A", "at", "ssharp", "eacute", "Cyrillic_YA", "U65E5", "🙂", "space", "7"];
    for name in names {
        control.key(name)?;
    }
    assert_eq!(painter.typed(names.len())?, "aA@ßéЯ日🙂 7");
    control.key("Return")?;
    painter.wait_for_seen(&Seen::Key(0xff0d, true))?;
    painter.wait_for_seen(&Seen::Key(0xff0d, false))
}

#[test]
fn a_held_shift_stays_held_and_does_not_change_what_is_meant() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    control.send(NavigationEvent::new_key_press("Shift_L").build())?;
    // As from a layout that has the slash above the seven.
    for name in ["slash", "B", "ssharp", "B"] {
        control.key(name)?;
    }
    assert_eq!(painter.typed(4)?, "/BßB");
    control.send(NavigationEvent::new_key_release("Shift_L").build())?;
    painter.wait_for(|seen| matches!(seen, Seen::Key(0xffe1, false)).then_some(()))?;
    control.key("b")?;
    assert_eq!(painter.typed(1)?, "b");
    Ok(())
}

#[test]
fn everything_goes_up_when_the_element_stops() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    control.send(NavigationEvent::new_key_press("k").build())?;
    control.send(NavigationEvent::new_mouse_button_press(1, 5.0, 5.0).build())?;
    painter.wait_for_seen(&Seen::Button(1, true))?;
    drop(control);
    painter.wait_for_seen(&Seen::Key(u32::from('k'), false))?;
    painter.wait_for_seen(&Seen::Button(1, false))
}

#[test]
fn more_foreign_characters_than_the_keyboard_has_spare_keys() -> Result<()> {
    let xvfb = Xvfb::start(800, 600)?;
    let painter = Painter::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 800, 600)?;
    let text: String = ('А'..='я').chain('α'..='ω').collect();
    for char in text.chars() {
        // One at a time: a keycode can only be given away when its last character has been read.
        control.key(&char.to_string())?;
        assert_eq!(painter.typed(1)?, char.to_string());
    }
    Ok(())
}
