//! What the user does in the page reaches the X clients.

use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::Seen;

use crate::scene::Scene;

/// ASCII with both levels, and what the server's layout (us) does not have: German, French, Cyrillic, Japanese.
const TEXT: &str = "Hello, World_42~ßéЯ日";

#[test]
fn mouse_and_keyboard() {
    isolated(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Chromium::start().await?, (1280, 720), &[]).await?;

        browser.click(400, 300).await?;
        painter.wait_for(|seen| match seen {
            Seen::Motion(x, y) if x.abs_diff(400) <= 1 && y.abs_diff(300) <= 1 => Some(()),
            _ => None,
        })?;
        painter.wait_for_seen(&Seen::Button(1, true))?;
        painter.wait_for_seen(&Seen::Button(1, false))?;

        // Down is button 5, up is button 4.
        browser.wheel(400, 300, 300).await?;
        for _ in 0..3 {
            painter.wait_for_seen(&Seen::Button(5, true))?;
        }
        browser.wheel(400, 300, -100).await?;
        painter.wait_for_seen(&Seen::Button(4, true))?;

        browser.type_text(TEXT).await?;
        assert_eq!(painter.typed(TEXT.chars().count())?, TEXT);

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
        painter.wait_for(|seen| match seen {
            Seen::Motion(x, y) if x.abs_diff(400) <= 1 && y.abs_diff(300) <= 1 => Some(()),
            _ => None,
        })?;
        painter.wait_for_seen(&Seen::Button(1, true))?;
        painter.wait_for_seen(&Seen::Button(1, false))?;

        browser.pinch(400, 300, -12).await?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Control_L, true))?;
        painter.wait_for_seen(&Seen::Button(4, true))?;
        painter.wait_for_seen(&Seen::Key(xkeysym::key::Control_L, false))?;
        browser.close().await
    });
}
