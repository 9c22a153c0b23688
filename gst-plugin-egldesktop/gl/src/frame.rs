//! An NV12 frame on the GPU.

use std::num::NonZeroU32;
use std::sync::Arc;

use glow::HasContext as _;
use tile_convert::{TileGrid, TileSet};

use crate::gl::{check, object, size};
use crate::{Error, Gl};

/// Two textures, of luma and of interleaved chroma at half the size, that can be drawn to.
#[derive(Debug)]
pub struct Frame {
    gl: Arc<Gl>,
    planes: [Target; 2],
    grid: TileGrid,
    /// Whether the textures go with it.
    owns_textures: bool,
}

#[derive(Debug)]
struct Target {
    texture: glow::Texture,
    framebuffer: glow::Framebuffer,
}

/// The formats of a plane: the texture's own, and that of its pixels in memory.
const FORMATS: [(u32, u32); 2] = [(glow::R8, glow::RED), (glow::RG8, glow::RG)];
/// Bytes of a pixel in each plane.
const PIXEL_BYTES: [usize; 2] = [1, 2];

impl Frame {
    /// With textures of its own.
    ///
    /// # Errors
    ///
    /// If the GPU has not enough memory, or no textures that large.
    pub fn new(gl: &Arc<Gl>, width: u16, height: u16) -> Result<Self, Error> {
        let grid = TileGrid::new(width, height);
        let texture = |plane: usize| -> Result<glow::Texture, Error> {
            let api = gl.api()?;
            let (width, height) = plane_size(grid, plane);
            let (width, height) = size(width, height);
            let (internal, format) = FORMATS[plane];
            let empty = glow::PixelUnpackData::Slice(None);
            // SAFETY: the context is current, and no memory is read.
            let texture = unsafe {
                let texture = api.create_texture().map_err(object("texture"))?;
                api.bind_buffer(glow::PIXEL_UNPACK_BUFFER, None);
                api.bind_texture(glow::TEXTURE_2D, Some(texture));
                let (level, border, kind) = (0, 0, glow::UNSIGNED_BYTE);
                api.tex_image_2d(glow::TEXTURE_2D, level, internal as i32, width, height, border, format, kind, empty);
                api.tex_parameter_i32(glow::TEXTURE_2D, glow::TEXTURE_MIN_FILTER, glow::NEAREST as i32);
                api.bind_texture(glow::TEXTURE_2D, None);
                texture
            };
            check(api, "glTexImage2D")?;
            Ok(texture)
        };
        Self::with_textures(gl, [texture(0)?, texture(1)?], grid, true)
    }

    /// With textures of somebody else (formats `R8` and `RG8`), who keeps them alive.
    ///
    /// # Errors
    ///
    /// If these are no textures that can be drawn to.
    pub fn of_textures(gl: &Arc<Gl>, names: [u32; 2], width: u16, height: u16) -> Result<Self, Error> {
        let texture =
            |name| NonZeroU32::new(name).map(glow::NativeTexture).ok_or(Error::Size("no texture has the name 0"));
        let textures = [texture(names[0])?, texture(names[1])?];
        Self::with_textures(gl, textures, TileGrid::new(width, height), false)
    }

    fn with_textures(
        gl: &Arc<Gl>,
        textures: [glow::Texture; 2],
        grid: TileGrid,
        owns_textures: bool,
    ) -> Result<Self, Error> {
        let api = gl.api()?;
        let target = |texture| -> Result<Target, Error> {
            // SAFETY: the context is current; a wrong name makes the framebuffer incomplete, which is looked at.
            let (framebuffer, status) = unsafe {
                let framebuffer = api.create_framebuffer().map_err(object("framebuffer"))?;
                api.bind_framebuffer(glow::FRAMEBUFFER, Some(framebuffer));
                let attachment = glow::COLOR_ATTACHMENT0;
                api.framebuffer_texture_2d(glow::FRAMEBUFFER, attachment, glow::TEXTURE_2D, Some(texture), 0);
                let status = api.check_framebuffer_status(glow::FRAMEBUFFER);
                api.bind_framebuffer(glow::FRAMEBUFFER, None);
                (framebuffer, status)
            };
            if status != glow::FRAMEBUFFER_COMPLETE {
                return Err(Error::Gl { call: "glCheckFramebufferStatus", code: status });
            }
            Ok(Target { texture, framebuffer })
        };
        let planes = [target(textures[0])?, target(textures[1])?];
        check(api, "glFramebufferTexture2D")?;
        Ok(Self { gl: Arc::clone(gl), planes, grid, owns_textures })
    }

