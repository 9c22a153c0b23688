//! What fuzzers call, called with every seed and with what becomes of the seeds by chance: always the same chance, so that a
//! failure comes again. `make fuzz` looks for more; what it finds is put among the seeds, in `fuzz/corpus`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use egldesktop_tests::random::Random;

/// How many changed seeds each target sees, all its seeds together.
const CHANGED: usize = 20_000;
/// The longest input.
const MOST: usize = 64 * 1024;

/// The seeds of a target.
fn seeds(target: &str) -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        paths.push(entry?.path());
    }
    // The order of a folder is chance, too.
    paths.sort();
    ensure!(!paths.is_empty(), "{target} has no seeds");
    paths.into_iter().map(|path| Ok(std::fs::read(path)?)).collect()
}

/// Changes an input in one to eight places, as fuzzers do.
fn change(random: &mut Random, input: &mut Vec<u8>, other: &[u8]) {
    const TELLING: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, b'\n', b',', b'/', b'.', b'%', b'-', b'9'];
    for _ in 0..=random.below(8) {
        let at = random.below(input.len() as u32 + 1) as usize;
        match random.below(7) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.pick(&TELLING),
            2 => input.insert(at, random.pick(&TELLING)),
            3 => drop(input.drain(at..(at + random.below(16) as usize).min(input.len()))),
            4 => {
                let piece = input[at..(at + random.below(64) as usize).min(input.len())].to_vec();
                input.splice(at..at, piece);
            }
            5 => input.truncate(at),
            _ => {
                let from = random.below(other.len() as u32 + 1) as usize;
                let piece = &other[from..(from + random.below(64) as usize).min(other.len())];
                input.splice(at..at, piece.iter().copied());
            }
        }
        input.truncate(MOST);
    }
}

fn run(target: &str, body: fn(&[u8])) -> Result<()> {
    let seeds = seeds(target)?;
    for seed in &seeds {
        body(seed);
    }
    let mut random = Random(0x5eed);
    for number in 0..CHANGED {
        let mut input = seeds[number % seeds.len()].clone();
        let other = &seeds[random.below(seeds.len() as u32) as usize];
        change(&mut random, &mut input, other);
        if std::panic::catch_unwind(|| body(&input)).is_err() {
            anyhow::bail!("{target} fails with the change number {number}: {}", input.escape_ascii());
        }
    }
    Ok(())
}

#[test]
fn signalling() -> Result<()> {
    run("signalling", selkies_protocol::fuzz::signalling)
}

#[test]
fn data_channel() -> Result<()> {
    run("data_channel", selkies_protocol::fuzz::data_channel)
}

#[test]
fn joystick() -> Result<()> {
    run("joystick", selkies_protocol::fuzz::joystick)
}

#[test]
fn http() -> Result<()> {
    run("http", gstegldesktop::fuzz::http)
}

#[test]
fn rtc_json() -> Result<()> {
    run("rtc_json", gstegldesktop::fuzz::rtc_json)
}

#[test]
fn sdp_answer() -> Result<()> {
    gst::init()?;
    run("sdp_answer", gstegldesktop::fuzz::sdp_answer)
}

#[test]
fn sdp_offer() -> Result<()> {
    gst::init()?;
    run("sdp_offer", gstegldesktop::fuzz::sdp_offer)
}

#[test]
fn xwd_header() -> Result<()> {
    run("xwd_header", gstegldesktop::fuzz::xwd_header)
}

#[test]
fn cursor_image() -> Result<()> {
    gst::init()?;
    run("cursor_image", gstegldesktop::fuzz::cursor_image)
}

#[test]
fn pipeline_file() -> Result<()> {
    run("pipeline_file", egldesktop_launcher::fuzz::pipeline_file)
}
