//! A real TURN server.

use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;

use anyhow::{Context as _, Result};

use crate::process::{Process, wait_for_line};

/// A coTURN with these ways to log in, for relays on its own address only.
#[derive(Debug)]
pub struct Coturn {
    _process: Process,
    lines: Receiver<String>,
}

impl Coturn {
    /// Starts one on port 3478 of this address, for UDP and TCP; `logins` are arguments, such as `--user=name:password`.
    pub fn start(address: &str, logins: &[&str]) -> Result<Self> {
        let mut process = Process::start(
            Command::new("turnserver")
                .args(["-n", "--log-file=stdout", "--simple-log", "--verbose", "--no-cli", "--no-tls", "--no-dtls"])
                .args(["--fingerprint", "--realm=tests", "--allow-loopback-peers", "--listening-port=3478"])
                // Else who does not ask for a family gets a relay on IPv4, whatever it comes by (RFC 6156 §4.2).
                .arg("--allocation-default-address-family=keep")
                .args([format!("--listening-ip={address}"), format!("--relay-ip={address}")])
                .args(["--min-port=50000", "--max-port=50100"])
                .args(logins)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .stdin(Stdio::null()),
        )
        .context("package coturn is needed")?;
        let lines = process.lines()?;
        let listens = |line: &str| line.contains("TCP listener opened on") && line.contains(address);
        wait_for_line(&lines, |line| listens(line).then_some(()))?;
        Ok(Self { _process: process, lines })
    }

    /// Waits until somebody has an allocation under a name that ends so; what it said before is forgotten.
    pub fn wait_for_allocation(&self, user: &str) -> Result<()> {
        wait_for_line(&self.lines, |line| {
            (line.contains("ALLOCATE processed, success") && line.contains(&format!("{user}>"))).then_some(())
        })
    }
}
