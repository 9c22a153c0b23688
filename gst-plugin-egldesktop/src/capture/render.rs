//! Brings a frame up to date with the screen. Each keeps its content when it comes back, and only what has changed since
//! is converted: a frame costs what changed, not what exists.

use tile_convert::{Converter, Format, Matrix, Planes, Rect, Source, TileGrid, TileSet};

use super::pointer::Overlay;
use super::{BYTES_PER_PIXEL, CaptureError, Size};

/// What frames look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) format: Format,
    pub(crate) matrix: Matrix,
    pub(crate) size: Size,
}

/// A finished frame, to compare with.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) planes: [&'a [u8]; 3],
    /// Bytes from one row to the next.
    pub(crate) strides: [usize; 3],
}

impl<'a> View<'a> {
    /// From a row to the end of the plane.
    fn row(self, plane: usize, row: usize) -> &'a [u8] {
        self.planes[plane].get(row * self.strides[plane]..).unwrap_or_default()
    }
}

/// Brings frames up to date; see the module.
pub(crate) struct Renderer {
    picture: Picture,
    converter: Converter,
    /// What is new in the frame at hand.
    changed: TileSet,
    /// What it had to catch up with before the newest damage.
    outdated: TileSet,
    /// What lies under the overlay.
    covered: TileSet,
    beside: TileSet,
    patch: Patch,
    /// Pixels of the screen that were read, since somebody asked.
    read: u64,
}

/// A part of the picture that something is drawn over.
#[derive(Default)]
struct Patch {
    pixels: Vec<u8>,
    tiles: Option<(TileSet, TileSet)>,
}

impl Renderer {
    pub(crate) fn new(picture: Picture) -> Self {
        let none = TileSet::new(TileGrid::new(picture.size.width, picture.size.height));
        Self {
            picture,
            converter: Converter::new(picture.matrix),
            changed: none.clone(),
            outdated: none.clone(),
            covered: none.clone(),
            beside: none,
            patch: Patch::default(),
            read: 0,
        }
    }

    pub(crate) fn picture(&self) -> &Picture {
        &self.picture
    }

    /// Converts what is `stale` in a frame, or was damaged since, and clears `stale`.
    pub(crate) fn update(
        &mut self,
        planes: &mut Planes<'_>,
        stale: &mut TileSet,
        damage: &TileSet,
        source: &Source<'_>,
        overlay: Option<&Overlay<'_>>,
    ) -> Result<(), CaptureError> {
        self.outdated.clone_from(stale);
        stale.union(damage);
        self.read += stale.runs().map(|run| u64::from(run.width) * u64::from(run.height)).sum::<u64>();
        self.covered.clear();
        if let Some(Overlay { part, .. }) = overlay {
            self.covered.mark(part.x.into(), part.y.into(), part.width.into(), part.height.into());
            self.covered.intersect(stale);
        }
        match overlay {
            Some(overlay) if !self.covered.is_empty() => {
                // Not what lies under it first: that would be a change, and a change back.
                self.beside.clone_from(stale);
                self.beside.subtract(&self.covered);
                self.converter.update(source, planes, &self.beside, &mut self.changed)?;
                self.patch.update(&self.converter, planes, source, overlay, &self.covered, &mut self.changed)?;
            }
            _ => {
                self.converter.update(source, planes, stale, &mut self.changed)?;
            }
        }
        stale.clear();
        Ok(())
    }

    /// How many pixels of the screen were read since this was called last.
    pub(crate) fn take_read(&mut self) -> u64 {
        std::mem::take(&mut self.read)
    }

    /// The tiles in which the frame that was updated last may differ from the one before, where `damage` is what may
    /// have changed since that one; exact if both are in the same memory.
    ///
    /// Where the memory was older than the last frame, it was compared with something else: a cursor that blinks is back
    /// to what it was two frames ago.
    pub(crate) fn candidates(&mut self, damage: &TileSet) -> &TileSet {
        self.changed.union(&self.outdated);
        self.changed.intersect(damage);
        &self.changed
    }

    /// Whether two frames differ in the [candidates](Self::candidates). Where the picture moves, the first row tells.
    pub(crate) fn differ(&self, one: View<'_>, other: View<'_>) -> bool {
        self.changed.runs().any(|run| self.differ_in(run, one, other))
    }

    fn differ_in(&self, area: Rect, one: View<'_>, other: View<'_>) -> bool {
        let Picture { format, size, .. } = self.picture;
        (0..3).any(|plane| {
            if format.plane_size(plane, size.width, size.height).0 == 0 {
                return false;
            }
            // Chroma has half the rows, and rows of which a part belongs to the rectangle.
            let half = usize::from(plane > 0);
            let row_bytes = |pixels: u16| format.plane_size(plane, pixels, 1).0;
            let (start, length) = (row_bytes(area.x), row_bytes(area.width));
            let mut rows = usize::from(area.y) >> half..(usize::from(area.y + area.height) + half) >> half;
            rows.any(|row| {
                let (one, other) = (one.row(plane, row), other.row(plane, row));
                one.get(start..start + length) != other.get(start..start + length)
            })
        })
    }
}

impl Patch {
    /// Converts the `stale` tiles of the part under the overlay, and no others: those would be ahead of their damage.
    fn update(
        &mut self,
        converter: &Converter,
        planes: &mut Planes<'_>,
        source: &Source<'_>,
        overlay: &Overlay<'_>,
        stale: &TileSet,
        changed: &mut TileSet,
    ) -> Result<(), CaptureError> {
        let Rect { x, y, width, height } = overlay.part;
        overlay.draw(source, &mut self.pixels)?;
        let grid = TileGrid::new(width, height);
        if self.tiles.as_ref().is_none_or(|(tiles, _)| tiles.grid() != grid) {
            self.tiles = None;
        }
        let (wanted, new) = self.tiles.get_or_insert_with(|| (TileSet::new(grid), TileSet::new(grid)));
        wanted.clear();
        for run in stale.runs() {
            let (left, top) = (i32::from(run.x) - i32::from(x), i32::from(run.y) - i32::from(y));
            wanted.mark(left, top, run.width.into(), run.height.into());
        }
        let source = Source::from_slice(&self.pixels, usize::from(width) * BYTES_PER_PIXEL, width, height)?;
        converter.update(&source, &mut planes.part(x, y), wanted, new)?;
        for run in new.runs() {
            let (left, top) = (i32::from(x + run.x), i32::from(y + run.y));
            changed.mark(left, top, run.width.into(), run.height.into());
        }
        Ok(())
    }
}
