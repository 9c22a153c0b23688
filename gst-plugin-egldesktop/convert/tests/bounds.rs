//! Memory that ends where the picture does, with nothing mapped around it: one byte too far is a crash.
#![cfg(all(unix, not(miri)))]
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::{ffi::c_void, ptr, slice};

use common::{Picture, kernels};
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use tile_convert::{Converter, Error, Format, Matrix, Plane, Planes, Source, TileGrid, TileSet};

const PAGE: usize = 65536;

/// Memory between two pages that cannot be touched.
struct Fenced {
    mapping: *mut c_void,
    mapped: usize,
    start: *mut u8,
    length: usize,
}

impl Fenced {
    /// Next to the fence before it or the one after it.
    fn new(length: usize, at_end: bool) -> Self {
        let inside = length.next_multiple_of(PAGE).max(PAGE);
        let mapped = inside + 2 * PAGE;
        // SAFETY: a new mapping, of which the outer pages are never used.
        unsafe {
            let protection = ProtFlags::READ | ProtFlags::WRITE;
            let mapping = mmap_anonymous(ptr::null_mut(), mapped, protection, MapFlags::PRIVATE).unwrap();
            mprotect(mapping, PAGE, MprotectFlags::empty()).unwrap();
            mprotect(mapping.byte_add(PAGE + inside), PAGE, MprotectFlags::empty()).unwrap();
            let offset = if at_end { inside - length } else { 0 };
            Self { mapping, mapped, start: mapping.cast::<u8>().add(PAGE + offset), length }
        }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes are mapped, and borrowed through `self` alone.
        unsafe { slice::from_raw_parts_mut(self.start, self.length) }
    }
}

impl Drop for Fenced {
    fn drop(&mut self) {
        // SAFETY: nothing refers to the mapping any more.
        unsafe { munmap(self.mapping, self.mapped).unwrap() };
    }
}

#[test]
fn nothing_outside_is_touched() {
    for (width, height) in [(1, 1), (3, 2), (15, 16), (64, 16), (65, 17), (127, 15), (130, 33), (200, 40), (256, 32)] {
        for (kernel, format, at_end) in kernels()
            .flat_map(|kernel| Format::ALL.map(|format| [(kernel, format, false), (kernel, format, true)]))
            .flatten()
        {
            let picture = Picture::random(width, height, 0, 1);
            let mut source = Fenced::new(picture.data.len(), at_end);
            source.bytes().copy_from_slice(&picture.data);
            let sizes = [0, 1, 2].map(|plane| format.plane_size(plane, width, height));
            let mut planes = sizes.map(|(row_bytes, rows)| Fenced::new(row_bytes * rows, at_end));
            let [first, second, third] = &mut planes;
            let plane = |fenced, index: usize| Plane::new(Fenced::bytes(fenced), sizes[index].0);
            let mut planes = match format {
                Format::Nv12 => Planes::Nv12 { y: plane(first, 0), uv: plane(second, 1) },
                Format::I420 => Planes::I420 { y: plane(first, 0), u: plane(second, 1), v: plane(third, 2) },
                Format::Bgrx => Planes::Bgrx(plane(first, 0)),
            };
            // SAFETY: mapped until the end of this block.
            let source = unsafe { Source::from_raw(source.start, source.length, picture.stride, width, height) };
            let (stale, mut changed) = (picture.all_tiles(), TileSet::new(picture.grid()));
            let converter = Converter::with_kernel(kernel, Matrix::default());
            let count = converter.update(&source.unwrap(), &mut planes, &stale, &mut changed).unwrap();
            assert_eq!(count, stale.count());
        }
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let bytes = [0; 4 * 10 * 4];
    assert_eq!(Source::from_slice(&bytes, 39, 10, 4).unwrap_err(), Error::Stride { row_bytes: 40, stride: 39 });
    assert_eq!(Source::from_slice(&bytes, 40, 10, 5).unwrap_err(), Error::TooShort { needed: 200, available: 160 });
    assert_eq!(
        Source::from_slice(&bytes[1..], 40, 10, 4).unwrap_err(),
        Error::TooShort { needed: 160, available: 159 }
    );
    assert!(Source::from_slice(&bytes, usize::MAX, 10, 4).is_err(), "a product that overflows");
    assert!(Source::from_slice(&bytes, usize::MAX, 10, 1).is_ok(), "the stride of a single row is of no interest");
    assert!(Source::from_slice(&[], 0, 0, 4).is_ok(), "an empty picture");

    let source = Source::from_slice(&bytes, 40, 10, 4).unwrap();
    let converter = Converter::new(Matrix::default());
    let grid = TileGrid::new(10, 4);
    let mut stale = TileSet::new(grid);
    stale.mark_all();
    let update = |luma: usize, chroma: usize, stride: usize, stale: &TileSet, changed: &mut TileSet| {
        let (mut y, mut uv) = (vec![9; luma], vec![9; chroma]);
        let mut planes = Planes::Nv12 { y: Plane::new(&mut y, stride), uv: Plane::new(&mut uv, stride) };
        let result = converter.update(&source, &mut planes, stale, changed);
        assert!(result.is_ok() || y.iter().chain(&uv).all(|byte| *byte == 9), "an error, and yet it wrote");
        result
    };
    let mut changed = TileSet::new(grid);
    assert_eq!(update(40, 20, 10, &stale, &mut changed), Ok(1));
    assert_eq!(update(39, 20, 10, &stale, &mut changed), Err(Error::TooShort { needed: 40, available: 39 }));
    assert_eq!(update(40, 19, 10, &stale, &mut changed), Err(Error::TooShort { needed: 20, available: 19 }));
    assert_eq!(update(80, 40, 9, &stale, &mut changed), Err(Error::Stride { row_bytes: 10, stride: 9 }));
    let other = TileSet::new(TileGrid::new(10, 5));
    assert_eq!(update(40, 20, 10, &other, &mut changed), Err(Error::Grid));
    assert_eq!(update(40, 20, 10, &stale, &mut other.clone()), Err(Error::Grid));
}
