//! Whatever layout the X server has, an Xlib program gets the character that was meant, and no modifier stays.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use egldesktop_tests::keymap::set_layout;
use egldesktop_tests::slow::SlowProgram;
use egldesktop_tests::xev::Xev;
use egldesktop_tests::xvfb::Xvfb;
use gst_video::NavigationEvent;
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::control::Control;

/// What none of the layouts has, or only one.
const FOREIGN: &str = "€ß日🙂";

/// The characters on the keys, at each of their levels.
fn characters(connection: &RustConnection) -> Result<BTreeSet<char>> {
    let setup = x11rb::connection::Connection::setup(connection);
    let count = setup.max_keycode - setup.min_keycode + 1;
    let mapping = connection.get_keyboard_mapping(setup.min_keycode, count)?.reply()?;
    let keysyms = mapping.keysyms.into_iter().map(xkeysym::Keysym::new).filter(|keysym| !keysym.is_keypad_key());
    Ok(keysyms.filter_map(xkeysym::Keysym::key_char).filter(|char| !char.is_control()).collect())
}

/// Modifiers that are active, and whether any key is down.
fn held(connection: &RustConnection) -> Result<(u16, bool)> {
    let state = connection.xkb_get_state(xkb::ID::USE_CORE_KBD.into())?.reply()?;
    let down = connection.query_keymap()?.reply()?.keys.iter().any(|&byte| byte != 0);
    Ok((state.mods.into(), down))
}

fn type_all(control: &Control, xev: &Xev, characters: impl IntoIterator<Item = char>) -> Result<()> {
    for char in characters {
        control.key(&char.to_string())?;
        let seen = xkeysym::Keysym::new(xev.pressed()?);
        assert_eq!(seen.key_char(), Some(char), "{seen:?}");
    }
    Ok(())
}

#[test]
fn every_character_of_five_layouts() -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
    connection.xkb_use_extension(1, 0)?.reply()?;
    let xev = Xev::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 640, 480)?;
    // One server for all: so that changes of the layout are followed as well.
    for layout in ["us", "de", "fr", "ru", "jp"] {
        set_layout(&xvfb.display, layout)?;
        let characters = characters(&connection)?;
        assert!(characters.len() >= 94, "{layout}: {characters:?}");
        type_all(&control, &xev, characters.into_iter().chain(FOREIGN.chars())).with_context(|| layout.to_owned())?;
        assert_eq!(held(&connection)?, (0, false), "{layout}");
    }
    Ok(())
}

#[test]
fn the_second_layout_of_two() -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    set_layout(&xvfb.display, "us,ru")?;
    let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
    connection.xkb_use_extension(1, 0)?.reply()?;
    let none = Default::default();
    connection
        .xkb_latch_lock_state(xkb::ID::USE_CORE_KBD.into(), none, none, true, xkb::Group::M2, none, false, 0)?
        .check()?;
    let xev = Xev::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 640, 480)?;
    type_all(&control, &xev, "ящЯaA1!".chars())
}

#[test]
fn locks_follow_and_change_no_character() -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
    connection.xkb_use_extension(1, 0)?.reply()?;
    let xev = Xev::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 640, 480)?;
    let locks = |caps: bool, num: bool| {
        control.tell(gst::Structure::builder("egldesktop-locks").field("caps", caps).field("num", num).build())
    };
    locks(true, true)?;
    type_all(&control, &xev, "aA1!ß".chars())?;
    control.key("KP_7")?;
    assert_eq!(xev.pressed()?, xkeysym::key::KP_7);
    control.key("KP_Home")?;
    assert_eq!(xev.pressed()?, xkeysym::key::KP_Home);
    assert_eq!(held(&connection)?.0, 0x12, "Lock and Mod2");
    locks(false, false)?;
    type_all(&control, &xev, "aA".chars())?;
    assert_eq!(held(&connection)?, (0, false));
    Ok(())
}

#[test]
fn dead_keys_are_typed_as_such() -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    set_layout(&xvfb.display, "de")?;
    let xev = Xev::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 640, 480)?;
    for (name, keysym) in [("dead_acute", 0xfe51), ("dead_grave", 0xfe50), ("dead_circumflex", 0xfe52)] {
        control.send(NavigationEvent::new_key_press(name).build())?;
        control.send(NavigationEvent::new_key_release(name).build())?;
        assert_eq!(xev.pressed()?, keysym, "{name}");
    }
    Ok(())
}

#[test]
fn a_long_text_of_more_characters_than_spare_keys() -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    let xev = Xev::start(&xvfb.display)?;
    let control = Control::start(&xvfb.display, 640, 480)?;
    let text: String = ('\u{4e00}'..).take(300).collect();
    let send = |text: &str| control.tell(gst::Structure::builder("egldesktop-text").field("text", text).build());
    // The first key makes it load what it needs, and a program that busy reads its keys too late. Xlib then asks to be told
    // of changes of the keymap, in a request that waits in its buffer until it reads the next event: hence more of them.
    for key in ["x", "y", "z"] {
        send(key)?;
        assert_eq!(xev.pressed()?, u32::from(key.as_bytes()[0]));
    }
    send(&text)?;
    let typed: Result<String> =
        (0..300).map(|_| Ok(xkeysym::Keysym::new(xev.pressed()?).key_char().unwrap_or('?'))).collect();
    assert_eq!(typed?, text);
    Ok(())
}

#[test]
fn a_slow_program_reads_a_long_text_as_it_was_meant() -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    // Slower than keys come: without its answers, it would look most of them up when they mean something else.
    let program = SlowProgram::start(&xvfb.display, Duration::from_millis(20))?;
    let control = Control::start(&xvfb.display, 640, 480)?;
    let text: String = ('\u{4e00}'..).take(250).collect();
    control.tell(gst::Structure::builder("egldesktop-text").field("text", &text).build())?;
    let typed: Result<String> = (0..250).map(|_| program.typed()).collect();
    assert_eq!(typed?, text);
    Ok(())
}
