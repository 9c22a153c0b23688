//! What a desktop stands on stops, hangs, dies or is full during a session: the picture is right again, and nothing is left
//! behind.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use egldesktop_tests::PATIENCE;
use egldesktop_tests::chromium::Chromium;
use egldesktop_tests::desktop::{Desktop, PASSWORD, PASSWORD_IN_URL, USER};
use egldesktop_tests::http::ask;
use egldesktop_tests::namespace::{add_address, isolated};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::painter::{Painter, Seen};
use egldesktop_tests::xkill;
use egldesktop_tests::xvfb::Xvfb;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{UnshareFlags, unshare_unsafe};

use crate::reconnect::{MARK, works};

/// How long something hangs: longer than a frame, a ping or a damage takes, shorter than anybody gives up.
const HANG: std::time::Duration = std::time::Duration::from_secs(3);
/// What may be left in the launcher after all of it, in kB: it has seen every way to fail by then.
const MEMORY: u64 = 48 * 1024;
const DESCRIPTORS: usize = 8;

fn send(process: i32, signal: Signal) -> Result<()> {
    Ok(kill_process(Pid::from_raw(process).context("no process id")?, signal)?)
}

/// The first process of this name among all that a desktop has started, and what these have started.
fn find(desktop: &Desktop, name: &str) -> Result<i32> {
    let mut left = desktop.children()?;
    while let Some(process) = left.pop() {
        if std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default().trim_end() == name {
            return Ok(process);
        }
        for task in std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            left.extend(children.split_whitespace().filter_map(|child| child.parse::<i32>().ok()));
        }
    }
    bail!("{name} does not run")
}

/// The same, once it is there and is not `other`. Nobody tells us of the processes of others.
async fn wait_for_process(desktop: &Desktop, name: &str, other: i32) -> Result<i32> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match find(desktop, name) {
            Ok(process) if process != other => return Ok(process),
            _ if Instant::now() > deadline => bail!("{name} does not come (again)"),
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
}

fn held(process: u32) -> Result<(u64, usize)> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let memory = line.trim().trim_end_matches(" kB").parse()?;
    Ok((memory, std::fs::read_dir(format!("/proc/{process}/fd"))?.count()))
}

/// Somebody who comes now sees the desktop, maybe at the second try: the server may just be starting again.
async fn somebody_sees_it(address: &str) -> Result<Viewer> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = async {
            let viewer = Viewer::start(address, PASSWORD).await?;
            tokio::time::timeout(HANG * 4, viewer.wait_for_frames(2)).await.context("no picture")??;
            Result::<_>::Ok(viewer)
        };
        match seen.await {
            Ok(viewer) => return Ok(viewer),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
        }
    }
}

#[test]
fn everything_that_a_desktop_stands_on_hangs_and_dies() {
    isolated(async || {
        add_address()?;
        let mut desktop = Desktop::start(&[("SIZEW", "640"), ("SIZEH", "480")])?;
        let address = desktop.address.clone();
        let launcher = desktop.process().id();
        // Everything that a session brings is there.
        for name in ["marco", "pulseaudio"] {
            wait_for_process(&desktop, name, 0).await?;
        }
        let mut viewer = somebody_sees_it(&address).await?;
        let before = held(launcher)?;

        for name in ["Xvfb", "pulseaudio", "dbus-daemon", "marco"] {
            let process = find(&desktop, name)?;
            send(process, Signal::STOP)?;
            // What is tested is this time itself.
            tokio::time::sleep(HANG).await;
            send(process, Signal::CONT)?;
            ensure!(!viewer.has_ended(), "the session ends when {name} hangs");
            viewer.send("m,5,5,0,0").await?;
            viewer.wait_for_frames(1).await.with_context(|| format!("after {name} hung"))?;
            ensure!(find(&desktop, name)? == process, "{name} was started again though it only hung");
        }

        // The sound and the window manager are not the screen: the session goes on.
        for name in ["pulseaudio", "marco"] {
            let process = find(&desktop, name)?;
            send(process, Signal::KILL)?;
            wait_for_process(&desktop, name, process).await?;
            ensure!(!viewer.has_ended(), "the session ends when {name} dies");
            viewer.wait_for_frames(1).await.with_context(|| format!("after {name} died"))?;
        }
        // What the screen stands on takes the session along, and both come back.
        for name in ["dbus-daemon", "Xvfb"] {
            let process = find(&desktop, name)?;
            send(process, Signal::KILL)?;
            wait_for_process(&desktop, name, process).await?;
            viewer = somebody_sees_it(&address).await.with_context(|| format!("after {name} died"))?;
        }
        drop(viewer);
        is_back(launcher, before).await
    });
}

/// Waits until a process holds about what it held before.
async fn is_back(process: u32, before: (u64, usize)) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let after = held(process)?;
        if after.0 <= before.0 + MEMORY && after.1 <= before.1 + DESCRIPTORS {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "memory in kB and descriptors: {before:?} before, {after:?} after");
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

