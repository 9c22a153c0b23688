//! A private X server that reads devices of the kernel, which needs udev and the rights of root.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::process::{Process, wait_for_line};

/// A screen in memory, and no devices but those that udev tells of.
const CONFIGURATION: &str = r#"
Section "Device"
  Identifier "device"
  Driver "dummy"
  VideoRam 65536
EndSection
Section "Monitor"
  Identifier "monitor"
  HorizSync 5-1000
  VertRefresh 5-200
EndSection
Section "Screen"
  Identifier "screen"
  Device "device"
  Monitor "monitor"
  DefaultDepth 24
  SubSection "Display"
    Depth 24
    Modes "800x600"
    Virtual 800 600
  EndSubSection
EndSection
Section "InputClass"
  Identifier "all"
  MatchIsTouchscreen "on"
  Driver "libinput"
EndSection
Section "InputClass"
  Identifier "pens"
  MatchIsTablet "on"
  Driver "libinput"
EndSection
Section "InputClass"
  Identifier "wheels"
  MatchIsPointer "on"
  Driver "libinput"
EndSection
"#;

/// An Xorg with a screen of 800 × 600 pixels.
#[derive(Debug)]
pub struct Xorg {
    _process: Process,
    _folder: tempfile::TempDir,
    /// Such as `:3`.
    pub display: String,
}

impl Xorg {
    /// Starts one, and returns when it takes connections.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let configuration = folder.path().join("xorg.conf");
        std::fs::write(&configuration, CONFIGURATION)?;
        let mut process = Process::start(
            Command::new("Xorg")
                .args(["-displayfd", "1", "-noreset", "-nolisten", "tcp", "-novtswitch", "-sharevts", "-config"])
                .arg(&configuration)
                .arg("-logfile")
                .arg(folder.path().join("log"))
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        )
        .context("packages xserver-xorg-core, xserver-xorg-video-dummy and xserver-xorg-input-libinput are needed")?;
        let lines = process.lines()?;
        let number = wait_for_line(&lines, |line| line.trim().parse::<u32>().ok())?;
        Ok(Self { _process: process, _folder: folder, display: format!(":{number}") })
    }
}
