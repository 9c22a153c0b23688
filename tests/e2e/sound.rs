//! The browser plays what the desktop plays.

use std::time::Instant;

use anyhow::Result;
use egldesktop_tests::PATIENCE;
use egldesktop_tests::browser::{Browser, Driver, heard};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::pulse;
use egldesktop_tests::socket_viewer::{Received, SocketViewer};
use egldesktop_tests::xvfb::Xvfb;
use serde_json::json;

/// A tone on the desktop comes out of the page, by this transport, and silence is told apart from it.
pub(crate) async fn hears_a_tone<D: Driver>(
    browser: Browser<D>,
    transport: &str,
    variables: &[(&str, &str)],
) -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    let desktop = Desktop::start(&[variables, &[("DISPLAY", xvfb.display.as_str())]].concat())?;
    let tone = pulse::play_tone(&desktop.pulse_server())?;
    let page = format!("http://{USER}:{PASSWORD_IN_URL}@{}/?transport={transport}", desktop.address);
    browser.open_url(&page).await?;
    browser.wait_for_transport(transport).await?;
    browser.wait_for(&heard("Math.abs(frequency - 440) < 15 && level > -40")).await?;
    drop(tone);
    browser.wait_for(&heard("level < -60")).await?;
    browser.close().await
}

#[test]
fn a_tone_is_heard() {
    isolated(async || hears_a_tone(Chromium::start().await?, "webrtc", &[]).await);
}

/// What stands behind is heard in two speakers as well: by WebRTC, whose answer has to take it, and by WebCodecs.
async fn hears_what_is_behind(transport: &str) -> Result<()> {
    let xvfb = Xvfb::start(640, 480)?;
    let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("SELKIES_AUDIO_CHANNELS", "6")])?;
    let _tone = pulse::play_tone_behind(&desktop.pulse_server())?;
    let browser = Chromium::start().await?;
    let page = format!("http://{USER}:{PASSWORD_IN_URL}@{}/?transport={transport}", desktop.address);
    browser.open_url(&page).await?;
    browser.wait_for_transport(transport).await?;
    browser.wait_for(&heard("Math.abs(frequency - 440) < 15 && level > -40")).await?;
    browser.close().await
}

#[test]
fn surround_by_webrtc() {
    isolated(async || hears_what_is_behind("webrtc").await);
}

#[test]
fn surround_by_websocket() {
    isolated(async || hears_what_is_behind("websocket").await);
}

/// Only what Opus makes with its part for voice (configurations 0 to 15: RFC 6716, 3.1) has copies of lost packets.
#[test]
fn sound_that_losses_are_expected_of_has_copies() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        for (loss, has_copies) in [("0", false), ("10", true)] {
            let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("SELKIES_AUDIO_PACKETLOSS_PERCENT", loss)])?;
            let _tone = pulse::play_tone(&desktop.pulse_server())?;
            let mut viewer = SocketViewer::start(&desktop.address, json!({ "media": ["video", "audio"] })).await?;
            // Silence is a packet of a few bytes, whatever it is made by.
            let configuration = viewer.find(|received| match received {
                Received::Frame { video: false, data, .. } if data.len() > 50 => Some(data[0] >> 3),
                _ => None,
            });
            assert_eq!(configuration.await? < 16, has_copies, "{loss} %");
        }
        Ok(())
    });
}

/// A viewer of picture and sound.
async fn listener(desktop: &Desktop) -> Result<Viewer> {
    let meta = json!({ "media": ["video", "audio"] });
    Viewer::start_with(&desktop.address, "/webrtc/signalling/", Some((USER, PASSWORD)), meta).await
}

#[test]
fn nothing_is_recorded_while_nobody_listens() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display)])?;
        let server = desktop.pulse_server();
        let spectator = Viewer::start(&desktop.address, PASSWORD).await?;
        spectator.wait_for_frames(1).await?;
        assert_eq!(pulse::recorders(&server)?, 0);
        for _ in 0..2 {
            let listener = listener(&desktop).await?;
            listener.wait_for_sound(1).await?;
            assert_eq!(pulse::recorders(&server)?, 1);
            drop(listener);
            let deadline = Instant::now() + PATIENCE;
            while pulse::recorders(&server)? > 0 {
                assert!(Instant::now() < deadline, "it records on");
                spectator.wait_for_frames(1).await?;
            }
        }
        Ok(())
    });
}

#[test]
fn sound_comes_and_goes_with_its_server() {
    isolated(async || {
        add_address()?;
        let folder = tempfile::tempdir()?;
        let xvfb = Xvfb::start(640, 480)?;
        let address = pulse::address(folder.path());
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("PULSE_SERVER", &address)])?;
        let listener = listener(&desktop).await?;
        listener.wait_for_frames(2).await?;
        for _ in 0..2 {
            let server = pulse::start_server(folder.path())?;
            listener.wait_for_sound(10).await?;
            drop(server);
            listener.wait_for_frames(2).await?;
        }
        assert!(!listener.has_ended());
        Ok(())
    });
}

#[test]
fn a_private_sound_server_is_started_again() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display)])?;
        let listener = listener(&desktop).await?;
        listener.wait_for_sound(1).await?;
        desktop.kill_child("pulseaudio")?;
        // Those that were on their way, and those of the next server.
        listener.wait_for_sound(100).await
    });
}
