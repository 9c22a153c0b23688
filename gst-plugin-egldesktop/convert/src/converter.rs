//! The entry point: which tiles, in which order, by which kernel.

use crate::{
    Error, Format, Kernel, Matrix, Planes, Source, TILE_HEIGHT, TILE_WIDTH, TileGrid, TileSet,
    kernel::{BLOCK, PairFn, Pitch, RowPair, convert_edge},
    matrix::Coefficients,
    planes::RawPlane,
    tiles::TileRun,
};

/// Brings frames up to date with a framebuffer.
#[derive(Debug, Clone, Copy)]
pub struct Converter {
    kernel: Kernel,
    coefficients: Coefficients,
}

impl Converter {
    /// With the fastest kernel for this CPU. They all write the same bytes.
    #[must_use]
    pub fn new(matrix: Matrix) -> Self {
        Self::with_kernel(Kernel::best(), matrix)
    }

    /// With a given kernel, for tests and comparisons. One that this CPU lacks is replaced by the portable one.
    #[must_use]
    pub fn with_kernel(kernel: Kernel, matrix: Matrix) -> Self {
        let kernel = if kernel.is_available() { kernel } else { Kernel::Scalar };
        Self { kernel, coefficients: matrix.coefficients() }
    }

    /// The kernel in use.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// Converts the `stale` tiles, and nothing else. Afterwards `changed` holds those of them that did not already have
    /// these bytes. Returns their number.
    ///
    /// # Errors
    ///
    /// If the planes are too small for the picture, or a tile set is of another picture size. Then nothing was done.
    pub fn update(
        &self,
        source: &Source<'_>,
        planes: &mut Planes<'_>,
        stale: &TileSet,
        changed: &mut TileSet,
    ) -> Result<usize, Error> {
        let (width, height) = (source.width(), source.height());
        let grid = TileGrid::new(width, height);
        if stale.grid() != grid || changed.grid() != grid {
            return Err(Error::Grid);
        }
        let format = planes.format();
        let planes = planes.raw(width, height)?;
        let convert = self.kernel.pair_fn(format);

        changed.clear();
        for run in stale.tile_runs() {
            self.update_run(convert, source, format, planes, run, changed.row_mut(run.row));
        }
        Ok(changed.count())
    }

    /// A pair of rows at a time over the whole run, not tile by tile: long stretches are what the CPU's prefetcher
    /// understands.
    fn update_run(
        &self,
        convert: PairFn,
        source: &Source<'_>,
        format: Format,
        planes: [RawPlane; 3],
        run: TileRun,
        changed: &mut [u64],
    ) {
        let (width, height) = (usize::from(source.width()), usize::from(source.height()));
        let (tile_width, tile_height) = (usize::from(TILE_WIDTH), usize::from(TILE_HEIGHT));
        let (left, top) = (run.first * tile_width, run.row * tile_height);
        let pixels = (run.count * tile_width).min(width - left);
        let (blocks, rest) = (pixels / BLOCK, pixels % BLOCK);
        let start = format.offsets(left);
        let [first, second, third] = planes.map(RawPlane::stride);
        let pitch = Pitch { source: 2 * source.stride(), rows: 2 * first, chroma: [second, third] };
        for y in (top..height.min(top + tile_height)).step_by(2) {
            // An odd last row is its own partner: the chroma is then its average alone, and what is written twice is
            // the same.
            let below = (y + 1).min(height - 1);
            let pair = RowPair {
                source: [source.pixel(left, y), source.pixel(left, below)],
                rows: [planes[0].byte(start.row, y), planes[0].byte(start.row, below)],
                chroma: [planes[1].byte(start.chroma[0], y / 2), planes[2].byte(start.chroma[1], y / 2)],
                pitch,
            };
            // SAFETY: the run lies within the picture, and picture and planes lie within their memory, which was
            // checked when `Source` and `RawPlane` were made. Nobody else has the planes: they are borrowed mutably.
            // `with_kernel` made sure that the CPU has this kernel.
            unsafe {
                convert(pair, &self.coefficients, blocks, run.first, changed);
                if rest != 0 {
                    let edge = pair.skip(format, blocks);
                    convert_edge(convert, edge, format, rest, &self.coefficients, run.first + blocks, changed);
                }
            }
        }
    }
}
