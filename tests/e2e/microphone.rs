//! Programs on the desktop hear who controls it, where that is allowed.

use std::time::Instant;

use anyhow::{Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::make_link;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::pulse;
use egldesktop_tests::recorder::Recorder;
use egldesktop_tests::xvfb::Xvfb;

/// Whether the page has a button for it.
const BUTTON: &str = "return !document.querySelector('.action.microphone').hidden";
const CLICK: &str = "document.querySelector('.action.microphone').click()";
const IS_ON: &str = "return document.documentElement.dataset.microphone === 'on'";
const IS_OFF: &str = "return document.documentElement.dataset.microphone === 'off'";

fn desktop(xvfb: &Xvfb) -> Result<Desktop> {
    Desktop::start(&[("DISPLAY", &xvfb.display), ("SELKIES_MICROPHONE_ENABLED", "true")])
}

#[test]
fn a_program_hears_who_controls_the_desktop() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let folder = tempfile::tempdir()?;
        // One for each process.
        let log = folder.path().join("%p");
        let desktop = Desktop::start(&[
            ("DISPLAY", &xvfb.display),
            ("SELKIES_MICROPHONE_ENABLED", "true"),
            ("GST_DEBUG", "rtpsession:WARNING"),
            ("GST_DEBUG_FILE", &log.display().to_string()),
        ])?;
        let browser = Chromium::start_with_microphone().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for(BUTTON).await?;
        // Nobody records it, and so it costs nothing.
        let deadline = Instant::now() + PATIENCE;
        while !pulse::suspended(&desktop.pulse_server())?.contains(&"egldesktop-microphone".to_owned()) {
            ensure!(Instant::now() < deadline, "it works for nobody");
            browser.next_video_frame().await?;
        }
        // The first packets may come before the elements know of each other's latency.
        let warnings = || -> Result<usize> {
            let logs = std::fs::read_dir(folder.path())?;
            logs.map(|log| Ok(std::fs::read_to_string(log?.path())?.matches("running time").count())).sum()
        };
        let at_first = warnings()?;
        let recorder = Recorder::start(&desktop.pulse_server())?;
        // Nothing is sent before the user says so; and off is off, whatever was on its way.
        recorder.wait_for(false, 100).await?;
        for _ in 0..2 {
            browser.run(CLICK).await?;
            browser.wait_for(IS_ON).await?;
            recorder.wait_for(true, 10).await?;
            browser.run("document.querySelector('.microphone-chip').click()").await?;
            browser.wait_for(IS_OFF).await?;
            // Longer than from one beep to the next.
            recorder.wait_for(false, 150).await?;
        }
        assert_eq!(warnings()?, at_first, "there is one for each packet");
        // Whoever takes control has the floor.
        browser.run(CLICK).await?;
        recorder.wait_for(true, 10).await?;
        let mut other = Viewer::start(&desktop.address, PASSWORD).await?;
        other.wait_for_control(true).await?;
        browser.wait_for(IS_OFF).await?;
        assert_eq!(browser.run(BUTTON).await?, false);
        recorder.wait_for(false, 150).await?;
        browser.close().await
    });
}

#[test]
fn who_only_watches_has_no_microphone() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = desktop(&xvfb)?;
        let link = make_link(&desktop.address, (USER, PASSWORD), false).await?;
        let browser = Chromium::start_with_microphone().await?;
        browser.open_url(&format!("http://{}/join#{link}", desktop.address)).await?;
        browser.wait_for("return document.documentElement.dataset.control === 'false'").await?;
        assert_eq!(browser.run(BUTTON).await?, false);
        browser.close().await
    });
}

#[test]
fn nobody_is_heard_unless_the_operator_allows_it() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display)])?;
        let browser = Chromium::start_with_microphone().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for("return document.documentElement.dataset.control === 'true'").await?;
        assert_eq!(browser.run(BUTTON).await?, false);
        // There is nothing to record but what the desktop plays.
        assert_eq!(pulse::sources(&desktop.pulse_server())?, ["output.monitor"]);
        browser.close().await
    });
}
