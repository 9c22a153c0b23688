//! Which parts of a picture are out of date: a bitmap of tiles.
//!
//! A bitmap and not a list of rectangles, because marking is then a few instructions however many rectangles there
//! are, and overlaps and merging cost nothing. An X client that draws thousands of little things per frame is common
//! (a terminal), and keeping a list of rectangles disjoint is quadratic.

/// The width of a tile in pixels: a cache line of luma.
pub const TILE_WIDTH: u16 = 64;
/// The height of a tile in pixels: a macroblock's. Even, so that no chroma sample belongs to two tiles.
pub const TILE_HEIGHT: u16 = 16;

const WORD_BITS: usize = u64::BITS as usize;

/// A part of the picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// The left edge.
    pub x: u16,
    /// The upper edge.
    pub y: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

/// How a picture is divided into tiles. Those at the right and lower edge may be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileGrid {
    width: u16,
    height: u16,
}

impl TileGrid {
    /// The tiles of a picture of this size in pixels.
    #[must_use]
    pub const fn new(width: u16, height: u16) -> Self {
        Self { width, height }
    }

    /// Width of the picture in pixels.
    #[must_use]
    pub const fn width(self) -> u16 {
        self.width
    }

    /// Height of the picture in pixels.
    #[must_use]
    pub const fn height(self) -> u16 {
        self.height
    }

    /// Number of tiles side by side.
    #[must_use]
    pub const fn columns(self) -> u16 {
        self.width.div_ceil(TILE_WIDTH)
    }

    /// Number of tiles one below the other.
    #[must_use]
    pub const fn rows(self) -> u16 {
        self.height.div_ceil(TILE_HEIGHT)
    }

    fn words_per_row(self) -> usize {
        usize::from(self.columns()).div_ceil(WORD_BITS)
    }
}

/// A set of tiles of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TileSet {
    grid: TileGrid,
    /// A row of tiles begins at a word of its own, so that a run is found without division.
    words: Vec<u64>,
}

impl TileSet {
    /// No tile.
    #[must_use]
    pub fn new(grid: TileGrid) -> Self {
        Self { grid, words: vec![0; grid.words_per_row() * usize::from(grid.rows())] }
    }

    /// The division of the picture.
    #[must_use]
    pub fn grid(&self) -> TileGrid {
        self.grid
    }

    /// Adds every tile that the rectangle touches. What lies outside of the picture is ignored.
    pub fn mark(&mut self, x: i32, y: i32, width: i32, height: i32) {
        let (Some((left, right)), Some((top, bottom))) = (
            tiles_touched(x, width, self.grid.width, TILE_WIDTH),
            tiles_touched(y, height, self.grid.height, TILE_HEIGHT),
        ) else {
            return;
        };
        let stride = self.grid.words_per_row();
        for row in self.words[top * stride..=bottom * stride + stride - 1].chunks_exact_mut(stride) {
            set_bits(row, left, right);
        }
    }

    /// Adds every tile.
    pub fn mark_all(&mut self) {
        self.mark(0, 0, self.grid.width.into(), self.grid.height.into());
    }

