//! The same in Firefox: what it sees, does and says differently is found here.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::browser::CONTROL;
use egldesktop_tests::firefox::Firefox;
use egldesktop_tests::hands::Hands;
use egldesktop_tests::namespace::routed;
use egldesktop_tests::painter::Seen;
use egldesktop_tests::window_manager;
use egldesktop_tests::xclip;
use egldesktop_tests::xvfb::Xvfb;
use xkeysym::key;

use crate::input::clicks_and_types;
use crate::reconnect::survives_ten_seconds_without_network;
use crate::scene::{Scene, start_desktop};
use crate::screen::follows_the_window;
use crate::sound::hears_a_tone;

/// Every Firefox decodes it; H.264 takes a plug-in, which it downloads from its vendor.
const ENCODER: (&str, &str) = ("WEBRTC_ENCODER", "vp8enc");
/// After so long, a movement that has led to nothing is made once more.
const AGAIN: Duration = Duration::from_millis(500);

#[test]
fn it_is_seen_clicked_typed_into_and_measured() {
    routed(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Firefox::start().await?, (1280, 720), &[ENCODER]).await?;
        browser.wait_for_transport("webrtc").await?;
        browser.wait_for_picture(painter.patches()).await?;
        clicks_and_types(&browser, &painter).await?;

        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let row = "const row = (name) => [...document.querySelectorAll('.stats dt')]
                       .find((term) => term.textContent === name).nextSibling.textContent;";
        for (name, value) in
            [("Connection", "Direct · UDP"), ("Codec", "VP8"), ("Resolution", "1280 × 720"), ("Encoder", "vp8enc")]
        {
            browser.wait_for(&format!("{row} return row('{name}') === '{value}'")).await?;
        }
        browser.wait_for(&format!("{row} return /^\\d+ %$/.test(row('CPU')) && / GiB$/.test(row('Memory'))")).await?;
        // Firefox knows the time of a frame by what the server tells of its clock.
        browser.wait_for("return /^\\d/.test(document.querySelector('.latency strong').innerText)").await?;
        browser.save_screenshot("firefox-panel").await?;
        browser.close().await
    });
}

/// On a screen with a window manager: without the focus, Firefox gives a page neither the whole screen nor the pointer. The
/// input is that of a person, not of a WebDriver.
#[test]
fn it_fills_the_screen_and_captures_the_pointer() {
    routed(async || {
        const SCREEN: (u16, u16) = (1400, 1000);
        let screen = Xvfb::start(SCREEN.0.into(), SCREEN.1.into())?;
        let _manager = window_manager::start(&screen.display)?;
        let hands = Hands::new(&screen.display)?;
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Firefox::start_on(&screen.display).await?, (1280, 720), &[ENCODER]).await?;
        browser.wait_for_transport("webrtc").await?;
        // Where a pixel of the desktop is on the screen of the browser.
        let place = async |x: u32, y: u32| -> Result<(i16, i16)> {
            let (left, top) = browser.place(x, y).await?;
            let corner = browser.run("return [mozInnerScreenX, mozInnerScreenY]").await?;
            let corner = |axis: usize| corner[axis].as_f64().context("no place on the screen");
            Ok(((left + corner(0)?) as i16, (top + corner(1)?) as i16))
        };
        let (x, y) = place(400, 300).await?;
        hands.point(x, y)?;
        hands.click()?;
        painter.wait_for_seen(&Seen::Button(1, true))?;
        browser.wait_for("return document.hasFocus() && document.activeElement.id === 'keys'").await?;

        let shortcut = [key::Control_L, key::Shift_L, key::f];
        for full in [true, false, true] {
            hands.press(&shortcut)?;
            browser.wait_for(&format!("return (document.fullscreenElement !== null) === {full}")).await?;
        }
        let (width, height) = SCREEN;
        browser.wait_for(&format!("return innerWidth === {width} && innerHeight === {height}")).await?;
        browser.wait_for_picture(painter.patches()).await?;
        let (x, y) = place(640, 360).await?;
        hands.point(x, y)?;
        for key in [key::Control_L, key::Shift_L] {
            hands.key(key, true)?;
        }
        hands.click()?;
        browser.wait_for("return document.pointerLockElement?.id === 'stage'").await?;
        for key in [key::Control_L, key::Shift_L] {
            hands.key(key, false)?;
        }
        hands.press(&[key::k])?;
        painter.wait_for_seen(&Seen::Key(u32::from('k'), false))?;
        // By steps, as from a mouse: 20 to the right on this screen, and less in pixels of the desktop.
        let mut seen = Vec::new();
        while seen.len() < 3 {
            // Firefox takes a movement for its own, by which it puts the pointer into the middle, while it does that.
            let moved = |seen: &Seen| match seen {
                Seen::Motion(x, _) => Some(*x),
                _ => None,
            };
            hands.push(20, 0)?;
            seen.push(painter.wait_with(AGAIN, || hands.push(20, 0), moved)?);
        }
        assert!(seen.is_sorted() && seen[0] < seen[2], "{seen:?}");
        // Esc ends it, and goes to nobody.
        hands.press(&[key::Escape])?;
        browser.wait_for("return document.pointerLockElement === null").await?;
        browser.close().await
    });
}

