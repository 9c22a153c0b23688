//! Brings a video frame (NV12, I420 or BGRx) up to date with a BGRx framebuffer.
//!
//! A desktop mostly stands still. So the picture is divided into tiles ([`TileGrid`]), the caller collects in a
//! [`TileSet`] which of them are stale in a given buffer, and [`Converter::update`] brings just these up to date: one
//! pass that reads the framebuffer, converts, compares with the bytes that are there and writes. It reports the tiles
//! whose bytes really changed, because much of what X calls damage draws the same pixels again, and a frame that did
//! not change need not be encoded.
//!
//! ```
//! use tile_convert::{Converter, Matrix, Plane, Planes, Source, TileGrid, TileSet};
//!
//! let (width, height) = (100, 30);
//! let framebuffer = vec![0_u8; 400 * 30];
//! let source = Source::from_slice(&framebuffer, 400, width, height)?;
//! let (mut luma, mut chroma) = (vec![0_u8; 128 * 30], vec![0_u8; 128 * 15]);
//! let mut planes = Planes::Nv12 { y: Plane::new(&mut luma, 128), uv: Plane::new(&mut chroma, 128) };
//!
//! let grid = TileGrid::new(width, height);
//! let (mut stale, mut changed) = (TileSet::new(grid), TileSet::new(grid));
//! stale.mark_all();
//! let converter = Converter::new(Matrix::Bt709Limited);
//! assert_eq!(converter.update(&source, &mut planes, &stale, &mut changed)?, 4, "black is not zero in NV12");
//! assert_eq!(converter.update(&source, &mut planes, &stale, &mut changed)?, 0, "nothing was drawn since");
//! # Ok::<(), tile_convert::Error>(())
//! ```

#![deny(missing_docs)]

mod converter;
mod error;
mod kernel;
mod matrix;
mod planes;
mod source;
mod tiles;

pub use converter::Converter;
pub use error::Error;
pub use kernel::Kernel;
pub use matrix::{CHROMA_BITS, CHROMA_OFFSET, Coefficients, LUMA_BITS, LUMA_OFFSET, Matrix, Weights};
pub use planes::{Format, Plane, Planes};
pub use source::Source;
pub use tiles::{Rect, TILE_HEIGHT, TILE_WIDTH, TileGrid, TileSet};
