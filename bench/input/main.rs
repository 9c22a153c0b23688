//! How long a key takes from the hand that presses it to the X client that gets it: a viewer's data channel, beside
//! `xdotool` and python-xlib, which inject on the same X server in the same run.

mod client;
mod injector;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Parser;
use egldesktop_bench::machine;
use egldesktop_bench::output::{Output, Ratios, Results};
use egldesktop_bench::quantile::{quantile, shown};
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
    #[command(flatten)]
    output: Output,
}

fn main() {
    let cli = Cli::parse();
    isolated_however_long(async move || run(cli).await);
}

async fn run(cli: Cli) -> Result<()> {
    let load = machine::load();
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
    for _ in 0..cli.keys {
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

    let names = [
        "through WebRTC: data channel → desktopinput",
        "without a network: xdotool, kept running",
        "without a network: python-xlib, kept running",
    ];
    let mut text = String::from("# How long a key takes\n\n");
    let _ = writeln!(
        text,
        "Written by `make bench-input`, which presses {} keys in turns: from the moment when a viewer sends `kd,97` on its data \
         channel, or a line goes to a program that is running already, to the moment when the X client with the focus has the \
         event. python-xlib does what Selkies' server does for a key, an XTEST request and a round trip. Both have no network on \
         their way; what WebRTC costs is the difference.\n",
        cli.keys,
    );
    for (name, value) in machine::hardware()? {
        let _ = writeln!(text, "- {name}: {value}");
    }
    let _ = writeln!(text, "- Network: the loopback of a namespace of its own");
    let _ = writeln!(text, "- Machine load: {load} before, {} after", machine::load());
    text += "\n| | median, µs | p95, µs | beside ours (median) |\n| --- | ---: | ---: | ---: |\n";
    let of = |delays: &[Duration], share| quantile(delays.iter().map(|delay| delay.as_secs_f64() * 1e6), share);
    let ours = of(&delays[0], 0.5);
    let beside_ours = |delays: &[Duration]| of(delays, 0.5).zip(ours).map(|(theirs, ours)| theirs / ours);
    let mut ratios = Ratios::new();
    for (name, delays) in names.iter().zip(&delays) {
        let (median, p95, ratio) = (of(delays, 0.5), of(delays, 0.95), beside_ours(delays));
        let _ = writeln!(text, "| {name} | {} | {} | {} |", shown(median, 0), shown(p95, 0), shown(ratio, 2));
        ratios.extend(ratio.filter(|_| *name != names[0]).map(|ratio| (format!("a key {name}, beside ours"), ratio)));
    }
    cli.output.write(&Results { section: "input", text, plots: vec![], ratios })
}
