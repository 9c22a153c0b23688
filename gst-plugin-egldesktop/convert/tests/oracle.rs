//! The portable kernel against another implementation, the crate `yuv`.
#![cfg(not(miri))]
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::{Frame, Picture};
use tile_convert::{Format, Kernel, Matrix};
use yuv::{
    YuvBiPlanarImageMut, YuvChromaSubsampling, YuvConversionMode, YuvRange, YuvStandardMatrix, bgra_to_yuv_nv12,
};

#[test]
fn agrees_with_yuv() {
    for (ours, theirs) in
        [(Matrix::Bt709Limited, YuvStandardMatrix::Bt709), (Matrix::Bt601Limited, YuvStandardMatrix::Bt601)]
    {
        for (width, height) in [(64, 16), (640, 360), (130, 34), (65, 33), (7, 5), (1, 1)] {
            let picture = Picture::random(width, height, 0, 7);
            let frame = Frame::convert(Format::Nv12, Kernel::Scalar, ours, &picture, 0);
            let mut image = YuvBiPlanarImageMut::<u8>::alloc(width.into(), height.into(), YuvChromaSubsampling::Yuv420);
            let mode = YuvConversionMode::Professional;
            bgra_to_yuv_nv12(&mut image, &picture.data, picture.stride as u32, YuvRange::Limited, theirs, mode)
                .unwrap();

            let planes = [(image.y_plane.borrow(), image.y_stride), (image.uv_plane.borrow(), image.uv_stride)];
            for (index, (plane, stride)) in planes.into_iter().enumerate() {
                let (row_bytes, rows) = Format::Nv12.plane_size(index, width, height);
                for row in 0..rows {
                    let theirs = &plane[row * stride as usize..][..row_bytes];
                    for (x, (ours, theirs)) in frame.planes[index].row(row).iter().zip(theirs).enumerate() {
                        assert!(
                            ours.abs_diff(*theirs) <= 1,
                            "plane {index} of {width}x{height} at {x},{row}: {ours}, yuv says {theirs}"
                        );
                    }
                }
            }
        }
    }
}
