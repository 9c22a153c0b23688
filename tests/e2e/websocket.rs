//! Without WebRTC: where no UDP passes, until there is WebRTC, and after it has broken. And what others than our page may do
//! to such a connection.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::{Chromium, heard};
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::firewall::{Firewall, MEDIA_PORTS};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::{Viewer, hello, open_socket};
use egldesktop_tests::noise::Noise;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::socket_viewer::{Received, SocketViewer};
use egldesktop_tests::xvfb::Xvfb;
use egldesktop_tests::{pulse, xclip};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

/// What the page calls itself, in the tests that play it.
const PAGE: &str = "0123456789abcdef0123456789abcdef";

async fn types(browser: &Chromium, painter: &Painter) -> Result<()> {
    browser.wait_for("return document.documentElement.dataset.control === 'true'").await?;
    browser.type_text("k").await?;
    painter.wait_for_seen(&Seen::Key(u32::from('k'), true))?;
    painter.wait_for_seen(&Seen::Key(u32::from('k'), false))
}

#[test]
fn only_tcp_to_one_port_passes() {
    isolated(async || {
        let _firewall = Firewall::shut()?;
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let top = tempfile::tempdir()?;
        let shared = top.path().join("shared");
        let desktop = Desktop::start(&[
            ("DISPLAY", &xvfb.display),
            ("SELKIES_WEBRTC_PORT_RANGE", MEDIA_PORTS),
            ("SELKIES_FILE_MANAGER_PATH", shared.to_str().context("no path")?),
        ])?;
        let tone = pulse::play_tone(&desktop.pulse_server())?;
        let browser = Chromium::start().await?;
        let opened = Instant::now();
        // Not until WebRTC has given up as well.
        browser.goto(&format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address)).await?;
        browser.wait_for_state("live").await?;
        println!("live after {:?}", opened.elapsed());
        browser.wait_for("return document.documentElement.dataset.settled === 'true'").await?;
        browser.wait_for_transport("websocket").await?;
        browser.wait_for_picture(painter.patches()).await?;
        types(&browser, &painter).await?;
        browser.click(100, 50).await?;
        painter.wait_for_seen(&Seen::Button(1, true))?;
        browser.wait_for(&heard("Math.abs(frequency - 440) < 15 && level > -40")).await?;
        drop(tone);
        browser.wait_for(&heard("level < -60")).await?;

        browser.allow_clipboard().await?;
        browser.resolve("navigator.clipboard.writeText('Straße')").await?;
        browser.control_and('v').await?;
        painter.wait_for_seen(&Seen::Key(u32::from('v'), true))?;
        assert_eq!(xclip::paste(&xvfb.display, "clipboard", "UTF8_STRING")?, "Straße".as_bytes());
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("content");
        std::fs::write(&file, "日本 ".repeat(100_000))?;
        let _owner = xclip::copy(&xvfb.display, "clipboard", "UTF8_STRING", &file)?;
        let deadline = Instant::now() + PATIENCE;
        while browser.resolve("navigator.clipboard.readText().then((text) => text.length)").await? != 300_000 {
            ensure!(Instant::now() < deadline, "what was copied does not reach the page");
        }

        let sent = top.path().join("sent.txt");
        std::fs::write(&sent, "a file")?;
        browser.wait_for("return !document.querySelector('input[type=file]').closest('.section').hidden").await?;
        browser.choose_file("input[type=file]", &sent).await?;
        browser.wait_for("return document.querySelector('a.transfer-name')?.textContent === 'sent.txt'").await?;
        assert_eq!(std::fs::read_to_string(shared.join("sent.txt"))?, "a file");

        // It says why, once WebRTC has given up.
        browser.run("document.querySelector('.handle').click()").await?;
        browser.wait_for("return document.querySelector('#panel').innerText.includes('WebSocket')").await?;
        browser.wait_for("return document.querySelector('#panel').innerText.includes('WebRTC finds no way')").await?;
        browser.wait_for_picture(painter.patches()).await?;
        browser.close().await
    });
}

