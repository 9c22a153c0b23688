//! The framebuffer to read from.

use std::{marker::PhantomData, ptr};

use crate::{
    Rect,
    error::{Error, check_extent},
};

pub(crate) const PIXEL_BYTES: usize = 4;

/// A BGRx picture in memory that somebody else may be writing to at this moment.
///
/// That is why it holds a pointer: a `&[u8]` would promise that the bytes stand still. They are only ever copied out,
/// into registers or onto the stack, and any value is a valid pixel: the worst that a concurrent write does is a torn
/// picture, and it comes with damage that repairs it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    data: *const u8,
    stride: usize,
    width: u16,
    height: u16,
    memory: PhantomData<&'a u8>,
}

impl<'a> Source<'a> {
    /// Shared memory: `length` bytes at `data`, rows `stride` bytes apart. Sizes are 16 bits wide because X's are.
    ///
    /// # Errors
    ///
    /// If the picture does not fit into the memory.
    ///
    /// # Safety
    ///
    /// `length` bytes at `data` must stay mapped and readable for `'a`. They may change at any time, also while they
    /// are read, as long as it is another process that writes them.
    pub unsafe fn from_raw(
        data: *const u8,
        length: usize,
        stride: usize,
        width: u16,
        height: u16,
    ) -> Result<Self, Error> {
        check_extent(length, stride, usize::from(width) * PIXEL_BYTES, height.into())?;
        Ok(Self { data, stride, width, height, memory: PhantomData })
    }

    /// Memory of our own.
    ///
    /// # Errors
    ///
    /// If the picture does not fit into the slice.
    pub fn from_slice(data: &'a [u8], stride: usize, width: u16, height: u16) -> Result<Self, Error> {
        // SAFETY: a slice that is borrowed for 'a is readable for 'a.
        unsafe { Self::from_raw(ptr::from_ref(data).cast(), data.len(), stride, width, height) }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u16 {
        self.height
    }

    /// Bytes from one row to the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Copies a part of the picture, whose rows then follow each other without a gap.
    ///
    /// # Errors
    ///
    /// If the part is not within the picture, or does not fit into `to`.
    pub fn read(&self, part: Rect, to: &mut [u8]) -> Result<(), Error> {
        let (right, bottom) =
            (usize::from(part.x) + usize::from(part.width), usize::from(part.y) + usize::from(part.height));
        if right > self.width.into() || bottom > self.height.into() {
            return Err(Error::Outside);
        }
        let row_bytes = usize::from(part.width) * PIXEL_BYTES;
        check_extent(to.len(), row_bytes, row_bytes, part.height.into())?;
        for (row, to) in to.chunks_exact_mut(row_bytes.max(1)).take(part.height.into()).enumerate() {
            // SAFETY: the row is within the picture, which is readable; `to` is memory of its own.
            unsafe {
                ptr::copy_nonoverlapping(
                    self.pixel(part.x.into(), usize::from(part.y) + row),
                    to.as_mut_ptr(),
                    row_bytes,
                )
            };
        }
        Ok(())
    }

    /// The address of a pixel, which must be within the picture.
    pub(crate) fn pixel(&self, x: usize, y: usize) -> *const u8 {
        debug_assert!(x < usize::from(self.width) && y < usize::from(self.height));
        self.data.wrapping_add(y * self.stride + x * PIXEL_BYTES)
    }
}
