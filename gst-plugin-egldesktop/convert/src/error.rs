//! What a caller can get wrong.

/// Why nothing was converted. All of it is found before the first byte is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A row of the picture is longer than the distance to the next row.
    #[error("a row of {row_bytes} bytes does not fit into a stride of {stride}")]
    Stride {
        /// The length of a row.
        row_bytes: usize,
        /// The distance between two rows.
        stride: usize,
    },
    /// The memory ends before the picture does.
    #[error("{needed} bytes are needed, {available} are there")]
    TooShort {
        /// The number of bytes from the first pixel to the last.
        needed: usize,
        /// The length of the memory.
        available: usize,
    },
    /// A tile set belongs to a picture of another size.
    #[error("the tiles are those of another picture size")]
    Grid,
    /// A part of a picture is not inside of it.
    #[error("the part is not within the picture")]
    Outside,
}

/// Checks that `rows` rows of `row_bytes`, `stride` apart, lie within `available` bytes. The last row may end early:
/// GStreamer's planes do, and so does a framebuffer at the end of its mapping.
pub(crate) fn check_extent(available: usize, stride: usize, row_bytes: usize, rows: usize) -> Result<(), Error> {
    if rows == 0 || row_bytes == 0 {
        return Ok(());
    }
    if stride < row_bytes {
        return Err(Error::Stride { row_bytes, stride });
    }
    // Saturation can only turn one refusal into another: no slice is usize::MAX long.
    let needed = stride.saturating_mul(rows - 1).saturating_add(row_bytes);
    if needed > available { Err(Error::TooShort { needed, available }) } else { Ok(()) }
}