#[test]
fn webrtc_breaks_and_comes_back() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = Desktop::start(&[
            ("DISPLAY", &xvfb.display),
            ("ENABLE_AUDIO", "false"),
            ("SELKIES_WEBRTC_PORT_RANGE", MEDIA_PORTS),
        ])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for_transport("webrtc").await?;
        types(&browser, &painter).await?;
        // What the page shows meanwhile, and how long the picture stands.
        browser
            .run(
                "window.states = [];
                 new MutationObserver(() => window.states.push(document.documentElement.dataset.state))
                     .observe(document.documentElement, { attributeFilter: ['data-state'] });
                 window.stood = 0;
                 let shown, frames, since = performance.now();
                 const look = () => {
                     const video = document.querySelector('video');
                     const { totalVideoFrames } = video.getVideoPlaybackQuality();
                     const now = performance.now();
                     window.stood = Math.max(window.stood, now - since);
                     if (video !== shown || totalVideoFrames !== frames) [shown, frames, since] = [video, totalVideoFrames, now];
                     requestAnimationFrame(look);
                 };
                 look();",
            )
            .await?;

        let noise = Noise::start(&xvfb.display)?;
        for _ in 0..100 {
            browser.next_video_frame().await?;
        }
        let before = browser.run("return window.stood").await?;
        let firewall = Firewall::shut()?;
        browser.wait_for_transport("websocket").await?;
        for _ in 0..10 {
            browser.next_video_frame().await?;
        }
        println!("the picture stood {} ms, before {before} ms", browser.run("return window.stood").await?);
        drop(noise);
        browser.wait_for_picture(painter.patches()).await?;
        types(&browser, &painter).await?;

        drop(firewall);
        let open = Instant::now();
        browser.wait_for_transport("webrtc").await?;
        println!("WebRTC again after {:?}", open.elapsed());
        types(&browser, &painter).await?;
        browser.next_video_frame().await?;
        browser.wait_for_picture(painter.patches()).await?;
        // Nothing covered the desktop at any time.
        assert_eq!(browser.run("return window.states").await?, json!([]));
        browser.close().await
    });
}

#[test]
fn the_user_and_the_server_choose() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let painter = Painter::start(&xvfb.display)?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false")];
        let browser = Chromium::start().await?;
        {
            let desktop = Desktop::start(&variables)?;
            let page = format!("http://{USER}:{PASSWORD_IN_URL}@{}/", desktop.address);
            for transport in ["websocket", "webrtc"] {
                browser.open_url(&format!("{page}?transport={transport}")).await?;
                browser.wait_for_transport(transport).await?;
                types(&browser, &painter).await?;
                browser.wait_for_picture(painter.patches()).await?;
            }
        }
        let desktop = Desktop::start(&[&variables[..], &[("EGLDESKTOP_TRANSPORT", "websocket")]].concat())?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.wait_for_transport("websocket").await?;
        types(&browser, &painter).await?;
        // And it keeps to that.
        let (mut socket, _) = open_socket(&desktop.address, "/ws", Some((USER, PASSWORD))).await?;
        socket.send(Message::text(hello(&json!({ "media": ["video"] })))).await?;
        let answers = [socket.next().await.context("closed")??, socket.next().await.context("closed")??];
        ensure!(answers[1].to_text()?.starts_with("ERROR this desktop does not offer"), "{answers:?}");
        browser.close().await
    });
}

#[test]
fn a_page_with_two_connections_is_one_viewer() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(320, 240)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop =
            Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false"), ("EGLDESKTOP_CONTROL", "first")])?;
        let mut first = SocketViewer::start(&desktop.address, json!({ "page": PAGE })).await?;
        first.wait_for_control(true).await?;
        first.wait_for_frames(2).await?;
        let login = Some((USER, PASSWORD));
        let mut second =
            Viewer::start_with(&desktop.address, "/webrtc/signalling/", login, json!({ "page": PAGE })).await?;
        second.wait_for_frames(1).await?;
        assert_eq!(second.wait_for_control(false).await?["count"], 1);
        first.send("kd,97").await?;
        painter.wait_for_seen(&Seen::Key(u32::from('a'), true))?;

        // The other one takes over, with control, and the key that the first one held goes up.
        second.send("_transport,use").await?;
        assert_eq!(second.wait_for_control(true).await?["count"], 1);
        painter.wait_for_seen(&Seen::Key(u32::from('a'), false))?;
        first.wait_for_control(false).await?;
        second.send("kd,98").await?;
        painter.wait_for_seen(&Seen::Key(u32::from('b'), true))?;

        // It breaks: the one that stands by goes on.
        drop(second);
        assert_eq!(first.wait_for_control(true).await?["count"], 1);
        first.send("kd,99").await?;
        painter.wait_for_seen(&Seen::Key(u32::from('c'), true))
    });
}

