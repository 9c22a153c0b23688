//! Every kernel gives the same bytes as the portable one.

mod common;

use common::{Frame, Picture, Random, kernels};
use tile_convert::{Converter, Format, Kernel, Matrix, TileSet};

#[test]
fn all_small_sizes() {
    let (widths, heights) = if cfg!(miri) { (63..=65, 2..=3) } else { (1..=70, 1..=40) };
    for (width, height) in widths.flat_map(|width| heights.clone().map(move |height| (width, height))) {
        let oddity = usize::from(width + height) % 5;
        let picture = Picture::random(width, height, oddity, u64::from(width) << 16 | u64::from(height));
        for format in Format::ALL {
            let expected = Frame::convert(format, Kernel::Scalar, Matrix::default(), &picture, oddity);
            for kernel in kernels() {
                let frame = Frame::convert(format, kernel, Matrix::default(), &picture, oddity);
                assert!(frame == expected, "{kernel:?} {format:?} {width}x{height}");
            }
        }
    }
}

/// All-or-nothing bytes and single channels, where sums are at their limits.
#[test]
fn extreme_colours() {
    let mut picture = Picture::random(192, 6, 0, 0);
    let mut random = Random(5);
    for byte in &mut picture.data {
        *byte = if random.next() & 1 == 0 { 0 } else { 255 };
    }
    for matrix in [Matrix::Bt709Limited, Matrix::Bt601Limited] {
        for format in Format::ALL {
            let expected = Frame::convert(format, Kernel::Scalar, matrix, &picture, 1);
            for kernel in kernels() {
                assert!(Frame::convert(format, kernel, matrix, &picture, 1) == expected, "{kernel:?} {format:?}");
            }
        }
    }
}

/// One different byte, anywhere in a frame, is noticed and put right; and nothing else is.
#[test]
fn a_single_stale_pixel() {
    let mut picture = Picture::random(150, 21, 0, 9);
    let step = if cfg!(miri) { 1201 } else { 1 };
    for kernel in kernels() {
        let converter = Converter::with_kernel(kernel, Matrix::default());
        assert_eq!(converter.kernel(), kernel);
        for format in Format::ALL {
            let mut frame = Frame::convert(format, kernel, Matrix::default(), &picture, 1);
            for index in (0..150 * 21).step_by(step) {
                let (x, y) = (index % 150, index / 150);
                let [blue, green, red] = picture.pixel(x, y);
                picture.set_pixel(x, y, [blue, green ^ 0x80, red, 0]);
                let mut expected = TileSet::new(picture.grid());
                expected.mark(x.into(), y.into(), 1, 1);
                let changed = frame.update(converter, &picture, &picture.all_tiles());
                assert!(changed == expected, "{kernel:?} {format:?} at {x},{y}");
                assert!(frame.update(converter, &picture, &picture.all_tiles()).is_empty());
            }
        }
    }
}

/// A change that does not show in the luma.
#[test]
fn stale_chroma_alone() {
    let (width, height) = (150, 21);
    let mut black = Picture::random(width, height, 0, 0);
    black.data.fill(0);
    let step = if cfg!(miri) { 700 } else { 1 };
    for (kernel, format) in kernels().flat_map(|kernel| [(kernel, Format::Nv12), (kernel, Format::I420)]) {
        let converter = Converter::with_kernel(kernel, Matrix::default());
        let before = Frame::convert(format, kernel, Matrix::default(), &black, 1);
        for index in (0..(width / 2) * height.div_ceil(2)).step_by(step) {
            let (x, y) = (index % (width / 2) * 2, index / (width / 2) * 2);
            let mut picture = black.clone();
            // So little that it is less than half a step of luma: sometimes blue, sometimes red.
            let tint = if index % 2 == 0 { [7, 0, 0, 0] } else { [0, 0, 2, 0] };
            for (x, y) in [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)] {
                if y < height {
                    picture.set_pixel(x, y, tint);
                }
            }
            let mut expected = TileSet::new(picture.grid());
            expected.mark(x.into(), y.into(), 1, 1);
            let mut frame = before.clone();
            let changed = frame.update(converter, &picture, &picture.all_tiles());
            assert!(frame.planes[0] == before.planes[0], "the luma is the same");
            assert!(frame != before && changed == expected, "{kernel:?} {format:?} at {x},{y}");
        }
    }
}

/// Rows of tiles of more than one word of bits.
#[test]
fn wide_pictures() {
    let picture = Picture::random(if cfg!(miri) { 4140 } else { 8229 }, 18, 2, 3);
    for format in Format::ALL {
        let expected = Frame::convert(format, Kernel::Scalar, Matrix::default(), &picture, 1);
        for kernel in kernels() {
            assert!(
                Frame::convert(format, kernel, Matrix::default(), &picture, 1) == expected,
                "{kernel:?} {format:?}"
            );
        }
    }
}

#[test]
fn the_best_kernel_is_available() {
    assert!(Kernel::best().is_available());
    assert_eq!(Converter::new(Matrix::default()).kernel(), Kernel::best());
}
