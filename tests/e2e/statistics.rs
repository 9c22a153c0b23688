//! What browsers measure, in files and for Prometheus; and what the machine does, for them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::get;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::xvfb::Xvfb;
use serde_json::{Map, Value, json};

fn desktop(xvfb: &Xvfb, folder: &Path) -> Result<Desktop> {
    Desktop::start(&[
        ("DISPLAY", xvfb.display.as_str()),
        ("ENABLE_AUDIO", "false"),
        // The WebSocket has no such statistics.
        ("EGLDESKTOP_TRANSPORT", "webrtc"),
        ("NOVNC_VIEWPASS", "only watch"),
        ("SELKIES_ENABLE_WEBRTC_STATISTICS", "true"),
        ("SELKIES_WEBRTC_STATISTICS_DIR", folder.to_str().context("not UTF-8")?),
    ])
}

/// One report with so many fields.
fn report(kind: &str, fields: usize) -> Value {
    let mut report: Map<_, _> = (0..fields).map(|number| (format!("field{number}"), json!(number))).collect();
    report.insert("type".to_owned(), json!(kind));
    json!([report])
}

/// The files of this medium, and what stands in the only one.
fn rows(folder: &Path, medium: &str) -> Result<(Vec<PathBuf>, Vec<String>)> {
    let files = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let of_medium = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(&format!("selkies-stats-{medium}-20")) && name.ends_with(".csv")
    };
    let files: Vec<_> = files.into_iter().filter(of_medium).collect();
    let text = files.first().map(std::fs::read_to_string).transpose()?.unwrap_or_default();
    Ok((files, text.lines().map(str::to_owned).collect()))
}

async fn wait_for_rows(folder: &Path, medium: &str, done: impl Fn(&[String]) -> bool) -> Result<Vec<String>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, rows) = rows(folder, medium)?;
        if done(&rows) {
            return Ok(rows);
        }
        ensure!(Instant::now() < deadline, "{rows:?}");
        // Polled: what is awaited is a file.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn what_a_viewer_measures_is_written_and_counted() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(640, 480)?;
        let folder = tempfile::tempdir()?;
        let desktop = desktop(&xvfb, folder.path())?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.message(|message| (message["data"]["action"] == "statistics,true").then_some(())).await?;
        let machine =
            viewer.message(|message| (message["type"] == "system_stats").then(|| message["data"].clone())).await?;
        let number = |name: &str| machine[name].as_f64().with_context(|| machine.to_string());
        assert!((0.0..=100.0).contains(&number("cpu_percent")?), "{machine}");
        assert!(number("mem_used")? > 1e6 && number("mem_used")? < number("mem_total")?, "{machine}");

        // A guest is not heard, and what is no statistics harms nobody.
        let mut guest = Viewer::start(&desktop.address, "only watch").await?;
        guest.wait_for_control(false).await?;
        guest.send(&format!("_stats_audio,{}", report("guest", 20))).await?;
        guest.send("_control,take").await?;
        guest.message(|message| message["data"]["status"].as_str()?.contains("watch only").then_some(())).await?;
        for hostile in ["_stats_video,", "_stats_video,[[]]", "_stats_video,{", "_stats_audio,[1,2]"] {
            viewer.send(hostile).await?;
        }
        viewer.send(&format!("_stats_video,[\"{}\"]", "x".repeat(60_000))).await?;
        viewer.send(&format!("_stats_video,{}", report("outbound-rtp", 16))).await?;
        let first = wait_for_rows(folder.path(), "video", |rows| rows.len() == 2).await?;
        assert!(first[0].starts_with("timestamp,outbound-rtp.field0,") && !first[0].contains("field16"), "{first:?}");
        assert_eq!(first[1].split(',').nth(1), Some("0"));
        let deadline = Instant::now() + PATIENCE;
        let wider = loop {
            viewer.send(&format!("_stats_video,{}", report("outbound-rtp", 18))).await?;
            let (files, rows) = rows(folder.path(), "video")?;
            if rows.len() >= 3 {
                assert_eq!(files.len(), 1);
                break rows;
            }
            ensure!(Instant::now() < deadline, "{rows:?}");
            // Sent again until it counts: at most two rows are written per second.
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert!(wider[1].ends_with(",NaN,NaN") && wider[2].ends_with(",16,17"), "{wider:?}");
        assert!(rows(folder.path(), "audio")?.0.is_empty(), "the guest's are not written");

        let (_, metrics) = get(&format!("http://{}/metrics", desktop.address), Some((USER, PASSWORD))).await?;
        let line = metrics.lines().find(|line| line.starts_with("webrtc_statistics_info{")).context("no statistics")?;
        assert!(line.contains("outbound_rtp_field17=\"17\""), "{line}");
        viewer.wait_for_frames(1).await
    });
}

#[test]
fn the_page_measures_where_that_is_wanted() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let folder = tempfile::tempdir()?;
        let desktop = desktop(&xvfb, folder.path())?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        let rows = wait_for_rows(folder.path(), "video", |rows| rows.len() >= 3).await?;
        let column = rows[0].split(',').position(|name| name == "inbound-rtp.framesDecoded");
        let column = column.with_context(|| rows[0].clone())?;
        let decoded = rows[rows.len() - 1].split(',').nth(column).context("a short row")?;
        assert!(decoded.parse::<u32>().is_ok(), "{decoded}");
        browser.run("document.querySelector('.handle').click()").await?;
        let latency = "/Server latency\\s+[\\d.]+ ms/.test(document.querySelector('#panel').innerText)";
        browser.wait_for(&format!("return {latency}")).await?;
        browser.close().await
    });
}

/// A client of Selkies says no media in its `HELLO`, and answers with a time of its own clock.
#[test]
fn a_client_of_selkies_learns_how_long_messages_take() {
    isolated(async || {
        add_address()?;
        let xvfb = Xvfb::start(320, 240)?;
        let desktop = Desktop::start(&[("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false")])?;
        let meta = json!({ "res": "320x240", "scale": 1, "media": null });
        let login = Some((USER, PASSWORD));
        let began = Instant::now();
        let mut viewer = Viewer::start_with(&desktop.address, "/webrtc/signalling/", login, meta).await?;
        for _ in 0..2 {
            let time = viewer
                .message(|message| (message["type"] == "ping").then(|| message["data"]["start_time"].as_f64()))
                .await?;
            ensure!(time.is_some_and(|time| time > 1.7e9), "{time:?}");
            viewer.send("pong,1700000000.123").await?;
            let found = viewer
                .message(|message| {
                    let is_it = message["type"] == "latency_measurement";
                    is_it.then(|| message["data"]["latency_ms"].as_f64())
                })
                .await?;
            let passed = began.elapsed().as_secs_f64() * 1000.0;
            ensure!(found.is_some_and(|found| (0.0..passed).contains(&found)), "{found:?}");
        }
        Ok(())
    });
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    isolated(async || {
        let xvfb = Xvfb::start(640, 480)?;
        let (status, output) = Desktop::fail(&[
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("SELKIES_ENABLE_WEBRTC_STATISTICS", "true"),
            ("SELKIES_WEBRTC_STATISTICS_DIR", "/nowhere"),
        ])?;
        assert!(
            !status.success() && output.contains("statistics-dir \"/nowhere\": there is no such folder"),
            "{output}"
        );
        Ok(())
    });
}