#[test]
fn a_reader_that_stops_is_bounded_and_then_shown_out() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let _noise = Noise::start(&xvfb.display)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let mut reader = SocketViewer::start(&desktop.address, json!({})).await?;
        reader.wait_for_frames(30).await?;

        // It reads, and says nothing of it: what it gets is what may be on its way, and then nothing.
        let (mut bytes, mut last) = (0, 0);
        while let Some(received) = reader.next(Duration::from_secs(2)).await? {
            match received {
                Received::Frame { data, sequence, .. } => (bytes, last) = (bytes + data.len(), sequence),
                Received::Text(_) => {}
                Received::End(end) => anyhow::bail!("it ends: {end:?}"),
            }
            // Messages come each second; frames do not.
            if bytes > 2_000_000 {
                anyhow::bail!("{bytes} bytes without a receipt");
            }
            if last > 0 && !more_frames(&mut reader, &mut bytes, &mut last).await? {
                break;
            }
        }
        println!("{bytes} bytes were on their way");

        // It says it: the picture goes on with a keyframe.
        reader.acknowledge(last).await?;
        let begins_with = reader.find(|received| match received {
            Received::Frame { video: true, keyframe, .. } => Some(*keyframe),
            _ => None,
        });
        assert!(begins_with.await?, "frames were left out, and there is no keyframe");
        reader.wait_for_frames(30).await
    });
}

/// Whether frames go on coming within some seconds.
async fn more_frames(reader: &mut SocketViewer, bytes: &mut usize, last: &mut u32) -> Result<bool> {
    let deadline = Instant::now() + Duration::from_secs(3);
    while Instant::now() < deadline {
        if let Some(Received::Frame { data, sequence, .. }) = reader.next(Duration::from_millis(500)).await? {
            (*bytes, *last) = (*bytes + data.len(), sequence);
            return Ok(true);
        }
    }
    Ok(false)
}

#[test]
fn what_is_not_meant_well_ends_one_session_only() {
    isolated(async || {
        let xvfb = Xvfb::start(320, 240)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let mut good = SocketViewer::start(&desktop.address, json!({})).await?;
        good.wait_for_frames(1).await?;
        for (frame, code) in [
            (vec![], 1007),
            (vec![9, 0, 0, 0, 0, 0, 0, 0], 1007),
            (vec![1, 0, 0, 0, 0, 0, 0], 1007),
            (vec![0; 100_000], 1007),
            (vec![0; 1_000_000], 1009),
        ] {
            let mut bad = SocketViewer::start(&desktop.address, json!({ "control": false })).await?;
            // It may have closed already.
            let _ = bad.send_binary(&frame).await;
            let end = bad.wait_for_end().await?;
            ensure!(end.as_ref().is_some_and(|(closed, _)| *closed == code), "{} bytes: {end:?}", frame.len());
        }
        // Receipts for what was never sent, and text of all kinds, say nothing.
        let mut odd = SocketViewer::start(&desktop.address, json!({ "control": false })).await?;
        for sequence in [0, 1, 77, u32::MAX, 1 << 31] {
            odd.acknowledge(sequence).await?;
        }
        for text in ["", "kd,", "_transport,", "_transport,use,use", "\u{0}", "{\"sdp\":1}", &"x".repeat(200_000)] {
            odd.send(text).await?;
        }
        odd.send_binary(&[2, 0, 0, 0, 0, 0, 0, 0]).await?;
        odd.wait_for_frames(2).await?;
        // A codec that the browser lacks is said so, in words.
        let codecs = json!({ "codecs": ["video/H265"], "media": ["video"], "transport": "websocket" });
        let (mut socket, _) = open_socket(&desktop.address, "/ws", Some((USER, PASSWORD))).await?;
        socket.send(Message::text(hello(&codecs))).await?;
        let answers = [socket.next().await.context("closed")??, socket.next().await.context("closed")??];
        ensure!(answers[1].to_text()?.starts_with("ERROR this browser cannot play"), "{answers:?}");

        good.send("kd,97").await?;
        painter.wait_for_seen(&Seen::Key(u32::from('a'), true))?;
        good.wait_for_frames(1).await
    });
}
