//! The browser shows what is on the screen.

use anyhow::Result;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::painter::Painter;
use egldesktop_tests::xvfb::Xvfb;

async fn shows_the_screen(encoder: &str) -> Result<()> {
    let xvfb = Xvfb::start(1280, 720)?;
    let painter = Painter::start(&xvfb.display)?;
    let variables = [("DISPLAY", xvfb.display.as_str()), ("WEBRTC_ENCODER", encoder), ("ENABLE_AUDIO", "false")];
    let desktop = Desktop::start(&variables)?;
    let browser = Chromium::start().await?;
    browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
    let size = browser.run("const v = document.querySelector('video'); return [v.videoWidth, v.videoHeight]").await?;
    assert_eq!(size, serde_json::json!([1280, 720]));
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
fn vp8enc() {
    isolated(async || shows_the_screen("vp8enc").await);
}
