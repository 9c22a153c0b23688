//! The browser shows what is on the screen.

use std::process::Command;

use anyhow::Result;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::Painter;
use egldesktop_tests::process::Process;
use egldesktop_tests::xvfb::Xvfb;

async fn shows_the_screen(encoder: &str) -> Result<()> {
    let xvfb = Xvfb::start(1280, 720)?;
    let painter = Painter::start(&xvfb.display)?;
    let variables = [("DISPLAY", xvfb.display.as_str()), ("WEBRTC_ENCODER", encoder), ("ENABLE_AUDIO", "false")];
    let desktop = Desktop::start(&variables)?;
    let browser = Chromium::start().await?;
    browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
    // Not at once: the page may be changing from its WebSocket to WebRTC.
    let size = "const v = document.querySelector('video'); return v.videoWidth === 1280 && v.videoHeight === 720";
    browser.wait_for(size).await?;
    browser.wait_for_picture(painter.patches()).await?;
    // The panel tells what it is sent with.
    browser.run("document.querySelector('[aria-controls]').click()").await?;
    browser.wait_for(&format!("return document.body.innerText.includes('{encoder}')")).await?;
    browser.close().await
}

#[test]
fn x264enc() {
    isolated(async || shows_the_screen("x264enc").await);
}

#[test]
fn openh264enc() {
    isolated(async || shows_the_screen("openh264enc").await);
}

#[test]
fn vp8enc() {
    isolated(async || shows_the_screen("vp8enc").await);
}

#[test]
fn vp9enc() {
    isolated(async || shows_the_screen("vp9enc").await);
}

/// Debian's Chromium does not decode H.265.
#[test]
fn x265enc() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("WEBRTC_ENCODER", "x265enc"), ("ENABLE_AUDIO", "false")];
        let desktop = Desktop::start(&variables)?;
        let viewer =
            Viewer::start_decoding(&desktop.address, PASSWORD, "rtph265depay ! h265parse ! libde265dec").await?;
        viewer.wait_for_picture(painter.patches()).await
    });
}

/// Its keyframes come with the frames, and not when they are asked for: so there has to be something that moves.
#[test]
fn av1enc() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let _moves = Process::start(Command::new("xterm").args(["-e", "yes"]).env("DISPLAY", &xvfb.display))?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("WEBRTC_ENCODER", "av1enc"), ("ENABLE_AUDIO", "false")];
        let desktop = Desktop::start(&variables)?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        let painter = Painter::start(&xvfb.display)?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.close().await
    });
}
