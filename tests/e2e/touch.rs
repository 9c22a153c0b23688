//! Fingers on the page, and the keys that phones lack.

use anyhow::Result;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

/// Fingers at these places of the page; `kind` is that of the event.
pub(crate) async fn touch(browser: &Chromium, kind: &str, fingers: &[(f64, f64)]) -> Result<()> {
    let points: Vec<_> =
        fingers.iter().enumerate().map(|(id, (x, y))| json!({ "x": x, "y": y, "id": id, "force": 1 })).collect();
    browser.devtools("Input.dispatchTouchEvent", json!({ "type": kind, "touchPoints": points })).await?;
    Ok(())
}

fn near(seen: &Seen, x: i16, y: i16) -> Option<()> {
    matches!(seen, Seen::Motion(at_x, at_y) if at_x.abs_diff(x) <= 4 && at_y.abs_diff(y) <= 4).then_some(())
}

#[test]
fn a_phone_clicks_scrolls_enlarges_and_presses_shortcuts() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let browser = Chromium::start().await?;
        browser.resize(640, 800, true).await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;

        let place = browser.place(400, 300).await?;
        touch(&browser, "touchStart", &[place]).await?;
        touch(&browser, "touchEnd", &[]).await?;
        painter.wait_for(|seen| near(seen, 400, 300))?;
        painter.wait_for_seen(&Seen::Button(1, true))?;
        painter.wait_for_seen(&Seen::Button(1, false))?;

        // Two fingers that spread enlarge the picture, and what is touched then is where it is seen.
        let (x, y) = place;
        touch(&browser, "touchStart", &[(x - 20.0, y), (x + 20.0, y)]).await?;
        for distance in [40.0, 60.0, 80.0] {
            touch(&browser, "touchMove", &[(x - distance, y), (x + distance, y)]).await?;
        }
        touch(&browser, "touchEnd", &[]).await?;
        browser.wait_for("return /scale\\((2|3)/.test(document.querySelector('video').style.transform)").await?;
        let place = browser.place(420, 310).await?;
        touch(&browser, "touchStart", &[place]).await?;
        touch(&browser, "touchEnd", &[]).await?;
        painter.wait_for(|seen| near(seen, 420, 310))?;
        painter.wait_for_seen(&Seen::Button(1, true))?;
        painter.wait_for_seen(&Seen::Button(1, false))?;

        // Ctrl in the bar holds for the next key, which an on-screen keyboard sends as text.
        browser.run("document.querySelector('.action.touch-only').click()").await?;
        browser.run("document.querySelector('#keybar .key').click()").await?;
        painter.wait_for_seen(&Seen::Key(0xffe3, true))?;
        browser.insert_text("c").await?;
        painter.wait_for_seen(&Seen::Key(u32::from('c'), true))?;
        painter.wait_for_seen(&Seen::Key(0xffe3, false))?;

        // As a trackpad: the pointer moves from where it is.
        browser.run("localStorage.setItem('egldesktop.touch', '\"trackpad\"')").await?;
        touch(&browser, "touchStart", &[(200.0, 700.0)]).await?;
        for step in 1..=10_i16 {
            touch(&browser, "touchMove", &[(200.0 + f64::from(step), 700.0)]).await?;
        }
        touch(&browser, "touchEnd", &[]).await?;
        painter.wait_for(|seen| matches!(seen, Seen::Motion(..)).then_some(()))?;
        browser.close().await
    });
}
