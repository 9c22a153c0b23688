//! The same in Firefox: what it sees, does and says differently is found here.

use std::time::Instant;

use anyhow::ensure;
use egldesktop_tests::PATIENCE;
use egldesktop_tests::browser::CONTROL;
use egldesktop_tests::desktop::{PASSWORD_IN_URL, USER};
use egldesktop_tests::firefox::Firefox;
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xclip;
use egldesktop_tests::xvfb::Xvfb;

use crate::scene::{Scene, start_desktop};

/// Every Firefox decodes it; H.264 takes a plug-in, which it downloads from its vendor.
const ENCODER: (&str, &str) = ("WEBRTC_ENCODER", "vp8enc");

/// ASCII with both levels, and what the server's layout (us) does not have.
const TEXT: &str = "Hello, World_42~ßéЯ日";

#[test]
fn it_is_seen_clicked_typed_into_and_measured() {
    isolated(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Firefox::start().await?, (1280, 720), &[ENCODER]).await?;
        browser.wait_for_picture(painter.patches()).await?;

        browser.click(400, 300).await?;
        painter.wait_for(|seen| match seen {
            Seen::Motion(x, y) if x.abs_diff(400) <= 1 && y.abs_diff(300) <= 1 => Some(()),
            _ => None,
        })?;
        painter.wait_for_seen(&Seen::Button(1, true))?;
        painter.wait_for_seen(&Seen::Button(1, false))?;
        browser.wheel(400, 300, 300).await?;
        for _ in 0..3 {
            painter.wait_for_seen(&Seen::Button(5, true))?;
        }
        browser.type_text(TEXT).await?;
        assert_eq!(painter.typed(TEXT.chars().count())?, TEXT);

        browser.run("document.querySelector('[aria-controls]').click()").await?;
        let row = "const row = (name) => [...document.querySelectorAll('.stats dt')]
                       .find((term) => term.textContent === name).nextSibling.textContent;";
        for (name, value) in [("Codec", "VP8"), ("Resolution", "1280 × 720"), ("Encoder", "vp8enc")] {
            browser.wait_for(&format!("{row} return row('{name}') === '{value}'")).await?;
        }
        browser.wait_for(&format!("{row} return /^\\d+ %$/.test(row('CPU')) && / GiB$/.test(row('Memory'))")).await?;
        browser.save_screenshot("firefox-panel").await?;
        browser.close().await
    });
}

#[test]
fn the_screen_follows_the_window() {
    isolated(async || {
        let xvfb = Xvfb::start(1920, 1200)?;
        let desktop = start_desktop(&xvfb, &[ENCODER, ("SELKIES_ENABLE_RESIZE", "true")])?;
        let browser = Firefox::start().await?;
        browser.set_page_size(1001, 700).await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        for (width, height) in [(1000, 700), (1300, 600)] {
            browser.set_page_size(width, height).await?;
            let follows = format!(
                "const {{ videoWidth, videoHeight }} = document.querySelector('video');
                 return videoWidth === {width} && videoHeight === {height}"
            );
            browser.wait_for(&follows).await?;
        }
        let painter = Painter::start(&xvfb.display)?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.close().await
    });
}

#[test]
fn both_clipboards_are_one() {
    isolated(async || {
        let Scene { browser, painter, xvfb, desktop: _desktop } =
            Scene::open(Firefox::start().await?, (640, 480), &[ENCODER]).await?;
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

            // It takes a key or a click of the user before it lets a page write.
            let theirs = format!("desktop {pair} 日");
            std::fs::write(&file, &theirs)?;
            let _owner = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
            let deadline = Instant::now() + PATIENCE;
            while browser.resolve("navigator.clipboard.readText()").await? != theirs.as_str() {
                ensure!(Instant::now() < deadline, "{theirs:?} does not reach the page");
                browser.type_text("x").await?;
            }
        }
        browser.close().await
    });
}

#[test]
fn it_comes_back_after_the_server_was_killed() {
    isolated(async || {
        let Scene { browser, painter, xvfb, desktop: mut first } =
            Scene::open(Firefox::start().await?, (1280, 720), &[ENCODER]).await?;
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
    isolated(async || {
        let Scene { browser, painter, xvfb: _xvfb, desktop: _desktop } =
            Scene::open(Firefox::start().await?, (1280, 720), &[("WEBRTC_ENCODER", "x264enc")]).await?;
        browser.wait_for("return document.documentElement.dataset.transport === 'websocket'").await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.close().await
    });
}
