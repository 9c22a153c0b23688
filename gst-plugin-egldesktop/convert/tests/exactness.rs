//! The portable kernel against the formula of the standards, in real numbers.

mod common;

use common::{Frame, Picture};
use tile_convert::{Format, Kernel, Matrix};

/// Half a step of rounding, and a little for the coefficients having 14 or 15 bits.
const TOLERANCE: f64 = 0.52;

const MATRICES: [(Matrix, f64, f64); 2] =
    [(Matrix::Bt709Limited, 0.2126, 0.0722), (Matrix::Bt601Limited, 0.299, 0.114)];

/// Luma and the two colour differences of blue, green and red.
fn exact([blue, green, red]: [f64; 3], kr: f64, kb: f64) -> [f64; 3] {
    let luma = kr * red + (1.0 - kr - kb) * green + kb * blue;
    [
        16.0 + luma * 219.0 / 255.0,
        128.0 + (blue - luma) / (2.0 * (1.0 - kb)) * 224.0 / 255.0,
        128.0 + (red - luma) / (2.0 * (1.0 - kr)) * 224.0 / 255.0,
    ]
}

fn assert_close(actual: u8, exact: f64, of: &str, pixel: &dyn std::fmt::Debug) {
    let error = (f64::from(actual) - exact).abs();
    assert!(error <= TOLERANCE, "{of} of {pixel:?} is {actual} instead of {exact}");
}

/// All blues and greens with one red; each colour as a square of so many pixels.
fn palette(red: u8, square: u16) -> Picture {
    let mut picture = Picture::random(256, 256, 0, 0);
    for y in 0..256 {
        for x in 0..256 {
            picture.set_pixel(x, y, [(x / square * square) as u8, (y / square * square) as u8, red, 0x5A]);
        }
    }
    picture
}

#[test]
fn luma_of_every_colour() {
    for (matrix, kr, kb) in MATRICES {
        for red in (0..=255).step_by(if cfg!(miri) { 255 } else { 1 }) {
            let picture = palette(red, 1);
            let frame = Frame::convert(Format::Nv12, Kernel::best(), matrix, &picture, 0);
            for y in 0..256 {
                for (x, luma) in (0..).zip(frame.planes[0].row(y.into())) {
                    let pixel = picture.pixel(x, y);
                    assert_close(*luma, exact(pixel.map(f64::from), kr, kb)[0], "luma", &pixel);
                }
            }
        }
    }
}

#[test]
fn chroma_of_plain_colours() {
    for (matrix, kr, kb) in MATRICES {
        for red in (0..=255).step_by(if cfg!(miri) { 255 } else { 3 }) {
            let picture = palette(red, 2);
            let frame = Frame::convert(Format::I420, Kernel::best(), matrix, &picture, 0);
            for y in 0..128_u16 {
                let (cb_row, cr_row) = (frame.planes[1].row(y.into()), frame.planes[2].row(y.into()));
                for (x, (cb, cr)) in (0..).zip(cb_row.iter().zip(cr_row)) {
                    let pixel = picture.pixel(2 * x, 2 * y);
                    let exact = exact(pixel.map(f64::from), kr, kb);
                    assert_close(*cb, exact[1], "blue difference", &pixel);
                    assert_close(*cr, exact[2], "red difference", &pixel);
                }
            }
        }
    }
}

/// Chroma is that of the average of the one to four pixels that there are.
#[test]
fn chroma_of_random_pixels() {
    for (matrix, kr, kb) in MATRICES {
        for (width, height) in [(1, 1), (2, 2), (1, 7), (7, 1), (63, 17), (65, 16), (131, 35), (256, 64)] {
            let picture = Picture::random(width, height, 3, u64::from(width));
            let nv12 = Frame::convert(Format::Nv12, Kernel::Scalar, matrix, &picture, 1);
            let i420 = Frame::convert(Format::I420, Kernel::Scalar, matrix, &picture, 1);
            for y in 0..height.div_ceil(2) {
                for x in 0..width.div_ceil(2) {
                    let mut sums = [0.0; 3];
                    let mut count = 0.0;
                    for y in 2 * y..height.min(2 * y + 2) {
                        for x in 2 * x..width.min(2 * x + 2) {
                            picture
                                .pixel(x, y)
                                .into_iter()
                                .zip(&mut sums)
                                .for_each(|(new, sum)| *sum += f64::from(new));
                            count += 1.0;
                        }
                    }
                    let [_, cb, cr] = exact(sums.map(|sum| sum / count), kr, kb);
                    let (row, column) = (usize::from(y), usize::from(x));
                    let interleaved = &nv12.planes[1].row(row)[2 * column..][..2];
                    assert_close(interleaved[0], cb, "blue difference", &(x, y, width, height));
                    assert_close(interleaved[1], cr, "red difference", &(x, y, width, height));
                    assert_eq!(interleaved, [i420.planes[1].row(row)[column], i420.planes[2].row(row)[column]]);
                }
            }
            assert!(nv12.planes[0] == i420.planes[0], "the same luma");
        }
    }
}

#[test]
fn greys_are_grey() {
    for (matrix, ..) in MATRICES {
        let mut picture = Picture::random(512, 2, 0, 0);
        for x in 0..512 {
            let level = (x / 2) as u8;
            (0..2).for_each(|y| picture.set_pixel(x, y, [level, level, level, 7]));
        }
        let frame = Frame::convert(Format::Nv12, Kernel::Scalar, matrix, &picture, 0);
        assert!(frame.planes[1].row(0).iter().all(|chroma| *chroma == 128));
        let luma = frame.planes[0].row(0);
        assert_eq!((luma[0], luma[511]), (16, 235));
    }
}

#[test]
fn bgrx_is_a_copy_without_the_padding() {
    let picture = Picture::random(75, 19, 5, 1);
    let frame = Frame::convert(Format::Bgrx, Kernel::Scalar, Matrix::default(), &picture, 3);
    for y in 0..19 {
        for x in 0..75 {
            let [blue, green, red] = picture.pixel(x, y);
            assert_eq!(frame.planes[0].row(y.into())[4 * usize::from(x)..][..4], [blue, green, red, 255]);
        }
    }
}
