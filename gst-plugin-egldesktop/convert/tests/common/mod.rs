//! Pictures and frames to test with.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a module of each test, which uses some of it")]

use tile_convert::{Converter, Format, Kernel, Matrix, Plane, Planes, Rect, Source, TileGrid, TileSet};

/// A BGRx picture with some bytes between the rows.
#[derive(Clone)]
pub struct Picture {
    pub data: Vec<u8>,
    pub stride: usize,
    pub width: u16,
    pub height: u16,
}

impl Picture {
    /// Random pixels; `padding` bytes after each row but the last.
    pub fn random(width: u16, height: u16, padding: usize, seed: u64) -> Self {
        let stride = 4 * usize::from(width) + padding;
        let length = stride * usize::from(height) - padding;
        let mut random = Random(seed);
        Self { data: (0..length).map(|_| random.next() as u8).collect(), stride, width, height }
    }

    pub fn source(&self) -> Source<'_> {
        Source::from_slice(&self.data, self.stride, self.width, self.height).unwrap()
    }

    /// Blue, green and red.
    pub fn pixel(&self, x: u16, y: u16) -> [u8; 3] {
        let start = usize::from(y) * self.stride + 4 * usize::from(x);
        [0, 1, 2].map(|channel| self.data[start + channel])
    }

    pub fn set_pixel(&mut self, x: u16, y: u16, pixel: [u8; 4]) {
        let start = usize::from(y) * self.stride + 4 * usize::from(x);
        self.data[start..start + 4].copy_from_slice(&pixel);
    }

    pub fn grid(&self) -> TileGrid {
        TileGrid::new(self.width, self.height)
    }

    pub fn all_tiles(&self) -> TileSet {
        let mut tiles = TileSet::new(self.grid());
        tiles.mark_all();
        tiles
    }
}

/// SplitMix64: repeatable.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

const CANARY: u8 = 0xA5;

/// A plane in the middle of memory that must not be touched.
#[derive(Clone, PartialEq)]
pub struct GuardedPlane {
    memory: Vec<u8>,
    offset: usize,
    stride: usize,
    row_bytes: usize,
    rows: usize,
}

impl GuardedPlane {
    fn new((row_bytes, rows): (usize, usize), padding: usize, offset: usize) -> Self {
        let stride = row_bytes + padding;
        Self { memory: vec![CANARY; offset + stride * rows + 70], offset, stride, row_bytes, rows }
    }

    fn plane(&mut self) -> Plane<'_> {
        let length = if self.rows == 0 { 0 } else { self.stride * (self.rows - 1) + self.row_bytes };
        Plane::new(&mut self.memory[self.offset..self.offset + length], self.stride)
    }

    pub fn row(&self, row: usize) -> &[u8] {
        &self.memory[self.offset + row * self.stride..][..self.row_bytes]
    }

    fn assert_guards(&self) {
        let mut outside = vec![true; self.memory.len()];
        for row in 0..self.rows {
            outside[self.offset + row * self.stride..][..self.row_bytes].fill(false);
        }
        for (index, byte) in self.memory.iter().enumerate() {
            assert!(!outside[index] || *byte == CANARY, "wrote outside of the picture at {index}");
        }
    }
}

/// A frame whose surroundings are watched.
#[derive(Clone, PartialEq)]
pub struct Frame {
    pub format: Format,
    pub planes: [GuardedPlane; 3],
}

impl Frame {
    /// With odd strides and offsets if `oddity` is odd.
    pub fn new(format: Format, width: u16, height: u16, oddity: usize) -> Self {
        let plane = |index| GuardedPlane::new(format.plane_size(index, width, height), oddity + index, 64 + oddity);
        Self { format, planes: [plane(0), plane(1), plane(2)] }
    }

    pub fn planes(&mut self) -> Planes<'_> {
        let [first, second, third] = &mut self.planes;
        match self.format {
            Format::Nv12 => Planes::Nv12 { y: first.plane(), uv: second.plane() },
            Format::I420 => Planes::I420 { y: first.plane(), u: second.plane(), v: third.plane() },
            Format::Bgrx => Planes::Bgrx(first.plane()),
        }
    }

    /// Updates the stale tiles, and returns those that changed.
    pub fn update(&mut self, converter: Converter, picture: &Picture, stale: &TileSet) -> TileSet {
        let mut changed = picture.all_tiles();
        let count = converter.update(&picture.source(), &mut self.planes(), stale, &mut changed).unwrap();
        assert_eq!(count, changed.count());
        self.planes.iter().for_each(GuardedPlane::assert_guards);
        changed
    }

    /// A whole picture.
    pub fn convert(format: Format, kernel: Kernel, matrix: Matrix, picture: &Picture, oddity: usize) -> Self {
        let mut frame = Self::new(format, picture.width, picture.height, oddity);
        frame.update(Converter::with_kernel(kernel, matrix), picture, &picture.all_tiles());
        frame
    }

    /// All the bytes that belong to a rectangle that does not split chroma samples.
    pub fn part(&self, rect: Rect) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (index, plane) in self.planes.iter().enumerate().filter(|(_, plane)| plane.rows != 0) {
            let (x, y) = (usize::from(rect.x), usize::from(rect.y));
            let (left, top) = match (self.format, index) {
                (Format::Bgrx, _) => (4 * x, y),
                (_, 0) => (x, y),
                (Format::Nv12, _) => (x, y / 2),
                (Format::I420, _) => (x / 2, y / 2),
            };
            let (row_bytes, rows) = self.format.plane_size(index, rect.width, rect.height);
            (top..top + rows).for_each(|row| bytes.extend_from_slice(&plane.row(row)[left..left + row_bytes]));
        }
        bytes
    }
}

/// The kernels that can be tested here.
pub fn kernels() -> impl Iterator<Item = Kernel> {
    Kernel::ALL.iter().copied().filter(|kernel| kernel.is_available())
}
