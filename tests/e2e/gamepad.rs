//! A gamepad of the browser moves what a game on the desktop sees, and the game makes it rumble.

use std::path::Path;

use anyhow::Result;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::interposed::{self, expect};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::process::wait_for_line;
use egldesktop_tests::xvfb::Xvfb;

use crate::touch::touch;

/// There is no hardware: a pad that the page sees, `pad` for the test.
pub(crate) const PAD: &str = "
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

/// A desktop whose gamepads are sockets in this folder.
fn desktop(xvfb: &Xvfb, folder: &Path) -> Result<Desktop> {
    Desktop::start(&[
        ("DISPLAY", &xvfb.display),
        ("ENABLE_AUDIO", "false"),
        ("EGLDESKTOP_GAMEPADS", "interposer"),
        ("SELKIES_JS_SOCKET_PATH", &folder.display().to_string()),
    ])
}

#[test]
fn a_gamepad_in_the_browser_is_one_on_the_desktop() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let folder = tempfile::tempdir()?;
        let desktop = desktop(&xvfb, folder.path())?;
        let (_game, lines) = interposed::sdl(folder.path())?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;

        browser.run(PAD).await?;
        wait_for_line(&lines, |line| line.starts_with("added ").then_some(()))?;
        browser.run("press(0, true); pad.axes[0] = -1;").await?;
        expect(&lines, "button 0 1")?;
        // SDL has one more on this side.
        expect(&lines, "axis 0 -32768")?;
        // The panel shows what the pad does, and tries how it rumbles.
        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let shown = "const [a, b] = document.querySelectorAll('.pad-button'), stick = document.querySelector('.stick-dot');
                     const filled = (button) => button.style.getPropertyValue('--value');
                     return a.innerText === 'A' && filled(a) === '1' && filled(b) === '0' && stick.getAttribute('cx') === '4'";
        browser.wait_for(shown).await?;
        browser.run("document.querySelector('.pad .key').click()").await?;
        browser.wait_for("return pad.effects.some(([strong, weak]) => strong === 1 && weak === 1)").await?;

        browser.run("press(1, true)").await?;
        expect(&lines, "button 1 1")?;
        browser
            .wait_for("return pad.effects.some(([strong, weak]) => strong === 1 && weak > 0.2 && weak < 0.3)")
            .await?;
        browser.run("plug('gamepaddisconnected')").await?;
        expect(&lines, "removed")?;
        browser.wait_for("return document.querySelector('.pad') === null").await?;

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

#[test]
fn thumbs_play_on_a_gamepad_that_the_page_draws() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let folder = tempfile::tempdir()?;
        let desktop = desktop(&xvfb, folder.path())?;
        let (_game, lines) = interposed::sdl(folder.path())?;
        let browser = Chromium::start().await?;
        browser.resize(844, 390, true).await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        let switch =
            "[...document.querySelectorAll('.action.touch-only')].find((one) => one.textContent === 'Gamepad').click()";
        browser.run(switch).await?;
        wait_for_line(&lines, |line| line.starts_with("added ").then_some(()))?;

        let middle = async |selector: &str| -> Result<(f64, f64)> {
            let box_of = format!(
                "const {{ left, top, width, height }} = document.querySelector('{selector}').getBoundingClientRect();
                 return [left + width / 2, top + height / 2]"
            );
            let at = browser.run(&box_of).await?;
            Ok((at[0].as_f64().unwrap_or_default(), at[1].as_f64().unwrap_or_default()))
        };
        let a = middle(".thumb-diamond .bottom").await?;
        let (x, y) = middle(".thumb-stick").await?;
        touch(&browser, "touchStart", &[a]).await?;
        expect(&lines, "button 0 1")?;
        // The other thumb, at the same time: all the way to the left, and farther.
        touch(&browser, "touchStart", &[a, (x - 10.0, y)]).await?;
        touch(&browser, "touchMove", &[a, (x - 100.0, y)]).await?;
        expect(&lines, "axis 0 -32768")?;
        touch(&browser, "touchEnd", &[]).await?;
        wait_for_line(&lines, |line| (line == "button 0 0").then_some(()))?;
        browser.run(switch).await?;
        wait_for_line(&lines, |line| (line == "removed").then_some(()))?;
        browser.close().await
    });
}

#[test]
fn no_pad_is_drawn_where_the_desktop_has_none() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let desktop =
            Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false"), ("EGLDESKTOP_GAMEPADS", "none")])?;
        let browser = Chromium::start().await?;
        browser.resize(844, 390, true).await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        let shown = "return [...document.querySelectorAll('.action.touch-only')].filter((one) => !one.hidden)
                         .map((one) => one.textContent).join()";
        browser.wait_for(&format!("const shown = (() => {{ {shown} }})(); return shown === 'Keyboard'")).await?;
        browser.close().await
    });
}
