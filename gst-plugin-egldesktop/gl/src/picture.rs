//! The picture to convert, as a texture.

use std::sync::Arc;

use glow::HasContext as _;
use tile_convert::{TileGrid, TileSet};

use crate::dmabuf::{DmaBuf, Image};
use crate::gl::{check, object, size};
use crate::{Error, Gl, Shadow};

/// How a shader reads a texture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sampler {
    /// `sampler2D`.
    Plain,
    /// `samplerExternalOES`: a dma-buf in a layout that the driver has no plain texture for.
    External,
}

impl Sampler {
    /// The target to bind to.
    pub(crate) fn target(self) -> u32 {
        match self {
            Self::Plain => glow::TEXTURE_2D,
            // GL_TEXTURE_EXTERNAL_OES (GL_OES_EGL_image_external).
            Self::External => 0x8D65,
        }
    }
}

/// A texture that shows the screen.
#[derive(Debug)]
pub struct Picture {
    gl: Arc<Gl>,
    texture: glow::Texture,
    grid: TileGrid,
    sampler: Sampler,
    /// What it shows, if that is memory of somebody else.
    image: Option<Image>,
}

impl Picture {
    /// A texture of our own, to [upload](Self::upload) to.
    ///
    /// # Errors
    ///
    /// If the GPU has not enough memory, or no textures that large.
    pub fn new(gl: &Arc<Gl>, width: u16, height: u16) -> Result<Self, Error> {
        let picture = Self::name(gl, width, height, Sampler::Plain)?;
        let api = gl.api()?;
        let (width, height) = size(width, height);
        let empty = glow::PixelUnpackData::Slice(None);
        // SAFETY: the context is current, and no memory is read.
        unsafe {
            api.bind_buffer(glow::PIXEL_UNPACK_BUFFER, None);
            api.bind_texture(glow::TEXTURE_2D, Some(picture.texture));
            let (format, kind) = (glow::RGBA, glow::UNSIGNED_BYTE);
            api.tex_image_2d(glow::TEXTURE_2D, 0, glow::RGBA8 as i32, width, height, 0, format, kind, empty);
            // The bytes are BGRx, which OpenGL ES can't take as such: whoever reads swaps.
            api.tex_parameter_i32(glow::TEXTURE_2D, glow::TEXTURE_SWIZZLE_R, glow::BLUE as i32);
            api.tex_parameter_i32(glow::TEXTURE_2D, glow::TEXTURE_SWIZZLE_B, glow::RED as i32);
            api.bind_texture(glow::TEXTURE_2D, None);
        }
        check(api, "glTexImage2D")?;
        Ok(picture)
    }

    /// The memory of somebody else, without a copy: BGRx or BGRA of the given size. What is drawn there later shows here
    /// too; that it is complete before anybody reads it is up to the caller.
    ///
    /// # Errors
    ///
    /// If the driver can't import dma-bufs, or not this one.
    pub fn import(gl: &Arc<Gl>, buffer: &DmaBuf) -> Result<Self, Error> {
        let (image, sampler) = Image::import(gl, buffer)?;
        let mut picture = Self::name(gl, buffer.width, buffer.height, sampler)?;
        image.bind(gl, sampler.target(), picture.texture)?;
        picture.image = Some(image);
        Ok(picture)
    }

    fn name(gl: &Arc<Gl>, width: u16, height: u16, sampler: Sampler) -> Result<Self, Error> {
        let api = gl.api()?;
        let target = sampler.target();
        // SAFETY: the context is current.
        let texture = unsafe {
            let texture = api.create_texture().map_err(object("texture"))?;
            api.bind_texture(target, Some(texture));
            // There are no smaller images to filter from: without this the texture would be incomplete.
            api.tex_parameter_i32(target, glow::TEXTURE_MIN_FILTER, glow::NEAREST as i32);
            api.tex_parameter_i32(target, glow::TEXTURE_MAG_FILTER, glow::NEAREST as i32);
            api.bind_texture(target, None);
            texture
        };
        Ok(Self { gl: Arc::clone(gl), texture, grid: TileGrid::new(width, height), sampler, image: None })
    }

    /// Takes over tiles of the shadow.
    ///
    /// # Errors
    ///
    /// If shadow or tiles are of another size, or the picture is imported.
    pub fn upload(&mut self, shadow: &Shadow, tiles: &TileSet) -> Result<(), Error> {
        if shadow.grid() != self.grid || tiles.grid() != self.grid || self.image.is_some() {
            return Err(Error::Size("shadow, tiles and picture"));
        }
        let api = self.gl.api()?;
        // SAFETY: the context is current.
        unsafe {
            api.bind_buffer(glow::PIXEL_UNPACK_BUFFER, None);
            api.pixel_store_i32(glow::UNPACK_ALIGNMENT, 4);
            api.pixel_store_i32(glow::UNPACK_ROW_LENGTH, self.grid.width().into());
            api.bind_texture(glow::TEXTURE_2D, Some(self.texture));
        }
        for run in tiles.runs() {
            let start = usize::from(run.y) * shadow.stride() + usize::from(run.x) * 4;
            let pixels = glow::PixelUnpackData::Slice(Some(&shadow.pixels()[start..]));
            let (width, height) = size(run.width, run.height);
            let (x, y) = size(run.x, run.y);
            let (format, kind) = (glow::RGBA, glow::UNSIGNED_BYTE);
            // SAFETY: runs lie within the grid, and the shadow has all of the grid, rows as long as it is wide.
            unsafe { api.tex_sub_image_2d(glow::TEXTURE_2D, 0, x, y, width, height, format, kind, pixels) };
        }
        // SAFETY: as above; the values that everybody expects.
        unsafe {
            api.bind_texture(glow::TEXTURE_2D, None);
            api.pixel_store_i32(glow::UNPACK_ROW_LENGTH, 0);
        }
        check(api, "glTexSubImage2D")
    }

    pub(crate) fn gl(&self) -> &Arc<Gl> {
        &self.gl
    }

    pub(crate) fn grid(&self) -> TileGrid {
        self.grid
    }

    pub(crate) fn sampler(&self) -> Sampler {
        self.sampler
    }

    pub(crate) fn texture(&self) -> glow::Texture {
        self.texture
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        if let Ok(api) = self.gl.api() {
            // SAFETY: the context is current, and the name ours.
            unsafe { api.delete_texture(self.texture) };
        }
    }
}
