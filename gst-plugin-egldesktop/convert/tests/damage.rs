//! A desktop that draws, and several buffers that follow it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Frame, Picture, kernels};
use proptest::prelude::*;
use tile_convert::{Converter, Format, Kernel, Matrix, TileSet};

#[derive(Debug, Clone)]
enum Step {
    /// Fills a rectangle. With so few colours many of them change nothing, and are damage all the same.
    Draw { x: u16, y: u16, width: u16, height: u16, colour: u8 },
    /// Damage without any drawing.
    Damage { x: i32, y: i32, width: i32, height: i32 },
    /// Brings one of the buffers up to date.
    Update { buffer: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..210_u16, 0..80_u16, 1..90_u16, 1..40_u16, 0..3_u8).prop_map(|(x, y, width, height, colour)| Step::Draw {
            x,
            y,
            width,
            height,
            colour
        }),
        (-40..210, -40..80, 1..90, 1..40).prop_map(|(x, y, width, height)| Step::Damage { x, y, width, height }),
        (0..3_usize).prop_map(|buffer| Step::Update { buffer }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 200 }) })]

    #[test]
    fn buffers_follow_the_desktop(
        width in 1..200_u16,
        height in 1..70_u16,
        format in prop::sample::select(&Format::ALL[..]),
        kernel in prop::sample::select(kernels().collect::<Vec<_>>()),
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let matrix = Matrix::default();
        let converter = Converter::with_kernel(kernel, matrix);
        let mut desktop = Picture::random(width, height, 1, 1);
        let mut buffers = [0, 1, 2].map(|oddity| (Frame::new(format, width, height, oddity), desktop.all_tiles()));

        for step in steps.into_iter().chain([0, 1, 2].map(|buffer| Step::Update { buffer })) {
            match step {
                Step::Draw { x, y, width: w, height: h, colour } => {
                    for y in y..height.min(y + h) {
                        for x in x..width.min(x + w) {
                            desktop.set_pixel(x, y, [100 * colour, 255 - colour, 120, x as u8]);
                        }
                    }
                    for (_, stale) in &mut buffers {
                        stale.mark(x.into(), y.into(), w.into(), h.into());
                    }
                }
                Step::Damage { x, y, width, height } => {
                    buffers.iter_mut().for_each(|(_, stale)| stale.mark(x, y, width, height));
                }
                Step::Update { buffer } => {
                    let (frame, stale) = &mut buffers[buffer];
                    let before = frame.clone();
                    let changed = frame.update(converter, &desktop, stale);
                    stale.clear();
                    let expected = Frame::convert(format, Kernel::Scalar, matrix, &desktop, buffer);
                    prop_assert!(*frame == expected, "not what a full conversion gives");
                    prop_assert_eq!(changed, differing(&desktop, &before, frame));
                }
            }
        }
    }

    /// What is not stale stays as it is, however wrong.
    #[test]
    fn only_stale_tiles_are_touched(
        format in prop::sample::select(&Format::ALL[..]),
        kernel in prop::sample::select(kernels().collect::<Vec<_>>()),
        rects in prop::collection::vec((0..200, 0..70, 1..90, 1..30), 0..3),
    ) {
        let (old, new) = (Picture::random(170, 60, 0, 1), Picture::random(170, 60, 0, 2));
        let mut frame = Frame::convert(format, kernel, Matrix::default(), &old, 1);
        let before = frame.clone();
        let mut stale = TileSet::new(new.grid());
        rects.into_iter().for_each(|(x, y, width, height)| stale.mark(x, y, width, height));
        let changed = frame.update(Converter::with_kernel(kernel, Matrix::default()), &new, &stale);
        prop_assert_eq!(&changed, &stale, "random pictures differ in every tile");
        prop_assert_eq!(changed, differing(&new, &before, &frame));
    }
}

/// The tiles in which two frames differ.
fn differing(picture: &Picture, one: &Frame, other: &Frame) -> TileSet {
    let grid = picture.grid();
    let mut differing = TileSet::new(grid);
    for row in 0..grid.rows() {
        for column in 0..grid.columns() {
            let mut tile = TileSet::new(grid);
            tile.mark(i32::from(column) * 64, i32::from(row) * 16, 1, 1);
            let rect = tile.runs().next().unwrap();
            if one.part(rect) != other.part(rect) {
                differing.union(&tile);
            }
        }
    }
    differing
}
