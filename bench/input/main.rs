//! How long a key takes from the hand that presses it to the X client that gets it: a viewer's data channel, beside
//! `xdotool` and python-xlib, which inject on the same X server in the same run.

mod client;
mod injector;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Parser;
use egldesktop_tests::desktop::{Desktop, PASSWORD};
use egldesktop_tests::namespace::{add_address, isolated_however_long};
use egldesktop_tests::native::Viewer;
use egldesktop_tests::xvfb::Xvfb;

use client::Client;
use injector::Injector;

/// Options of `make bench-input`.
#[derive(Debug, Clone, Parser)]
struct Cli {
    /// Keys that each of them presses.
    #[arg(long, default_value_t = 1000)]
    keys: u32,
}

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(cli.keys).await);
}

async fn run(keys: u32) -> Result<()> {
    add_address()?;
    let xvfb = Xvfb::start(640, 480)?;
    let client = Client::start(&xvfb.display)?;
    let desktop = Desktop::start(&[("DISPLAY", &xvfb.display), ("ENABLE_AUDIO", "false")])?;
    let mut viewer = Viewer::start(&desktop.address, PASSWORD).await?;
    viewer.wait_for_control(true).await?;
    let mut xdotool = Injector::xdotool(&xvfb.display)?;
    let mut python = Injector::python(&xvfb.display)?;

    // In turns, so that whatever else the machine does hits all of them.
    let mut delays = [const { Vec::new() }; 3];
    for _ in 0..keys {
        let start = Instant::now();
        viewer.send(&format!("kd,{}", u32::from('a'))).await?;
        delays[0].push(client.next_press()?.duration_since(start));
        viewer.send(&format!("ku,{}", u32::from('a'))).await?;
        client.next_release()?;
        for (injector, delays) in [&mut xdotool, &mut python].into_iter().zip(&mut delays[1..]) {
            let start = Instant::now();
            injector.press()?;
            delays.push(client.next_press()?.duration_since(start));
            injector.release()?;
            client.next_release()?;
        }
    }

    let mut table = String::from("| | median, µs | p95, µs | beside ours (median) |\n| --- | ---: | ---: | ---: |\n");
    let names = [
        "through WebRTC: data channel → desktopinput",
        "without a network: xdotool, kept running",
        "without a network: python-xlib, kept running",
    ];
    let ours = quantile(&mut delays[0], 0.5);
    for (name, delays) in names.iter().zip(&mut delays) {
        let (median, p95) = (quantile(delays, 0.5), quantile(delays, 0.95));
        let ratio = median.as_secs_f64() / ours.as_secs_f64();
        table += &format!("| {name} | {} | {} | {ratio:.2} |\n", median.as_micros(), p95.as_micros());
    }
    std::io::stdout().write_all(table.as_bytes()).context("standard output")
}

/// The value that this share of the others is below.
fn quantile(values: &mut [Duration], share: f64) -> Duration {
    values.sort_unstable();
    let index = (values.len() as f64 * share) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}
