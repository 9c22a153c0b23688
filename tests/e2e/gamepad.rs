//! A gamepad of the browser moves what a game on the desktop sees, and the game makes it rumble.

use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::interposed::{self, expect};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::process::wait_for_line;
use egldesktop_tests::xvfb::Xvfb;

/// There is no hardware: a pad that the page sees, `pad` for the test.
const PAD: &str = "
    window.pad = {
        index: 0, id: 'A pad', mapping: 'standard', axes: [0, 0, 0, 0], effects: [],
        buttons: Array.from({ length: 17 }, () => ({ pressed: false, value: 0 })),
        vibrationActuator: {
            playEffect: async (type, { strongMagnitude, weakMagnitude }) => pad.effects.push([strongMagnitude, weakMagnitude]),
            reset: async () => pad.effects.push([0, 0]),
        },
    };
    navigator.getGamepads = () => [window.pad, null, null, null];
    window.plug = (type) => { const event = new Event(type); event.gamepad = window.pad; window.dispatchEvent(event); };
    window.press = (button, down) => { window.pad.buttons[button] = { pressed: down, value: Number(down) }; };
    plug('gamepadconnected');
";

#[test]
fn a_gamepad_in_the_browser_is_one_on_the_desktop() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let folder = tempfile::tempdir()?;
        let sockets = folder.path().display().to_string();
        let desktop = Desktop::start(&[
            ("DISPLAY", &xvfb.display),
            ("ENABLE_AUDIO", "false"),
            ("EGLDESKTOP_GAMEPADS", "interposer"),
            ("SELKIES_JS_SOCKET_PATH", &sockets),
        ])?;
        let (_game, lines) = interposed::sdl(folder.path())?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;

        browser.run(PAD).await?;
        wait_for_line(&lines, |line| line.starts_with("added ").then_some(()))?;
        browser.run("press(0, true); pad.axes[0] = -1;").await?;
        expect(&lines, "button 0 1")?;
        // SDL has one more on this side.
        expect(&lines, "axis 0 -32768")?;
        browser.run("press(1, true)").await?;
        expect(&lines, "button 1 1")?;
        browser
            .wait_for("return pad.effects.some(([strong, weak]) => strong === 1 && weak > 0.2 && weak < 0.3)")
            .await?;
        browser.run("plug('gamepaddisconnected')").await?;
        expect(&lines, "removed")?;

        // Who leaves lets go, and takes the pad along.
        browser.run("press(0, false); press(1, false); pad.axes[0] = 0; plug('gamepadconnected')").await?;
        // SDL tells nothing of what was held before it had opened the pad.
        wait_for_line(&lines, |line| line.starts_with("added ").then_some(()))?;
        browser.run("press(0, true)").await?;
        expect(&lines, "button 0 1")?;
        browser.close().await?;
        expect(&lines, "button 0 0")?;
        expect(&lines, "removed")
    });
}
