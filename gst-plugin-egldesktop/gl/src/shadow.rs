//! What the picture on the GPU shows, once more in memory of our own.

use tile_convert::{Converter, Matrix, Plane, Planes, Source, TileGrid, TileSet};

use crate::Error;

/// A copy of a framebuffer that somebody else draws to.
///
/// It stands between the two for three reasons. The driver reads what is uploaded at its leisure, and the framebuffer
/// would not stand still. Much of what X calls damage draws the same pixels again: comparing finds out here, for the
/// price of the copy, before anything is uploaded or encoded. And a GPU that takes long does not hold the reading up.
#[derive(Debug)]
pub struct Shadow {
    pixels: Vec<u8>,
    grid: TileGrid,
    converter: Converter,
    changed: TileSet,
}

impl Shadow {
    /// A black one.
    #[must_use]
    pub fn new(width: u16, height: u16) -> Self {
        let grid = TileGrid::new(width, height);
        let pixels = vec![0; usize::from(width) * usize::from(height) * 4];
        // BGRx to BGRx: the matrix does not matter.
        Self { pixels, grid, converter: Converter::new(Matrix::default()), changed: TileSet::new(grid) }
    }

    /// Brings the damaged tiles up to date. Returns those that really changed.
    ///
    /// # Errors
    ///
    /// If the source or the damage is of another size.
    pub fn update(&mut self, source: &Source<'_>, damage: &TileSet) -> Result<&TileSet, Error> {
        if (source.width(), source.height()) != (self.grid.width(), self.grid.height()) {
            return Err(Error::Size("framebuffer and shadow"));
        }
        let (converter, stride) = (self.converter, self.stride());
        let mut planes = Planes::Bgrx(Plane::new(&mut self.pixels, stride));
        converter.update(source, &mut planes, damage, &mut self.changed)?;
        Ok(&self.changed)
    }

    /// To be brought up to date by other means: BGRx.
    pub fn planes(&mut self) -> Planes<'_> {
        let stride = self.stride();
        Planes::Bgrx(Plane::new(&mut self.pixels, stride))
    }

    /// The division of the picture.
    #[must_use]
    pub fn grid(&self) -> TileGrid {
        self.grid
    }

    /// Bytes of a row, and from a row to the next.
    pub(crate) fn stride(&self) -> usize {
        usize::from(self.grid.width()) * 4
    }

    /// BGRx.
    pub(crate) fn pixels(&self) -> &[u8] {
        &self.pixels
    }
}