    /// Removes every tile.
    pub fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Adds the tiles of another set.
    ///
    /// # Panics
    ///
    /// If the other set is of a picture of another size.
    pub fn union(&mut self, other: &Self) {
        assert_eq!(self.grid, other.grid, "tiles of pictures of different sizes");
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Keeps only the tiles that are in the other set as well.
    ///
    /// # Panics
    ///
    /// If the other set is of a picture of another size.
    pub fn intersect(&mut self, other: &Self) {
        assert_eq!(self.grid, other.grid, "tiles of pictures of different sizes");
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// Removes the tiles of another set.
    ///
    /// # Panics
    ///
    /// If the other set is of a picture of another size.
    pub fn subtract(&mut self, other: &Self) {
        assert_eq!(self.grid, other.grid, "tiles of pictures of different sizes");
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    /// Whether there is no tile in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// The number of tiles in it.
    #[must_use]
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Which part of the grid it is, 0 to 1.
    #[must_use]
    pub fn part(&self) -> f64 {
        let all = u32::from(self.grid.columns()) * u32::from(self.grid.rows());
        self.count() as f64 / f64::from(all.max(1))
    }

    /// The number of pixels in it.
    #[must_use]
    pub fn area(&self) -> usize {
        self.runs().map(|rect| usize::from(rect.width) * usize::from(rect.height)).sum()
    }

    /// Whether it contains a tile.
    #[must_use]
    pub fn contains(&self, column: u16, row: u16) -> bool {
        column < self.grid.columns() && row < self.grid.rows() && {
            let word = usize::from(row) * self.grid.words_per_row() + usize::from(column) / WORD_BITS;
            self.words[word] >> (usize::from(column) % WORD_BITS) & 1 == 1
        }
    }

    /// Its tiles as rectangles that do not overlap, adjacent tiles of a row together, from top to bottom.
    pub fn runs(&self) -> impl Iterator<Item = Rect> + '_ {
        let TileGrid { width, height } = self.grid;
        self.tile_runs().map(move |run| {
            let (x, y) = (run.first as u16 * TILE_WIDTH, run.row as u16 * TILE_HEIGHT);
            Rect {
                x,
                y,
                width: (run.count as u16).saturating_mul(TILE_WIDTH).min(width - x),
                height: TILE_HEIGHT.min(height - y),
            }
        })
    }

    /// Its tiles as rectangles that do not overlap, fewer than [`Self::runs`]: what is the same in adjacent rows of tiles
    /// is together. Where it takes more than `limit` of them, one that holds them all.
    #[must_use]
    pub fn rects(&self, limit: usize) -> Vec<Rect> {
        let mut rects: Vec<Rect> = Vec::new();
        for run in self.runs() {
            let ends_above = |rect: &Rect| (rect.x, rect.width, rect.y + rect.height) == (run.x, run.width, run.y);
            match rects.iter().rposition(ends_above) {
                Some(above) => rects[above].height += run.height,
                None if rects.len() < limit => rects.push(run),
                None => return self.bounds().into_iter().collect(),
            }
        }
        rects
    }

    /// The smallest rectangle with all of its tiles; `None` when there are none.
    #[must_use]
    pub fn bounds(&self) -> Option<Rect> {
        self.runs().reduce(|one, other| {
            let (x, y) = (one.x.min(other.x), one.y.min(other.y));
            let right = (one.x + one.width).max(other.x + other.width);
            let bottom = (one.y + one.height).max(other.y + other.height);
            Rect { x, y, width: right - x, height: bottom - y }
        })
    }

    /// Like [`Self::runs`], in tiles.
    pub(crate) fn tile_runs(&self) -> impl Iterator<Item = TileRun> + '_ {
        self.words.chunks_exact(self.grid.words_per_row().max(1)).enumerate().flat_map(|(row, words)| {
            let mut next = 0;
            std::iter::from_fn(move || {
                let first = find_bit(words, next, 0)?;
                next = find_bit(words, first, !0).unwrap_or(words.len() * WORD_BITS);
                Some(TileRun { row, first, count: next - first })
            })
        })
    }

    /// The bits of a row of tiles.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [u64] {
        let stride = self.grid.words_per_row();
        &mut self.words[row * stride..][..stride]
    }
}

/// Adjacent tiles of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TileRun {
    pub(crate) row: usize,
    pub(crate) first: usize,
    pub(crate) count: usize,
}

/// First and last tile that a stretch of pixels touches, if any.
fn tiles_touched(start: i32, length: i32, limit: u16, tile: u16) -> Option<(usize, usize)> {
    let end = i64::from(start) + i64::from(length);
    let (start, end) = (i64::from(start).max(0), end.min(limit.into()));
    let tile = usize::from(tile);
    // Both are within 0..=limit, where nothing is cut off.
    (start < end).then(|| (start as usize / tile, (end as usize - 1) / tile))
}

fn set_bits(words: &mut [u64], first: usize, last: usize) {
    let (head, tail) = (!0 << (first % WORD_BITS), !0 >> (WORD_BITS - 1 - last % WORD_BITS));
    match &mut words[first / WORD_BITS..=last / WORD_BITS] {
        [only] => *only |= head & tail,
        [start, middle @ .., end] => {
            *start |= head;
            middle.fill(!0);
            *end |= tail;
        }
        [] => {}
    }
}

/// The first bit from `from` on that is set after the words are XORed with `flip`.
fn find_bit(words: &[u64], from: usize, flip: u64) -> Option<usize> {
    let start = from / WORD_BITS;
    let mut mask = !0 << (from % WORD_BITS);
    for (index, word) in words.iter().enumerate().skip(start) {
        let found = (word ^ flip) & mask;
        if found != 0 {
            return Some(index * WORD_BITS + found.trailing_zeros() as usize);
        }
        mask = !0;
    }
    None
}
