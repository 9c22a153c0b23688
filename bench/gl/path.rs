//! The two ways from a framebuffer to NV12.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use egl_convert::{Fence, Frame, Gl, Nv12Shader, Picture, Shadow};
use rustix::time::{ClockId, clock_gettime};
use tile_convert::{Converter, Matrix, Plane, Planes, Source, TileGrid, TileSet};

/// A framebuffer of which every byte changes.
pub(crate) struct Screen {
    pixels: Vec<u8>,
    width: u16,
    height: u16,
}

impl Screen {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let mut random = 1_u32;
        let mut byte = || {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 24) as u8
        };
        let pixels = (0..4 * usize::from(width) * usize::from(height)).map(|_| byte()).collect();
        Self { pixels, width, height }
    }

    pub(crate) fn change(&mut self) {
        self.pixels.iter_mut().for_each(|byte| *byte = byte.wrapping_add(85));
    }

    /// The tiles of a rectangle of this size, as far as there is screen.
    pub(crate) fn damage(&self, width: i32, height: i32) -> TileSet {
        let mut tiles = TileSet::new(TileGrid::new(self.width, self.height));
        tiles.mark(0, 0, width, height);
        tiles
    }

    fn source(&self) -> Result<Source<'_>> {
        Ok(Source::from_slice(&self.pixels, 4 * usize::from(self.width), self.width, self.height)?)
    }
}

/// A way to NV12.
pub(crate) trait Path {
    /// Brings a frame up to date, so that an encoder could read it.
    fn update(&mut self, screen: &Screen, damage: &TileSet) -> Result<()>;

    /// CPU time of the process, and the time that passes.
    fn measure(&mut self, screen: &Screen, damage: &TileSet) -> Result<[Duration; 2]> {
        let cpu = || {
            let time = clock_gettime(ClockId::ProcessCPUTime);
            Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
        };
        let (used, start) = (cpu(), Instant::now());
        self.update(screen, damage)?;
        let passed = start.elapsed();
        Ok([cpu() - used, passed])
    }
}

/// As `egldesktopsrc` does it without GL.
pub(crate) struct CpuPath {
    converter: Converter,
    luma: Vec<u8>,
    chroma: Vec<u8>,
    stride: usize,
    changed: TileSet,
}

impl CpuPath {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let (stride, rows) = (usize::from(width), usize::from(height));
        Self {
            converter: Converter::new(Matrix::default()),
            luma: vec![1; stride * rows],
            chroma: vec![1; stride * rows / 2],
            stride,
            changed: TileSet::new(TileGrid::new(width, height)),
        }
    }
}

impl Path for CpuPath {
    fn update(&mut self, screen: &Screen, damage: &TileSet) -> Result<()> {
        let (y, uv) = (Plane::new(&mut self.luma, self.stride), Plane::new(&mut self.chroma, self.stride));
        self.converter.update(&screen.source()?, &mut Planes::Nv12 { y, uv }, damage, &mut self.changed)?;
        Ok(())
    }
}

/// As `egldesktopsrc` does it with GL; the frame stays there.
pub(crate) struct GlPath {
    gl: Arc<Gl>,
    shadow: Shadow,
    picture: Picture,
    shader: Nv12Shader,
    frame: Frame,
}

impl GlPath {
    pub(crate) fn new(gl: &Arc<Gl>, width: u16, height: u16) -> Result<Self> {
        let picture = Picture::new(gl, width, height)?;
        Ok(Self {
            gl: Arc::clone(gl),
            shadow: Shadow::new(width, height),
            shader: Nv12Shader::new(&picture, Matrix::default())?,
            picture,
            frame: Frame::new(gl, width, height)?,
        })
    }
}

impl Path for GlPath {
    fn update(&mut self, screen: &Screen, damage: &TileSet) -> Result<()> {
        let changed = self.shadow.update(&screen.source()?, damage)?.clone();
        self.picture.upload(&self.shadow, &changed)?;
        self.shader.convert(&self.picture, &self.frame, &changed)?;
        Fence::new(&self.gl)?.wait()?;
        Ok(())
    }
}
