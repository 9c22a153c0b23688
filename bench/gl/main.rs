//! What bringing a frame up to date costs on GL, beside the CPU path, on the renderer of this machine: the same damage
//! by turns in one run, so that the ratios survive a busy machine.

#![allow(clippy::print_stdout, reason = "a program for developers")]

mod path;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use egl_convert::{Choice, Context, Egl};

use path::{CpuPath, GlPath, Path, Screen};

/// What upload and conversion of damaged rectangles cost on GL, beside the conversion on the CPU
#[derive(Debug, Parser)]
#[command(name = "gl")]
struct Options {
    /// The GPU: its number, PCI address or file (default: the first one that is hardware, else software)
    #[arg(long, default_value = "")]
    gpu: Choice,
    /// How many times each damage is measured; the result is the median
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
}

/// Name, width and height of what is damaged, as far as there is screen.
const DAMAGE: [(&str, i32, i32); 4] = [
    ("a word", 160, 20),
    ("a window", 640, 480),
    ("half the width", 960, i32::MAX),
    ("everything", i32::MAX, i32::MAX),
];
const SIZES: [(u16, u16); 2] = [(1920, 1080), (3840, 2160)];

fn main() -> Result<()> {
    let options = Options::parse();
    let context = Context::open(&Egl::load()?, &options.gpu)?;
    let gl = context.make_current()?;
    println!("renderer: {}, by EGL's {:?} platform", context.renderer(), context.platform());
    println!("CPU time of the whole process in ms per frame, and the time until the frame is there; GL beside CPU");
    for (width, height) in SIZES {
        let mut screen = Screen::new(width, height);
        let mut paths: [Box<dyn Path>; 2] =
            [Box::new(CpuPath::new(width, height)), Box::new(GlPath::new(&gl, width, height)?)];
        println!("\n{width}x{height}");
        println!(
            "{:>16} {:>10} {:>10} {:>8} {:>10} {:>10} {:>8}",
            "", "CPU: used", "GL: used", "", "CPU: done", "GL: done", ""
        );
        for (name, width, height) in DAMAGE {
            let damage = screen.damage(width, height);
            let mut times: [Vec<[Duration; 2]>; 2] = [Vec::new(), Vec::new()];
            for round in 0..=options.rounds {
                screen.change();
                for (path, times) in paths.iter_mut().zip(&mut times) {
                    let time = path.measure(&screen, &damage)?;
                    // The first one warms up.
                    times.extend((round > 0).then_some(time));
                }
            }
            let [cpu, gl] = times.map(|times| [0, 1].map(|kind| median(times.iter().map(|time| time[kind]))));
            let columns =
                [0, 1].map(|kind| format!("{:>10.3} {:>10.3} {:>7.2}x", cpu[kind], gl[kind], gl[kind] / cpu[kind]));
            println!("{name:>16} {}", columns.join(" "));
        }
    }
    Ok(())
}

/// In milliseconds.
fn median(times: impl Iterator<Item = Duration>) -> f64 {
    let mut times: Vec<_> = times.collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}
