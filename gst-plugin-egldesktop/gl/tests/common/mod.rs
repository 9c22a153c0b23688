//! A screen that changes, and what the CPU makes of it.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "a module of each test, which uses some of it")]

use std::sync::Arc;

use egl_convert::{Choice, Context, Device, Egl, Frame, Gl, Nv12Shader, Picture, Shadow};
use tile_convert::{Converter, Format, Matrix, Plane, Planes, Source, TileGrid, TileSet};

pub const MATRICES: [Matrix; 2] = [Matrix::Bt709Limited, Matrix::Bt601Limited];
/// Even and odd, smaller than a tile and larger.
pub const SIZES: [(u16, u16); 6] = [(1, 1), (2, 2), (63, 17), (130, 34), (641, 35), (320, 240)];

/// A context on each device of this machine, software too.
pub fn contexts() -> Vec<Context> {
    let egl = Egl::load().unwrap();
    let devices = Device::all(&egl).unwrap();
    devices.iter().map(|device| Context::open(&egl, &Choice::Index(device.index())).unwrap()).collect()
}

/// A framebuffer with some bytes between the rows.
pub struct Screen {
    pub pixels: Vec<u8>,
    pub stride: usize,
    pub grid: TileGrid,
    random: u64,
}

impl Screen {
    pub fn new((width, height): (u16, u16)) -> Self {
        let stride = 4 * usize::from(width) + 12;
        let mut screen = Self {
            pixels: vec![0; stride * usize::from(height)],
            stride,
            grid: TileGrid::new(width, height),
            random: u64::from(width) << 16 | u64::from(height),
        };
        screen.draw(0, 0, width, height);
        screen
    }

    /// Random pixels in a rectangle; returns the damage.
    pub fn draw(&mut self, x: u16, y: u16, width: u16, height: u16) -> TileSet {
        for row in y..(y + height).min(self.grid.height()) {
            for column in x..(x + width).min(self.grid.width()) {
                self.random =
                    self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let place = usize::from(row) * self.stride + usize::from(column) * 4;
                self.pixels[place..place + 4].copy_from_slice(&self.random.to_be_bytes()[..4]);
            }
        }
        let mut damage = TileSet::new(self.grid);
        damage.mark(x.into(), y.into(), width.into(), height.into());
        damage
    }

    pub fn source(&self) -> Source<'_> {
        Source::from_slice(&self.pixels, self.stride, self.grid.width(), self.grid.height()).unwrap()
    }
}

/// An NV12 frame in memory.
#[derive(Clone, PartialEq)]
pub struct Nv12 {
    luma: Vec<u8>,
    chroma: Vec<u8>,
    stride: usize,
}

impl Nv12 {
    /// All bytes the same.
    pub fn new(grid: TileGrid, value: u8) -> Self {
        // Even, and not the width: as GStreamer's.
        let stride = usize::from(grid.width()).next_multiple_of(4) + 4;
        let rows = usize::from(grid.height());
        Self { luma: vec![value; stride * rows], chroma: vec![value; stride * rows.div_ceil(2)], stride }
    }

    /// The luma of a pixel.
    pub fn luma(&self, x: usize, y: usize) -> u8 {
        self.luma[y * self.stride + x]
    }

    /// What the CPU makes of the tiles.
    pub fn convert(&mut self, screen: &Screen, matrix: Matrix, tiles: &TileSet) {
        let (y, uv) = (Plane::new(&mut self.luma, self.stride), Plane::new(&mut self.chroma, self.stride));
        let mut changed = TileSet::new(screen.grid);
        Converter::new(matrix).update(&screen.source(), &mut Planes::Nv12 { y, uv }, tiles, &mut changed).unwrap();
    }

    /// What the GPU has made of the tiles.
    pub fn download(&mut self, frame: &Frame, tiles: &TileSet) {
        frame.download(tiles, (&mut self.luma, self.stride), (&mut self.chroma, self.stride)).unwrap();
    }

    /// Fails with the first byte of the picture that is not the same.
    pub fn assert_same(&self, other: &Self, grid: TileGrid, of: &dyn std::fmt::Debug) {
        for (plane, (one, other)) in [(&self.luma, &other.luma), (&self.chroma, &other.chroma)].into_iter().enumerate()
        {
            let (row_bytes, rows) = Format::Nv12.plane_size(plane, grid.width(), grid.height());
            for row in 0..rows {
                let part = row * self.stride..row * self.stride + row_bytes;
                for (x, (one, other)) in one[part.clone()].iter().zip(&other[part]).enumerate() {
                    assert_eq!(one, other, "plane {plane} of {grid:?} at {x},{row}: {of:?}");
                }
            }
        }
    }
}

/// A screen on the way through the GPU.
pub struct World {
    pub screen: Screen,
    pub shadow: Shadow,
    pub picture: Picture,
    pub frame: Frame,
    pub shader: Nv12Shader,
}

impl World {
    pub fn new(gl: &Arc<Gl>, size: (u16, u16), matrix: Matrix) -> Self {
        let picture = Picture::new(gl, size.0, size.1).unwrap();
        Self {
            screen: Screen::new(size),
            shadow: Shadow::new(size.0, size.1),
            shader: Nv12Shader::new(&picture, matrix).unwrap(),
            picture,
            frame: Frame::new(gl, size.0, size.1).unwrap(),
        }
    }

    /// Returns the tiles that changed.
    pub fn update(&mut self, damage: &TileSet) -> TileSet {
        let changed = self.shadow.update(&self.screen.source(), damage).unwrap().clone();
        self.picture.upload(&self.shadow, &changed).unwrap();
        self.shader.convert(&self.picture, &self.frame, &changed).unwrap();
        changed
    }

    /// Whole pictures of a few sizes, against the CPU.
    pub fn assert_exact(gl: &Arc<Gl>) {
        for matrix in MATRICES {
            for size in SIZES {
                let mut world = Self::new(gl, size, matrix);
                let mut all = TileSet::new(world.screen.grid);
                all.mark_all();
                world.update(&all);
                let (mut gpu, mut cpu) = (Nv12::new(world.screen.grid, 0), Nv12::new(world.screen.grid, 0));
                gpu.download(&world.frame, &all);
                cpu.convert(&world.screen, matrix, &all);
                gpu.assert_same(&cpu, world.screen.grid, &(gl.renderer(), matrix));
            }
        }
    }
}
