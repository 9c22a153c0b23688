//! `desktopinput`: gamepads of browsers reach real programs, through our library and the sockets.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use egldesktop_tests::interposed::{self, expect};
use egldesktop_tests::process::{built, wait_for_line};
use egldesktop_tests::xvfb::Xvfb;

use crate::control::Control;

/// A desktop whose pads are in a folder of their own.
struct World {
    control: Control,
    folder: tempfile::TempDir,
    _xvfb: Xvfb,
}

impl World {
    fn start() -> Result<Self> {
        let xvfb = Xvfb::start(320, 240)?;
        let folder = tempfile::tempdir()?;
        let properties =
            format!("display-name={} gamepads=interposer gamepad-sockets={}", xvfb.display, folder.path().display());
        let control = Control::start_with("videotestsrc is-live=true", &properties)?;
        Ok(Self { control, folder, _xvfb: xvfb })
    }

    fn pad(&self, event: &str) -> Result<()> {
        self.control.tell(structure(event).field("name", "A pad").build())
    }

    fn move_to(&self, event: &str, number: u32, value: f64) -> Result<()> {
        self.control.tell(structure(event).field("number", number).field("value", value).build())
    }

    /// Until a pad that was sent is there.
    fn wait_for_socket(&self, name: &str) {
        let path = self.folder.path().join(name);
        while std::os::unix::net::UnixStream::connect(&path).is_err() {
            std::thread::yield_now();
        }
    }
}

fn structure(event: &str) -> gst::structure::Builder {
    gst::Structure::builder("egldesktop-gamepad").field("pad", 0u32).field("event", event)
}

#[test]
fn jstest_sees_a_pad() -> Result<()> {
    let world = World::start()?;
    world.pad("connected")?;
    world.wait_for_socket("selkies_js0.sock");
    world.move_to("button", 3, 1.0)?;
    let (mut process, lines) =
        interposed::program(world.folder.path(), "stdbuf", &["-oL", "jstest", "--event", "/dev/input/js0"])?;
    let axes = "Joystick (Microsoft X-Box 360 pad) has 8 axes (X, Y, Z, Rx, Ry, Rz, Hat0X, Hat0Y)";
    expect(&lines, axes)?;
    let buttons = wait_for_line(&lines, |line| line.starts_with("and 11 buttons").then(|| line.to_owned()))?;
    assert!(
        buttons.contains("(BtnA, BtnB, BtnX, BtnY, BtnTL, BtnTR, BtnSelect, BtnStart, BtnMode, BtnThumbL, BtnThumbR)")
    );
    let event = |kind: u8, number: u8, value: i32| {
        wait_for_line(&lines, |line| {
            let rest = line.strip_prefix(&format!("Event: type {kind}, time "))?;
            rest.ends_with(&format!(", number {number}, value {value}")).then_some(())
        })
    };
    // What was pressed before it came is part of the state that it gets.
    event(129, 3, 1)?;
    event(130, 2, -32767)?;
    event(130, 7, 0)?;
    world.move_to("button", 0, 1.0)?;
    event(1, 0, 1)?;
    world.move_to("axis", 3, -1.0)?;
    event(2, 4, -32767)?;
    world.move_to("button", 7, 0.5)?;
    event(2, 5, 128)?;
    world.move_to("button", 13, 1.0)?;
    event(2, 7, 32767)?;
    // Pulled: everything goes up, and then the device is gone.
    world.pad("disconnected")?;
    event(1, 0, 0)?;
    event(2, 4, 0)?;
    assert!(!process.wait()?.success(), "jstest ends when its device does");
    Ok(())
}

#[test]
fn an_sdl_program_sees_pads_come_and_go() -> Result<()> {
    let world = World::start()?;
    let (_process, lines) = interposed::sdl(world.folder.path())?;
    for _ in 0..2 {
        world.pad("connected")?;
        wait_for_line(&lines, |line| line.starts_with("added ").then_some(()))?;
        world.move_to("button", 0, 1.0)?;
        expect(&lines, "button 0 1")?;
        // The pad of four directions, a stick and a trigger, as SDL numbers them.
        world.move_to("button", 14, 1.0)?;
        expect(&lines, "button 13 1")?;
        world.move_to("axis", 2, 1.0)?;
        expect(&lines, "axis 2 32767")?;
        world.move_to("button", 6, 1.0)?;
        expect(&lines, "axis 4 32767")?;
        world.pad("released")?;
        expect(&lines, "button 0 0")?;
        world.move_to("button", 1, 1.0)?;
        expect(&lines, "button 1 1")?;
        let rumble = world.control.wait_for("egldesktop-gamepad-rumble", |it| {
            // The end of the one before may be told more than once.
            Some((it.get::<u32>("strong").ok()?, it.get::<u32>("weak").ok()?)).filter(|motors| *motors != (0, 0))
        })?;
        assert_eq!(rumble, (0xffff, 0x4000));
        // SDL ends it itself.
        world.control.wait_for("egldesktop-gamepad-rumble", |it| (it.get::<u32>("strong") == Ok(0)).then_some(()))?;
        world.pad("disconnected")?;
        expect(&lines, "removed")?;
    }
    Ok(())
}

#[test]
fn nothing_is_left_when_the_element_stops() -> Result<()> {
    let world = World::start()?;
    world.pad("connected")?;
    world.wait_for_socket("selkies_event1000.sock");
    let World { control, folder, _xvfb } = world;
    drop(control);
    let left: Vec<_> = std::fs::read_dir(folder.path())?.collect::<Result<_, _>>()?;
    let left: Vec<_> = left.iter().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["selkies_input"], "the folder that programs may watch");
    assert_eq!(std::fs::read_dir(folder.path().join("selkies_input"))?.count(), 0);
    Ok(())
}

/// Programs that have nothing to do with gamepads run with the library as without it.
#[test]
fn other_programs_do_not_notice() -> Result<()> {
    let library = built("libegldesktop_interposer.so")?;
    let script = r#"set -e
        cd "$(mktemp -d)"
        seq 100000 > numbers && test "$(wc -l < numbers)" = 100000
        test "$(stat -c %F numbers)" = "regular file" && test ! -e /dev/input/js0
        ls -la / > list && grep -q tmp list && cat numbers list | sort | uniq | tail -n 1 > last
        (cat numbers & wait) | head -n 1
        find /proc/self/fd -type l | grep -q . && rm numbers list last && rmdir "$PWD""#;
    // No desktop's, such as one that was killed has left where everybody looks.
    let nobodys = tempfile::tempdir()?;
    let run = |preload: Option<&Path>| {
        let mut command = Command::new("bash");
        command.args(["-c", script]).env("SELKIES_JS_SOCKET_PATH", nobodys.path());
        if let Some(library) = preload {
            command.env("LD_PRELOAD", library);
        }
        command.output()
    };
    let with = run(Some(&library))?;
    assert_eq!((with.status.code(), String::from_utf8_lossy(&with.stderr).as_ref()), (Some(0), ""));
    assert_eq!(with.stdout, run(None)?.stdout);
    Ok(())
}