    /// Copies tiles to memory: luma, and interleaved chroma, each with the bytes from a row to the next. Waits for the
    /// GPU.
    ///
    /// # Errors
    ///
    /// If the memory is too short, a stride odd, or the tiles of another size.
    pub fn download(&self, tiles: &TileSet, luma: (&mut [u8], usize), chroma: (&mut [u8], usize)) -> Result<(), Error> {
        if tiles.grid() != self.grid {
            return Err(Error::Size("tiles and frame"));
        }
        let api = self.gl.api()?;
        for (plane, (memory, stride)) in [luma, chroma].into_iter().enumerate() {
            self.check_memory(plane, memory.len(), stride)?;
            let (bytes, half) = (PIXEL_BYTES[plane], plane == 1);
            // SAFETY: the context is current.
            unsafe {
                api.bind_framebuffer(glow::READ_FRAMEBUFFER, Some(self.planes[plane].framebuffer));
                api.bind_buffer(glow::PIXEL_PACK_BUFFER, None);
                api.pixel_store_i32(glow::PACK_ALIGNMENT, 1);
                api.pixel_store_i32(glow::PACK_ROW_LENGTH, (stride / bytes) as i32);
            }
            self.check_read_format(api, FORMATS[plane].1)?;
            for run in tiles.runs() {
                let part = |start: u16, length: u16| match half {
                    false => (start, length),
                    // Tiles begin at even places, and an odd last column or row has a sample too.
                    true => (start / 2, length.div_ceil(2)),
                };
                let ((x, width), (y, height)) = (part(run.x, run.width), part(run.y, run.height));
                let start = usize::from(y) * stride + usize::from(x) * bytes;
                let target = glow::PixelPackData::Slice(Some(&mut memory[start..]));
                let ((x, y), (width, height)) = (size(x, y), size(width, height));
                // SAFETY: the memory has room for the plane, which was checked, and the run lies within the plane.
                unsafe { api.read_pixels(x, y, width, height, FORMATS[plane].1, glow::UNSIGNED_BYTE, target) };
            }
        }
        // SAFETY: as above; the values that everybody expects.
        unsafe {
            api.pixel_store_i32(glow::PACK_ROW_LENGTH, 0);
            api.pixel_store_i32(glow::PACK_ALIGNMENT, 4);
            api.bind_framebuffer(glow::READ_FRAMEBUFFER, None);
        }
        check(api, "glReadPixels")
    }

    fn check_memory(&self, plane: usize, length: usize, stride: usize) -> Result<(), Error> {
        let (width, height) = self.plane_size(plane);
        let row_bytes = usize::from(width) * PIXEL_BYTES[plane];
        let needed = stride.saturating_mul(usize::from(height).saturating_sub(1)).saturating_add(row_bytes);
        // The row length of GL is a positive number of pixels in 31 bits.
        let fits = stride >= row_bytes && stride.is_multiple_of(PIXEL_BYTES[plane]) && i32::try_from(stride).is_ok();
        if fits && needed <= length { Ok(()) } else { Err(Error::Size("memory and frame")) }
    }

    /// OpenGL ES promises only RGBA and one format of the driver's choice.
    fn check_read_format(&self, api: &glow::Context, format: u32) -> Result<(), Error> {
        if !self.gl.is_embedded() {
            return Ok(());
        }
        // SAFETY: the context is current, and a complete framebuffer bound.
        let chosen = unsafe { api.get_parameter_i32(glow::IMPLEMENTATION_COLOR_READ_FORMAT) };
        if chosen == format as i32 {
            Ok(())
        } else {
            Err(Error::Missing("way to read textures of one or two channels"))
        }
    }

    /// The names of its textures, luma first.
    #[must_use]
    pub fn names(&self) -> [u32; 2] {
        self.planes.each_ref().map(|plane| plane.texture.0.get())
    }

    /// Width and height of a plane (0 luma, 1 chroma) in its pixels.
    pub(crate) fn plane_size(&self, plane: usize) -> (u16, u16) {
        plane_size(self.grid, plane)
    }

    pub(crate) fn grid(&self) -> TileGrid {
        self.grid
    }

    pub(crate) fn gl(&self) -> &Arc<Gl> {
        &self.gl
    }

    pub(crate) fn texture(&self, plane: usize) -> glow::Texture {
        self.planes[plane].texture
    }

    pub(crate) fn framebuffer(&self, plane: usize) -> glow::Framebuffer {
        self.planes[plane].framebuffer
    }
}

fn plane_size(grid: TileGrid, plane: usize) -> (u16, u16) {
    match plane {
        0 => (grid.width(), grid.height()),
        _ => (grid.width().div_ceil(2), grid.height().div_ceil(2)),
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let Ok(api) = self.gl.api() else { return };
        for target in &self.planes {
            // SAFETY: the context is current, and the names ours.
            unsafe {
                api.delete_framebuffer(target.framebuffer);
                if self.owns_textures {
                    api.delete_texture(target.texture);
                }
            }
        }
    }
}
