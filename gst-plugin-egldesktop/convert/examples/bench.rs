//! CPU time per frame, beside a plain copy of the BGRx frame in the same run: the ratios survive a noisy machine.
//!
//! `cargo run --release --example bench [-- rounds]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};
use tile_convert::{Converter, Format, Kernel, Matrix, Plane, Planes, Source, TileGrid, TileSet};

/// Pictures in rotation when nothing may be left in the cache: together larger than the last-level cache of servers.
const COLD_BYTES: usize = 100 << 20;

fn main() {
    let rounds = std::env::args().nth(1).map_or(21, |rounds| rounds.parse().unwrap());
    println!("marking 6000 small rectangles of a 4K picture: {:.1} µs", 1e3 * marks());
    for (name, width, height) in [("1080p", 1920, 1080), ("4K", 3840, 2160)] {
        let bytes = 4 * usize::from(width) * usize::from(height);
        for (cache, frames) in [("hot", 1), ("cold", COLD_BYTES.div_ceil(bytes))] {
            Bench::new(width, height, frames).run(&format!("{name} {cache}"), rounds);
        }
    }
}

/// Pictures, and buffers of every kind to convert them to.
struct Bench {
    grid: TileGrid,
    pictures: Vec<Vec<u8>>,
    copies: Vec<Vec<u8>>,
    frames: Vec<Frame>,
    /// Which picture goes to the first frame.
    shift: usize,
}

/// Enough for any format.
struct Frame([Vec<u8>; 3]);

impl Frame {
    fn planes(&mut self, format: Format, width: u16) -> Planes<'_> {
        let [first, second, third] = &mut self.0;
        let width = usize::from(width);
        match format {
            Format::Nv12 => Planes::Nv12 { y: Plane::new(first, width), uv: Plane::new(second, width) },
            Format::I420 => Planes::I420 {
                y: Plane::new(first, width),
                u: Plane::new(second, width / 2),
                v: Plane::new(third, width / 2),
            },
            Format::Bgrx => Planes::Bgrx(Plane::new(first, 4 * width)),
        }
    }
}

impl Bench {
    fn new(width: u16, height: u16, frames: usize) -> Self {
        let pixels = usize::from(width) * usize::from(height);
        let mut random = 1_u32;
        let mut picture = || {
            (0..4 * pixels)
                .map(|_| {
                    random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (random >> 24) as u8
                })
                .collect::<Vec<_>>()
        };
        // Two at least: what changes a frame is another picture.
        let pictures: Vec<_> = (0..frames.max(2)).map(|_| picture()).collect();
        Self {
            grid: TileGrid::new(width, height),
            pictures,
            copies: (0..frames).map(|_| vec![1; 4 * pixels]).collect(),
            frames: (0..frames).map(|_| Frame([4 * pixels, pixels, pixels].map(|length| vec![1; length]))).collect(),
            shift: 0,
        }
    }

    fn run(&mut self, name: &str, rounds: usize) {
        let mut all = TileSet::new(self.grid);
        all.mark_all();
        let mut tenth = TileSet::new(self.grid);
        let (width, height) = (i32::from(self.grid.width()), i32::from(self.grid.height()));
        tenth.mark(width / 8, height / 8, width / 3, height * 2 / 7);

        // Interleaved, so that what else the machine does hits all of them.
        let cases: Vec<_> = Kernel::ALL
            .iter()
            .filter(|kernel| kernel.is_available())
            .flat_map(|kernel| Format::ALL.map(|format| (*kernel, format)))
            .collect();
        let mut copy = Vec::new();
        let mut times = vec![[const { Vec::new() }; 3]; cases.len()];
        for _ in 0..rounds {
            copy.push(self.copy());
            for ((kernel, format), times) in cases.iter().zip(&mut times) {
                let converter = Converter::with_kernel(*kernel, Matrix::default());
                self.shift += 1;
                times[0].push(self.update(converter, *format, &all));
                times[1].push(self.update(converter, *format, &all));
                self.shift += 1;
                times[2].push(self.update(converter, *format, &tenth));
            }
        }
        let copy = median(&mut copy);
        println!("\n{name}: memcpy of BGRx {copy:.3} ms; below, ms and ratio to it");
        println!("{:>10} {:>5}  all changed    none changed   10 % stale", "kernel", "");
        for ((kernel, format), times) in cases.iter().zip(&mut times) {
            let [all, none, tenth] = times.each_mut().map(|times| median(times));
            println!(
                "{:>10} {:>5}  {all:.3} {:5.2}x   {none:.3} {:5.2}x   {tenth:.3} {:5.2}x",
                format!("{kernel:?}"),
                format!("{format:?}"),
                all / copy,
                none / copy,
                tenth / copy
            );
        }
    }

    fn picture(&self, frame: usize) -> &[u8] {
        &self.pictures[(frame + self.shift) % self.pictures.len()]
    }

    /// Milliseconds to copy a picture.
    fn copy(&mut self) -> f64 {
        let mut copies = std::mem::take(&mut self.copies);
        let time = cpu_time(|| {
            for (index, copy) in copies.iter_mut().enumerate() {
                copy.copy_from_slice(black_box(self.picture(index)));
            }
        });
        self.copies = copies;
        time / self.copies.len() as f64
    }

    /// Milliseconds to bring the stale tiles of a frame up to date.
    fn update(&mut self, converter: Converter, format: Format, stale: &TileSet) -> f64 {
        let (width, height) = (self.grid.width(), self.grid.height());
        let mut changed = TileSet::new(self.grid);
        let mut frames = std::mem::take(&mut self.frames);
        let time = cpu_time(|| {
            for (index, frame) in frames.iter_mut().enumerate() {
                let source = Source::from_slice(self.picture(index), 4 * usize::from(width), width, height).unwrap();
                converter.update(&source, &mut frame.planes(format, width), stale, &mut changed).unwrap();
            }
        });
        self.frames = frames;
        time / self.frames.len() as f64
    }
}

/// Milliseconds to mark as many rectangles as a busy terminal draws.
fn marks() -> f64 {
    let mut tiles = TileSet::new(TileGrid::new(3840, 2160));
    let mut times: Vec<_> = (0..101)
        .map(|_| {
            tiles.clear();
            cpu_time(|| {
                for index in 0..6000 {
                    tiles.mark(black_box(index * 37 % 3840), black_box(index * 53 % 2160), 9, 17);
                }
                black_box(&tiles);
            })
        })
        .collect();
    median(&mut times)
}

fn cpu_time(work: impl FnOnce()) -> f64 {
    let now = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
    };
    let start = now();
    work();
    now() - start
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
