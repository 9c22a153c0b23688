//! Who controls the desktop takes another encoder while it runs.

use anyhow::{Context as _, Result};
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::noise::Noise;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::{Value, json};

/// Counts the sessions of the page, and keeps the longest time between two frames that it shows, in milliseconds.
const WATCH: &str = "
    window.longest = 0;
    window.sessions = 0;
    let state = 'live';
    new MutationObserver(() => {
        if (state === 'live' && document.documentElement.dataset.state !== 'live') window.sessions += 1;
        state = document.documentElement.dataset.state;
    }).observe(document.documentElement, { attributeFilter: ['data-state'] });
    let last = performance.now();
    let video;
    const shown = (now) => {
        window.longest = Math.max(window.longest, now - last);
        last = now;
        video.requestVideoFrameCallback(shown);
    };
    // Each session has an element of its own.
    const look = () => {
        const current = document.querySelector('video');
        if (current !== video) {
            video = current;
            video.requestVideoFrameCallback(shown);
        }
        requestAnimationFrame(look);
    };
    look();";

/// The choice in the panel.
const CHOICE: &str = "[...document.querySelectorAll('label')].find((label) => label.innerText.startsWith('Encoder'))\
                      ?.querySelector('select')";

async fn choose(browser: &Chromium, encoder: &str, codec: &str) -> Result<()> {
    browser.run("window.longest = 0").await?;
    let script = format!(
        "const select = {CHOICE}; select.value = '{encoder}'; select.dispatchEvent(new Event('change', {{bubbles: true}}))"
    );
    browser.run(&script).await?;
    let row = |name: &str, text: &str| {
        format!(
            "return [...document.querySelectorAll('dt')].find((name) => name.innerText === '{name}')\
             .nextSibling.innerText.includes('{text}')"
        )
    };
    browser.wait_for(&row("Encoder", encoder)).await?;
    browser.wait_for(&row("Codec", codec)).await?;
    browser.wait_for_state("live").await?;
    browser.wait_for(&format!("return {CHOICE}.value === '{encoder}'")).await?;
    for _ in 0..10 {
        browser.next_video_frame().await?;
    }
    Ok(())
}

#[test]
fn the_page_goes_on_with_another_encoder() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let _noise = Noise::start(&xvfb.display)?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("WEBRTC_ENCODER", "x264enc")];
        let desktop = Desktop::start(&variables)?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.run("document.querySelector('[aria-controls]').click()").await?;
        // They are found once somebody is there.
        browser
            .wait_for(&format!("return [...({CHOICE}?.options ?? [])].some(({{ value }}) => value === 'vp8enc')"))
            .await?;
        browser.run(WATCH).await?;
        for (encoder, codec, sessions) in
            [("vp8enc", "VP8", 1), ("x264enc", "H264", 2), ("openh264enc", "H264", 2), ("x264enc", "H264", 2)]
        {
            choose(&browser, encoder, codec).await.with_context(|| format!("to {encoder}"))?;
            assert_eq!(browser.run("return window.sessions").await?, json!(sessions), "{encoder}");
            let longest = browser.run("return window.longest").await?.as_f64().context("no number")?;
            // A session of its own takes less than a second, where nothing else is busy.
            assert!(longest < 5000.0, "{longest} ms without a frame on the way to {encoder}");
        }
        browser.close().await
    });
}

async fn encoders(viewer: &mut Viewer, current: &str) -> Result<Vec<String>> {
    viewer
        .message(|message| {
            let is_it = message["type"] == "encoders" && message["data"]["current"] == current;
            let list = message["data"]["list"].as_array().filter(|_| is_it)?;
            Some(list.iter().filter_map(|entry| Some(entry["name"].as_str()?.to_owned())).collect())
        })
        .await
}

async fn status(viewer: &mut Viewer, part: &str) -> Result<()> {
    viewer.message(|message: &Value| message["data"]["status"].as_str()?.contains(part).then_some(())).await
}

#[test]
fn a_session_outlives_its_encoder_and_the_choice_is_kept() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("conf.json");
        let file = file.to_str().context("not UTF-8")?;
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("EGLDESKTOP_ENCODERS", "x264enc,openh264enc,vp8enc,rav1enc"),
            ("SELKIES_USER_CONFIG_FILE", file),
        ];
        let desktop = Desktop::start(&variables)?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.wait_for_control(true).await?;
        // One of them cannot work, and is not offered.
        assert_eq!(encoders(&mut viewer, "x264enc").await?, ["openh264enc", "vp8enc", "x264enc"]);
        viewer.send("_encoder,x265enc").await?;
        status(&mut viewer, "x265enc is none of the encoders of this desktop").await?;

        // Nothing moves on the screen: the picture comes all the same.
        viewer.send("_encoder,openh264enc").await?;
        viewer.message(|message| (message["data"]["action"] == "encoder,openh264enc").then_some(())).await?;
        let before = viewer.frames();
        viewer.wait_for_frames(2).await?;
        assert!(!viewer.has_ended() && viewer.frames() > before);

        // A codec that this session does not have: the server asks for another one.
        viewer.send("_encoder,vp8enc").await?;
        let end = viewer.wait_for_end().await?;
        assert_eq!(end.map(|(code, _)| code), Some(1012));
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.message(|message| (message["data"]["action"] == "encoder,vp8enc").then_some(())).await?;
        viewer.wait_for_frames(2).await?;
        drop((viewer, desktop));

        // It holds at the next start, and there is no choice where the operator leaves none.
        let mut variables = variables.to_vec();
        variables[2].1 = "none";
        let desktop = Desktop::start(&variables)?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.message(|message| (message["data"]["action"] == "encoder,vp8enc").then_some(())).await?;
        viewer.wait_for_control(true).await?;
        viewer.send("_encoder,x264enc").await?;
        status(&mut viewer, "does not change its encoder").await
    });
}
