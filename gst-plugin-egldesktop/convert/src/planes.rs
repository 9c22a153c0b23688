//! The frame to write to.

use crate::{
    error::{Error, check_extent},
    source::PIXEL_BYTES,
};

/// How a frame is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A plane of luma, a plane of interleaved chroma at half the size.
    Nv12,
    /// A plane of luma, two of chroma at half the size.
    I420,
    /// One plane, four bytes per pixel; the fourth is written as 255, so that it neither counts as a change nor shows
    /// through where somebody takes it for alpha.
    Bgrx,
}

impl Format {
    /// Every format there is.
    pub const ALL: [Self; 3] = [Self::Nv12, Self::I420, Self::Bgrx];

    /// Bytes per row and number of rows of a plane; chroma covers an odd last column and row. Both are 0 for a plane
    /// that the format does not have.
    #[must_use]
    pub fn plane_size(self, plane: usize, width: u16, height: u16) -> (usize, usize) {
        let (height, half_height) = (usize::from(height), usize::from(height).div_ceil(2));
        let Offsets { row, chroma } = self.offsets(width.into());
        match plane {
            0 => (row, height),
            1 | 2 if chroma[plane - 1] != 0 => (chroma[plane - 1], half_height),
            _ => (0, 0),
        }
    }
}

/// How many bytes into a row, or how many of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offsets {
    /// Of luma, or BGRx.
    pub(crate) row: usize,
    /// Of the other planes.
    pub(crate) chroma: [usize; 2],
}

impl Format {
    /// The bytes that so many pixels take up.
    #[inline(always)]
    pub(crate) fn offsets(self, pixels: usize) -> Offsets {
        let half = pixels.div_ceil(2);
        let (row, chroma) = match self {
            Self::Nv12 => (pixels, [2 * half, 0]),
            Self::I420 => (pixels, [half, half]),
            Self::Bgrx => (pixels * PIXEL_BYTES, [0, 0]),
        };
        Offsets { row, chroma }
    }
}

/// One plane of a frame.
#[derive(Debug)]
pub struct Plane<'a> {
    data: &'a mut [u8],
    stride: usize,
}

impl<'a> Plane<'a> {
    /// Rows `stride` bytes apart; the last one may be shorter than that.
    #[must_use]
    pub fn new(data: &'a mut [u8], stride: usize) -> Self {
        Self { data, stride }
    }

    /// From a byte of a row on; nothing of it where it has no such row.
    fn part(&mut self, offset: usize, row: usize) -> Plane<'_> {
        Plane { data: self.data.get_mut(row * self.stride + offset..).unwrap_or_default(), stride: self.stride }
    }

    fn raw(&mut self, (row_bytes, rows): (usize, usize)) -> Result<RawPlane, Error> {
        check_extent(self.data.len(), self.stride, row_bytes, rows)?;
        Ok(RawPlane { data: self.data.as_mut_ptr(), stride: self.stride })
    }
}

/// The planes of a frame.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are the planes")]
pub enum Planes<'a> {
    /// See [`Format::Nv12`].
    Nv12 { y: Plane<'a>, uv: Plane<'a> },
    /// See [`Format::I420`].
    I420 { y: Plane<'a>, u: Plane<'a>, v: Plane<'a> },
    /// See [`Format::Bgrx`].
    Bgrx(Plane<'a>),
}

impl Planes<'_> {
    /// Their format.
    #[must_use]
    pub fn format(&self) -> Format {
        match self {
            Self::Nv12 { .. } => Format::Nv12,
            Self::I420 { .. } => Format::I420,
            Self::Bgrx(_) => Format::Bgrx,
        }
    }

    /// The planes from a pixel on, as those of a picture of its own. The pixel must be the first one of a tile.
    pub fn part(&mut self, x: u16, y: u16) -> Planes<'_> {
        debug_assert!(x.is_multiple_of(crate::TILE_WIDTH) && y.is_multiple_of(crate::TILE_HEIGHT));
        let Offsets { row, chroma } = self.format().offsets(x.into());
        let (y_row, chroma_row) = (usize::from(y), usize::from(y) / 2);
        match self {
            Self::Nv12 { y, uv } => Planes::Nv12 { y: y.part(row, y_row), uv: uv.part(chroma[0], chroma_row) },
            Self::I420 { y, u, v } => Planes::I420 {
                y: y.part(row, y_row),
                u: u.part(chroma[0], chroma_row),
                v: v.part(chroma[1], chroma_row),
            },
            Self::Bgrx(plane) => Planes::Bgrx(plane.part(row, y_row)),
        }
    }

    /// Pointers to the planes, after a check that a picture of this size fits into them.
    pub(crate) fn raw(&mut self, width: u16, height: u16) -> Result<[RawPlane; 3], Error> {
        let format = self.format();
        let raw = |index, plane: &mut Plane<'_>| plane.raw(format.plane_size(index, width, height));
        Ok(match self {
            Self::Nv12 { y, uv } => [raw(0, y)?, raw(1, uv)?, RawPlane::NONE],
            Self::I420 { y, u, v } => [raw(0, y)?, raw(1, u)?, raw(2, v)?],
            Self::Bgrx(plane) => [raw(0, plane)?, RawPlane::NONE, RawPlane::NONE],
        })
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RawPlane {
    data: *mut u8,
    stride: usize,
}

impl RawPlane {
    /// Stands for a plane that the format does not have.
    const NONE: Self = Self { data: std::ptr::null_mut(), stride: 0 };

    /// Bytes from one row to the next.
    pub(crate) fn stride(self) -> usize {
        self.stride
    }

    /// The address of a byte. It is good for access only within the plane.
    pub(crate) fn byte(self, offset: usize, row: usize) -> *mut u8 {
        self.data.wrapping_add(row * self.stride + offset)
    }
}