/// Notes that the session was lost: the page may be back before anybody looks.
const WATCH: &str = "window.isLost = false;
    new MutationObserver(() => { window.isLost ||= document.documentElement.dataset.state === 'reconnecting'; })
        .observe(document.documentElement, { attributes: true });";

/// What captures, what controls: each has its own connection, without which the element fails, and with it the pipeline.
#[test]
fn the_pipeline_fails_and_comes_back() {
    isolated(async || {
        let xvfb = Xvfb::start(1280, 720)?;
        let painter = Painter::start(&xvfb.display)?;
        let desktop = Desktop::start(&[("DISPLAY", xvfb.display.as_str()), ("ENABLE_AUDIO", "false")])?;
        let browser = Chromium::start().await?;
        browser.open(&desktop.address, USER, PASSWORD_IN_URL).await?;
        browser.run(MARK).await?;
        works(&browser, &painter).await?;
        let before = held(desktop.id())?;
        let count = xkill::connections(&xvfb.display, desktop.id())?.len();
        ensure!(count >= 2, "{count} connections to the X server");
        for index in 0..count {
            browser.run(WATCH).await?;
            let clients = xkill::connections(&xvfb.display, desktop.id())?;
            xkill::kill(&xvfb.display, *clients.get(index).context("fewer connections than before")?)?;
            browser.wait_for("return window.isLost").await.with_context(|| format!("connection {index}"))?;
            works(&browser, &painter).await.with_context(|| format!("after connection {index} was lost"))?;
        }
        browser.close().await?;
        is_back(desktop.id(), before).await
    });
}

/// A file system of one megabyte, in a namespace of this thread and of what it starts.
fn mount_small(folder: &Path) -> Result<()> {
    // SAFETY: of this thread only its mounts, and with them its working directory, are its own from now on.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }?;
    for arguments in [&["--make-rprivate", "/"][..], &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]] {
        let mut command = Command::new("mount");
        command.args(arguments);
        if arguments.len() > 2 {
            command.arg(folder);
        }
        ensure!(command.status().context("cannot run mount")?.success(), "mount {arguments:?}");
    }
    Ok(())
}

#[test]
fn the_folder_for_files_is_full_and_has_room_again() {
    isolated(async || {
        add_address()?;
        let folder = tempfile::tempdir()?;
        mount_small(folder.path())?;
        let xvfb = Xvfb::start(320, 240)?;
        let painter = Painter::start(&xvfb.display)?;
        let path = folder.path().to_str().context("no path")?;
        let variables = [
            ("DISPLAY", xvfb.display.as_str()),
            ("ENABLE_AUDIO", "false"),
            ("SELKIES_FILE_MANAGER_PATH", path),
            ("EGLDESKTOP_MAX_UPLOAD", "2"),
        ];
        let desktop = Desktop::start(&variables)?;
        let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
        viewer.wait_for_control(true).await?;
        std::fs::write(folder.path().join("in the way"), vec![0; 600_000])?;

        let url = format!("http://{}/uploads/0123456789abcdef/big.txt", desktop.address);
        let content = "0123456789abcdef".repeat(50_000);
        let send = async |from: usize, length: usize| {
            let (from_text, length) = (from.to_string(), length.to_string());
            let fields = [("upload-offset", from_text.as_str()), ("upload-length", length.as_str())];
            ask("PATCH", &url, Some((USER, PASSWORD)), &fields, content.get(from..).unwrap_or_default()).await
        };
        let full = send(0, content.len()).await?;
        ensure!(full.status == 507 && full.body.contains("no room"), "{full:?}");
        ensure!(!folder.path().join("big.txt").exists());
        // The session does not notice.
        viewer.send("kd,97").await?;
        painter.wait_for_seen(&Seen::Key(97, true))?;
        viewer.wait_for_frames(1).await?;

        // With room again it goes on where it ended.
        std::fs::remove_file(folder.path().join("in the way"))?;
        let offset = ask("HEAD", &url, Some((USER, PASSWORD)), &[], "").await?;
        let offset: usize = offset.field("upload-offset").parse()?;
        ensure!(offset > 0 && offset < content.len(), "{offset}");
        ensure!(send(offset, content.len()).await?.status == 201);
        ensure!(std::fs::read_to_string(folder.path().join("big.txt"))? == content, "another content");

        // More than is allowed is refused before the first byte is kept.
        let url = format!("http://{}/uploads/fedcba9876543210/huge", desktop.address);
        let fields = [("upload-offset", "0"), ("upload-length", "2097153")];
        let refused = ask("PATCH", &url, Some((USER, PASSWORD)), &fields, "x").await?;
        ensure!(refused.status == 413 && !folder.path().join(".fedcba9876543210.part").exists(), "{refused:?}");
        Ok(())
    });
}
