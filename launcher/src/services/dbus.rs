//! A private message bus for the desktop session.

use std::{io, os::fd::AsRawFd as _, os::fd::OwnedFd, path::Path};

use anyhow::{Context as _, ensure};
use tokio::{io::AsyncReadExt as _, net::unix::pipe};

use super::READY_LIMIT;
use crate::supervise::{Child, Spawner, Spec};

/// Where it listens: known before it runs, so that every child gets the same address.
pub(super) fn address(runtime: &Path) -> String {
    format!("unix:path={}", runtime.join("bus").display())
}

/// Programs that the bus starts inherit its environment, so that has to be complete before.
pub(super) async fn start(spawner: &Spawner, runtime: &Path) -> anyhow::Result<Child> {
    let (reader, writer) = io::pipe().context("a pipe for the message bus")?;
    let writer = OwnedFd::from(writer);
    let spec = Spec {
        name: "dbus-daemon",
        program: "dbus-daemon",
        arguments: vec![
            "--session".into(),
            "--nofork".into(),
            "--nosyslog".into(),
            "--nopidfile".into(),
            format!("--print-address={}", writer.as_raw_fd()).into(),
            format!("--address={}", address(runtime)).into(),
        ],
        pass: vec![writer],
        environment: Vec::new(),
        package: "dbus-daemon",
    };
    let child = spawner.spawn(spec)?;
    let mut reader = pipe::Receiver::from_owned_fd(reader.into())?;
    child
        .until_ready(READY_LIMIT, async {
            // It prints its address, in one write, when it accepts connections.
            let mut printed = [0; 512];
            let count = reader.read(&mut printed).await?;
            ensure!(printed[..count].starts_with(b"unix:"), "no address was printed");
            Ok(())
        })
        .await?;
    Ok(child)
}
