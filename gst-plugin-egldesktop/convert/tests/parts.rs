//! A part of a frame, written on its own.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Frame, Picture};
use tile_convert::{Converter, Error, Format, Kernel, Matrix, Rect, Source, TileGrid, TileSet};

#[test]
fn a_part_is_written_where_it_belongs() {
    let (old, new) = (Picture::random(200, 75, 0, 1), Picture::random(200, 75, 4, 2));
    // Inside, and to the odd right and lower edge.
    for part in [Rect { x: 64, y: 16, width: 64, height: 32 }, Rect { x: 128, y: 48, width: 72, height: 27 }] {
        for format in Format::ALL {
            let mut pixels = vec![0; 4 * usize::from(part.width) * usize::from(part.height)];
            new.source().read(part, &mut pixels).unwrap();
            let stride = 4 * usize::from(part.width);
            let source = Source::from_slice(&pixels, stride, part.width, part.height).unwrap();
            let grid = TileGrid::new(part.width, part.height);
            let (mut all, mut changed) = (TileSet::new(grid), TileSet::new(grid));
            all.mark_all();

            let matrix = Matrix::default();
            let mut frame = Frame::convert(format, Kernel::Scalar, matrix, &old, 1);
            let converter = Converter::new(matrix);
            converter.update(&source, &mut frame.planes().part(part.x, part.y), &all, &mut changed).unwrap();
            assert_eq!(changed, all, "random pictures differ in every tile");

            let mut expected = Frame::convert(format, Kernel::Scalar, matrix, &old, 1);
            let mut stale = TileSet::new(new.grid());
            stale.mark(part.x.into(), part.y.into(), part.width.into(), part.height.into());
            expected.update(converter, &new, &stale);
            assert!(frame == expected, "{format:?}, {part:?}");
        }
    }
}

#[test]
fn what_is_outside_is_refused() {
    let picture = Picture::random(100, 30, 0, 1);
    let mut pixels = vec![0; 4000];
    for part in [Rect { x: 91, y: 0, width: 10, height: 1 }, Rect { x: 0, y: 30, width: 1, height: 1 }] {
        assert_eq!(picture.source().read(part, &mut pixels), Err(Error::Outside));
    }
    let part = Rect { x: 0, y: 0, width: 100, height: 11 };
    assert!(matches!(picture.source().read(part, &mut pixels), Err(Error::TooShort { .. })));

    let (mut frame, grid) =
        (Frame::convert(Format::Nv12, Kernel::Scalar, Matrix::default(), &picture, 0), picture.grid());
    let (mut stale, mut changed) = (TileSet::new(grid), TileSet::new(grid));
    stale.mark_all();
    let converter = Converter::new(Matrix::default());
    let beyond = converter.update(&picture.source(), &mut frame.planes().part(64, 16), &stale, &mut changed);
    assert!(beyond.is_err(), "the planes end before the picture does");
}
