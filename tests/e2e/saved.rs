//! What a viewer changes while a desktop runs: it happens, and it is still so at the next start.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::desktop::{Desktop, PASSWORD, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::noise::Noise;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::{Value, json};

/// The viewer is told this action, such as `framerate,30`.
async fn told(viewer: &mut Viewer, action: &str) -> Result<()> {
    viewer.message(|message| (message["data"]["action"] == action).then_some(())).await
}

/// Waits until the file holds these values, among others.
async fn kept(path: &Path, expected: &Value) -> Result<()> {
    let holds = |text: String| {
        let json: Value = serde_json::from_str(&text).ok()?;
        let expected = expected.as_object()?;
        expected.iter().all(|(key, value)| &json[key] == value).then_some(())
    };
    let deadline = Instant::now() + PATIENCE;
    while std::fs::read_to_string(path).ok().and_then(holds).is_none() {
        anyhow::ensure!(Instant::now() < deadline, "{:?}", std::fs::read_to_string(path));
        // Polled: what is awaited is a file.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Frames and bytes that the encoder of the picture has made so far.
async fn encoded(desktop: &Desktop) -> Result<(f64, f64)> {
    let (_, text) = get(&format!("http://{}/metrics", desktop.address), Some((USER, PASSWORD))).await?;
    let number = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name) && line.contains("video")).context("no number")?;
        Ok::<f64, anyhow::Error>(line.rsplit(' ').next().context("no number")?.parse()?)
    };
    Ok((number("egldesktop_encoded_frames_total")?, number("egldesktop_encoded_bytes_total")?))
}

/// Bytes per second, and frames per second, while this many frames come.
async fn rates(desktop: &Desktop, viewer: &Viewer, frames: u64) -> Result<(f64, f64)> {
    let (start, before) = (Instant::now(), encoded(desktop).await?);
    viewer.wait_for_frames(frames).await?;
    let (seconds, after) = (start.elapsed().as_secs_f64(), encoded(desktop).await?);
    Ok(((after.1 - before.1) / seconds, (after.0 - before.0) / seconds))
}

#[test]
fn what_a_viewer_changes_reaches_capture_and_encoder_and_the_next_start() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let noise = Noise::start(&xvfb.display)?;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("selkies/conf.json");
        let file = path.to_str().context("not UTF-8")?;
        // The network's share in it is tested elsewhere.
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("SELKIES_CONGESTION_CONTROL", "false"),
            ("WEBRTC_ENCODER", "x264enc"),
            ("SELKIES_USER_CONFIG_FILE", file),
        ];
        let desktop = Desktop::start(&variables)?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.wait_for_control(true).await?;
        viewer.wait_for_frames(30).await?;
        let (bytes, frames) = rates(&desktop, &viewer, 60).await?;
        assert!(!path.exists(), "nobody has changed anything");

        viewer.send("vb,400").await?;
        told(&mut viewer, "video_bitrate,400").await?;
        viewer.wait_for_frames(60).await?;
        let (fewer, _) = rates(&desktop, &viewer, 60).await?;
        assert!(fewer < bytes / 4.0, "{bytes} bytes a second, then {fewer}");

        viewer.send("_arg_fps,4").await?;
        told(&mut viewer, "framerate,4").await?;
        viewer.wait_for_frames(4).await?;
        let (_, slower) = rates(&desktop, &viewer, 12).await?;
        assert!(slower < 6.0 && frames > 9.0, "{frames} frames a second, then {slower}");

        viewer.send("ab,64000").await?;
        viewer.send("_arg_resize,true,800x600").await?;
        told(&mut viewer, "resize,True").await?;
        kept(&path, &json!({ "video_bitrate": 400, "framerate": 4, "audio_bitrate": 64000, "enable_resize": true }))
            .await?;
        // Changed, and stopped before it is written at leisure.
        viewer.send("_arg_fps,7").await?;
        told(&mut viewer, "framerate,7").await?;
        drop((viewer, desktop, noise));
        kept(&path, &json!({ "framerate": 7 })).await?;

        let mut variables = variables.to_vec();
        variables.push(("WEBRTC_VIDEO_BITRATE", "6000"));
        variables.push(("WEBRTC_ENABLE_RESIZE", "false"));
        let desktop = Desktop::start(&variables)?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        for action in ["framerate,7", "video_bitrate,6000", "audio_bitrate,64000", "resize,False"] {
            told(&mut viewer, action).await?;
        }
        viewer.wait_for_control(true).await?;
        viewer.send("_arg_resize,true,640x480").await?;
        viewer.message(|message| message["data"]["status"].as_str()?.contains("keeps its size").then_some(())).await
    });
}

/// Saved where there was a better machine, or by docker-nvidia-egl-desktop, which wrote one into every file.
#[test]
fn a_saved_encoder_that_cannot_work_is_no_reason_not_to_start() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let file = tempfile::NamedTempFile::new()?;
        let path = file.path().to_str().context("not UTF-8")?;
        let variables = [("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false"), ("JSON_CONFIG", path)];
        for (saved, encoder) in [("vp8enc", "encoder,vp8enc"), ("rav1enc", "encoder,x264enc")] {
            std::fs::write(file.path(), json!({ "encoder": saved }).to_string())?;
            let desktop = Desktop::start(&variables)?;
            let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
            told(&mut viewer, encoder).await?;
        }
        Ok(())
    });
}
