//! What is not meant well: it is refused in plain words, costs little, and the running session does not notice.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::desktop::{Desktop, PASSWORD, USER};
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::{Viewer, close_of, hello, open_socket};
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xvfb::Xvfb;
use futures_util::SinkExt as _;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// More than the server takes at a time.
const CONNECTIONS: usize = 1000;
/// What the server may need more for all of them, in kB: an ordinary viewer costs a few hundred.
const MEMORY: u64 = 64 * 1024;

const LOGIN: Option<(&str, &str)> = Some((USER, PASSWORD));

/// The memory that a process has in use, in kB.
fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Sends one frame after the handshake; returns what the server closes with.
async fn closed_for(address: &str, frames: &[String]) -> Result<(u16, String)> {
    let (mut socket, _) = open_socket(address, "/ws", LOGIN).await?;
    for frame in frames {
        // It may have closed already.
        if socket.send(Message::text(frame.clone())).await.is_err() {
            break;
        }
    }
    close_of(&mut socket).await?.context("no close frame")
}

/// What the server says to these bytes, until it closes.
async fn answer_to(address: &str, bytes: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.context("the connection stays open")?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[test]
fn each_mistake_has_its_close_code() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(320, 240)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let greeting = hello(&json!({ "media": ["video"] }));
        let offer = |sdp: &str| json!({ "sdp": { "type": "answer", "sdp": sdp } }).to_string();
        for (frames, code) in [
            (vec!["GET / HTTP/1.1".to_owned()], 1002),
            (vec!["HELLO".to_owned()], 1002),
            (vec!["HELLO 1 !not*base64!".to_owned()], 1002),
            (vec!["HELLO 1 bm90IGpzb24=".to_owned()], 1002),
            (vec!["x".repeat(10_000_000)], 1009),
            (vec![greeting.clone(), "{\"sdp\":".to_owned()], 1007),
            (vec![greeting.clone(), "[".repeat(100_000)], 1007),
            (vec![greeting.clone(), "x".repeat(10_000_000)], 1009),
            (vec![greeting.clone(), offer("")], 1008),
            (vec![greeting.clone(), offer("v=0\r\nm=video")], 1008),
        ] {
            let (closed, reason) = closed_for(&desktop.address, &frames).await?;
            let shown: Vec<_> = frames.iter().map(|frame| &frame[..frame.len().min(40)]).collect();
            ensure!(closed == code && !reason.is_empty(), "{shown:?}: {closed} {reason:?}");
        }
        let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(1_000_000));
        let answer = answer_to(&desktop.address, long.as_bytes()).await?;
        ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
        Ok(())
    });
}

/// Opens data channels and closes them, for ever. They are kept, as they have to be.
async fn open_and_close(viewer: &Viewer, channels: &mut Vec<gst_webrtc::WebRTCDataChannel>) -> Result<Infallible> {
    loop {
        let channel = viewer.open_channel("more").await?;
        channel.send_string_full(Some("nobody hears this"))?;
        channel.close();
        channels.push(channel);
    }
}

async fn has_ended(viewer: &Viewer) {
    while !viewer.has_ended() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each of them costs elements and a thread.
#[test]
fn who_opens_channel_after_channel_is_shown_out() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(320, 240)?;
        let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let other = Viewer::start(&desktop.address, PASSWORD).await?;
        other.wait_for_frames(1).await?;
        let mut channels = Vec::new();
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.send("_arg_fps,30").await?;
        let opened = tokio::select! {
            Err(error) = open_and_close(&viewer, &mut channels) => Some(error),
            () = has_ended(&viewer) => None,
        };
        let end = viewer.wait_for_end().await.with_context(|| format!("{opened:?}"))?;
        let (code, reason) = end.context("no close frame")?;
        ensure!(code == 1011 && reason.contains("data channels"), "{code} {reason:?}");
        drop(viewer);
        ensure!(!other.has_ended());
        other.wait_for_frames(2).await
    });
}

#[test]
fn a_thousand_silent_connections_change_nothing_for_the_running_session() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(320, 240)?;
        let painter = Painter::start(&xvfb.display)?;
        let mut desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.wait_for_control(true).await?;
        viewer.wait_for_frames(1).await?;
        let before = resident(desktop.process().id())?;

        // A third says nothing, a third is slow with the head, a third opens a WebSocket and is silent then.
        let (mut silent, mut sockets, mut refused) = (Vec::new(), Vec::new(), 0);
        for number in 0..CONNECTIONS {
            if number % 3 == 2 {
                match open_socket(&desktop.address, "/ws", LOGIN).await {
                    Ok((socket, _)) => sockets.push(socket),
                    Err(_) => refused += 1,
                }
                continue;
            }
            let mut stream = TcpStream::connect(&desktop.address).await?;
            if number % 3 == 1 {
                let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow:").await;
            }
            silent.push(stream);
        }
        assert!(refused > 0 && !sockets.is_empty(), "{refused} refused, {} open", sockets.len());
        let grown = resident(desktop.process().id())?.saturating_sub(before);
        assert!(grown < MEMORY, "{grown} kB more");

        // The session goes on meanwhile, in both directions.
        viewer.send(&format!("kd,{}", u32::from('a'))).await?;
        painter.wait_for_seen(&Seen::Key(u32::from('a'), true))?;
        viewer.wait_for_frames(2).await?;

        // All of them are shown out, and the one who could not come in can now.
        for socket in &mut sockets {
            assert_eq!(close_of(socket).await?, Some((1002, "invalid protocol".to_owned())));
        }
        for mut stream in silent {
            let mut rest = Vec::new();
            let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.context("a connection stays open")?;
        }
        assert!(!viewer.has_ended());
        let second = Viewer::start(&desktop.address, PASSWORD).await?;
        second.wait_for_frames(1).await
    });
}