#[test]
fn a_tone_is_heard() {
    routed(async || hears_a_tone(Firefox::start().await?, "webrtc", &[ENCODER]).await);
}

#[test]
fn a_tone_is_heard_by_websocket() {
    routed(async || hears_a_tone(Firefox::start().await?, "websocket", &[ENCODER]).await);
}

#[test]
fn the_screen_follows_the_window() {
    routed(async || follows_the_window(Firefox::start().await?, &[ENCODER]).await);
}

#[test]
fn the_network_is_gone_for_ten_seconds() {
    survives_ten_seconds_without_network(Firefox::start, &[ENCODER]);
}

#[test]
fn both_clipboards_are_one() {
    routed(async || {
        let Scene { browser, painter, xvfb, desktop: _desktop } =
            Scene::open(Firefox::start().await?, (640, 480), &[ENCODER]).await?;
        browser.wait_for_transport("webrtc").await?;
        browser.click(320, 240).await?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("content");
        for pair in 0..5 {
            let ours = format!("page {pair} ß");
            browser.resolve(&format!("navigator.clipboard.writeText('{ours}')")).await?;
            browser.press(&[CONTROL, 'v']).await?;
            painter.wait_for_seen(&Seen::Key(u32::from('v'), true))?;
            let pasted = xclip::paste(&xvfb.display, "clipboard", "UTF8_STRING")?;
            assert_eq!(String::from_utf8(pasted)?, ours);

            // It takes a key or a click of the user, not long ago, before it lets a page read or write.
            let theirs = format!("desktop {pair} 日");
            std::fs::write(&file, &theirs)?;
            let _owner = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
            let deadline = Instant::now() + PATIENCE;
            while browser.resolve("navigator.clipboard.readText().catch(() => null)").await? != theirs.as_str() {
                ensure!(Instant::now() < deadline, "{theirs:?} does not reach the page");
                browser.type_text("x").await?;
            }
        }
        browser.close().await
    });
}

#[test]
fn it_comes_back_after_the_server_was_killed() {
    routed(async || {
        let Scene { browser, painter, xvfb, desktop: mut first } =
            Scene::open(Firefox::start().await?, (1280, 720), &[ENCODER]).await?;
        browser.wait_for_transport("webrtc").await?;
        browser.run("window.isTheSamePage = true").await?;
        first.process().signal(rustix::process::Signal::KILL)?;
        browser.wait_for_state("reconnecting").await?;
        browser.wait_for("return !document.querySelector('#still').hidden").await?;
        drop(first);
        let _second = start_desktop(&xvfb, &[ENCODER])?;
        browser.wait_for_state("live").await?;
        browser.next_video_frame().await?;
        browser.next_video_frame().await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.wait_for("return document.documentElement.dataset.control === 'true'").await?;
        browser.type_text("k").await?;
        painter.wait_for_seen(&Seen::Key(u32::from('k'), true))?;
        browser.wait_for("return window.isTheSamePage === true").await?;
        browser.close().await
    });
}

/// Debian's Firefox has no H.264 for WebRTC, but WebCodecs has it.
#[test]
fn h264_comes_by_websocket() {
    routed(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Firefox::start().await?, (1280, 720), &[("WEBRTC_ENCODER", "x264enc")]).await?;
        browser.wait_for_transport("websocket").await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.close().await
    });
}
