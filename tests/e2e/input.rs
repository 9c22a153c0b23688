//! What the user does in the page reaches the X clients.

use std::cell::Cell;
use std::time::Instant;

use anyhow::{Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::browser::{Browser, CONTROL, Driver, META, SHIFT};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{PASSWORD_IN_URL, USER};
use egldesktop_tests::keymap::anything_down;
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::{Painter, Seen};

use crate::scene::Scene;

/// ASCII with both levels, and what the server's layout (us) does not have: German, French, Cyrillic, Japanese.
const TEXT: &str = "Hello, World_42~ßéЯ日";

/// A click at (400, 300) arrives.
fn clicked(painter: &Painter) -> Result<()> {
    painter.wait_for(|seen| match seen {
        Seen::Motion(x, y) if x.abs_diff(400) <= 1 && y.abs_diff(300) <= 1 => Some(()),
        _ => None,
    })?;
    painter.wait_for_seen(&Seen::Button(1, true))?;
    painter.wait_for_seen(&Seen::Button(1, false))?;
    Ok(())
}

/// A click, the wheel and a text arrive.
pub(crate) async fn clicks_and_types<D: Driver>(browser: &Browser<D>, painter: &Painter) -> Result<()> {
    browser.click(400, 300).await?;
    clicked(painter)?;

    // Down is button 5, up is button 4.
    browser.wheel(400, 300, 300).await?;
    for _ in 0..3 {
        painter.wait_for_seen(&Seen::Button(5, true))?;
    }
    browser.wheel(400, 300, -100).await?;
    painter.wait_for_seen(&Seen::Button(4, true))?;

    browser.type_text(TEXT).await?;
    assert_eq!(painter.typed(TEXT.chars().count())?, TEXT);
    Ok(())
}

/// Full screen, back and again by keys, and the picture is there.
async fn fills_the_screen<D: Driver>(browser: &Browser<D>, painter: &Painter) -> Result<()> {
    browser.click(400, 300).await?;
    let is_full = |full: bool| format!("return (document.fullscreenElement !== null) === {full}");
    for full in [true, false, true] {
        browser.press(&[CONTROL, SHIFT, 'F']).await?;
        browser.wait_for(&is_full(full)).await?;
    }
    browser.wait_for_picture(painter.patches()).await
}

/// The pointer is captured, moves by what the mouse does, and is released again.
///
/// Not in full screen: there a headless Chromium moves a pointer of its own as well, without end.
async fn captures_the_pointer<D: Driver>(browser: &Browser<D>, painter: &Painter) -> Result<()> {
    browser.click_with(&[CONTROL, SHIFT], 640, 360).await?;
    browser.wait_for("return document.pointerLockElement?.id === 'stage'").await?;
    // What came before.
    browser.type_text("k").await?;
    let before = Cell::new(0);
    painter.wait_for(|seen| {
        if let Seen::Motion(x, _) = seen {
            before.set(*x);
        }
        (*seen == Seen::Key(u32::from('k'), false)).then_some(())
    })?;
    for step in 1..=4 {
        browser.point(640 + 20 * step, 360).await?;
    }
    // Browsers differ in whether the first movement counts.
    painter.wait_for(|seen| matches!(seen, Seen::Motion(x, _) if *x >= before.get() + 60).then_some(()))?;
    browser.run("document.exitPointerLock()").await?;
    browser.wait_for("return document.pointerLockElement === null").await?;
    browser.click(200, 100).await?;
    painter.wait_for(|seen| {
        matches!(seen, Seen::Motion(x, y) if x.abs_diff(200) <= 2 && y.abs_diff(100) <= 2).then_some(())
    })
}

#[test]
fn mouse_and_keyboard() {
    isolated(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (1280, 720), &[]).await?;
        clicks_and_types(&browser, &painter).await?;
        // As an input method commits it.
        browser.insert_text("日本 ß").await?;
        assert_eq!(painter.typed(4)?, "日本 ß");
        browser.close().await
    });
}

#[test]
fn a_key_held_by_a_viewer_that_leaves_goes_up() {
    isolated(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (1280, 720), &[]).await?;
        browser.click(400, 300).await?;
        browser.hold_key('k').await?;
        painter.wait_for_seen(&Seen::Key(u32::from('k'), true))?;
        browser.close().await?;
        painter.wait_for_seen(&Seen::Key(u32::from('k'), false))
    });
}

#[test]
fn a_finger_clicks_and_a_pinch_zooms() {
    isolated(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (1280, 720), &[]).await?;
        browser.tap(400, 300).await?;
        clicked(&painter)?;

        browser.pinch(400, 300, -12).await?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Control_L, true))?;
        painter.wait_for_seen(&Seen::Button(4, true))?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Control_L, false))?;
        browser.close().await
    });
}

#[test]
fn full_screen_and_the_captured_pointer() {
    isolated(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (1280, 720), &[]).await?;
        captures_the_pointer(&browser, &painter).await?;
        fills_the_screen(&browser, &painter).await?;
        browser.close().await
    });
}

#[test]
fn command_is_control_on_a_mac_that_wants_it() {
    isolated(async || {
        let browser = Chromium::start().await?;
        browser.prepare("Object.defineProperty(navigator, 'platform', { get: () => 'MacIntel' })").await?;
        let Scene { browser, painter, xvfb, desktop } = Scene::open(browser, (1280, 720), &[]).await?;
        browser.click(400, 300).await?;
        browser.press(&[META, 'c']).await?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Super_L, true))?;
        painter.wait_for_seen(&Seen::Key(u32::from('c'), true))?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Super_L, false))?;

        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let option = "[...document.querySelectorAll('label')].find((label) => label.textContent === 'Command is Ctrl')
                          .querySelector('input').click()";
        browser.run(option).await?;
        // It is remembered.
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.click(400, 300).await?;
        browser.press(&[META, 'c']).await?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Control_L, true))?;
        painter.wait_for_seen(&Seen::Key(u32::from('c'), true))?;
        painter.wait_for_seen(&Seen::Key(u32::from('c'), false))?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Control_L, false))?;

        let (connection, _) = x11rb::connect(Some(&xvfb.display))?;
        let deadline = Instant::now() + PATIENCE;
        while anything_down(&connection)? {
            ensure!(Instant::now() < deadline, "a key stays down");
            browser.next_video_frame().await?;
        }
        browser.close().await
    });
}
