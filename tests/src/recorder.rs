//! A program of the desktop that records.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::PATIENCE;
use crate::process::Process;

/// 20 ms.
const SAMPLES: usize = 960;

/// Records from the default source until it is dropped.
#[derive(Debug)]
pub struct Recorder {
    levels: Receiver<f64>,
    _process: Process,
}

impl Recorder {
    /// Starts one at this PulseAudio.
    pub fn start(server: &str) -> Result<Self> {
        let mut process = Process::start(
            Command::new("parec")
                .args(["--raw", "--format=s16le", "--rate=48000", "--channels=1", "--latency-msec=20"])
                .env("PULSE_SERVER", server)
                .stdin(Stdio::null())
                .stdout(Stdio::piped()),
        )
        .context("package pulseaudio-utils is needed")?;
        let mut output = process.stdout()?;
        let (sender, levels) = channel();
        std::thread::spawn(move || {
            let mut bytes = vec![0; 2 * SAMPLES];
            while output.read_exact(&mut bytes).is_ok() {
                let square = |pair: &[u8]| f64::from(i16::from_le_bytes([pair[0], pair[1]])).powi(2);
                let power = bytes.chunks_exact(2).map(square).sum::<f64>() / SAMPLES as f64;
                if sender.send(power.sqrt() / f64::from(i16::MAX)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { levels, _process: process })
    }

    /// Waits for this many pieces of 20 ms, of all that are still to be looked at, that are sound (or that are silence, without
    /// sound between).
    pub async fn wait_for(&self, sound: bool, pieces: usize) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let mut found = 0;
        while found < pieces {
            match self.levels.recv_timeout(std::time::Duration::from_millis(20)) {
                Ok(level) if (level > 0.01) == sound => found += 1,
                Ok(_) if sound => {}
                Ok(_) => found = 0,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => bail!("the recorder has ended"),
            }
            if Instant::now() > deadline {
                bail!("only {found} of {pieces} pieces are {}", if sound { "sound" } else { "silence" });
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
