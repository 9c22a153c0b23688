//! The launcher's manners: errors, secrets, its end.

use std::time::Instant;

use anyhow::{Context as _, bail};
use egldesktop_tests::desktop::{Desktop, PASSWORD};
use egldesktop_tests::namespace::isolated;
use egldesktop_tests::xvfb::Xvfb;
use egldesktop_tests::{PATIENCE, http};

#[test]
fn an_unknown_encoder_is_one_clear_error() {
    isolated(async || {
        let (status, output) = Desktop::fail(&[("DISPLAY", ":0"), ("WEBRTC_ENCODER", "nonsense")])?;
        assert!(!status.success());
        assert!(output.contains("nonsense") && output.contains("x264enc") && output.contains("vp8enc"), "{output}");
        assert_eq!(output.trim().lines().filter(|line| line.to_lowercase().contains("error")).count(), 1, "{output}");
        Ok(())
    });
}

#[test]
fn without_an_x_server_it_says_so() {
    isolated(async || {
        let (status, output) = Desktop::fail(&[("DISPLAY", ":4711")])?;
        assert!(!status.success());
        assert!(output.contains(":4711"), "{output}");
        Ok(())
    });
}

/// Processes whose environment or command line has this text.
fn processes_with(text: &str, file: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let content = std::fs::read(entry.path().join(file)).ok()?;
            let content = String::from_utf8_lossy(&content).replace('\0', " ");
            content.contains(text).then(|| format!("{:?}: {content}", entry.file_name()))
        })
        .collect()
}

#[test]
fn its_own_desktop_ends_with_it_and_keeps_its_secrets() {
    isolated(async || {
        // Every child inherits it, so it finds what is left.
        let mark = format!("EGLDESKTOP_TEST_MARK={}", std::process::id());
        let (name, value) = mark.split_once('=').context("no mark")?;
        let mut desktop = Desktop::start(&[(name, value), ("SIZEW", "800"), ("SIZEH", "600")])?;
        let running = processes_with(&mark, "environ");
        assert!(running.len() > 2, "X server, sound server and D-Bus at least: {running:?}");
        assert_eq!(processes_with(PASSWORD, "cmdline"), [""; 0]);
        let (status, _) = http::get(&format!("http://{}/health", desktop.address), None).await?;
        assert_eq!(status, 200);

        desktop.process().signal(rustix::process::Signal::INT)?;
        assert!(desktop.process().wait()?.success());
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = processes_with(&mark, "environ");
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("still there: {left:?}");
            }
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn the_x_server_going_away_is_an_error_and_the_end() {
    isolated(async || {
        let mut xvfb = Xvfb::start(640, 480)?;
        let mut desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
        xvfb.process().signal(rustix::process::Signal::KILL)?;
        assert!(!desktop.process().wait()?.success());
        Ok(())
    });
}
