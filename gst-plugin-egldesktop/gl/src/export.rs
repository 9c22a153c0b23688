//! Textures out of GL, by file descriptor (EGL_MESA_image_dma_buf_export).

use std::os::fd::{FromRawFd as _, OwnedFd};
use std::sync::Arc;

use khronos_egl::{ATTRIB_NONE, ClientBuffer, Enum, Int, TRUE};

use crate::device::last_error;
use crate::dmabuf::Image;
use crate::egl::{Export, ExportQuery};
use crate::{DmaBuf, Error, Frame, Gl, Plane};

/// `EGL_GL_TEXTURE_2D` (EGL_KHR_gl_texture_2D_image).
const GL_TEXTURE_2D: Enum = 0x30B1;
/// `DRM_FORMAT_MOD_INVALID`: only the driver knows.
const UNKNOWN: u64 = 0x00FF_FFFF_FFFF_FFFF;
/// Planes of the image, not of the video: more than one if it is compressed.
const MAX_PLANES: usize = 4;

impl Frame {
    /// Luma and chroma as dma-bufs of one plane each (`R8` and `GR88`). They show what is drawn later too; a [`Fence`]
    /// tells when it can be read.
    ///
    /// [`Fence`]: crate::Fence
    ///
    /// # Errors
    ///
    /// If the driver can't export, or only in a layout of more than one plane.
    pub fn export(&self) -> Result<[DmaBuf; 2], Error> {
        let gl = self.gl();
        gl.api()?;
        gl.require("EGL_KHR_gl_texture_2D_image")?;
        gl.require("EGL_MESA_image_dma_buf_export")?;
        let export = |plane| export(gl, self.texture(plane), self.plane_size(plane));
        Ok([export(0)?, export(1)?])
    }
}

fn export(gl: &Arc<Gl>, texture: glow::Texture, (width, height): (u16, u16)) -> Result<DmaBuf, Error> {
    // SAFETY: this target wants the name of a texture.
    let name = unsafe { ClientBuffer::from_ptr(texture.0.get() as usize as *mut _) };
    let image = Image::create(gl, gl.context(), GL_TEXTURE_2D, name, &[ATTRIB_NONE])?;
    // SAFETY: the signatures of the registry.
    let (query, export) = unsafe {
        let query: ExportQuery = gl.egl().function("eglExportDMABUFImageQueryMESA")?;
        let export: Export = gl.egl().function("eglExportDMABUFImageMESA")?;
        (query, export)
    };
    let (display, handle) = (gl.display().as_ptr(), image.handle().as_ptr());
    let (mut fourcc, mut planes, mut modifiers) = (0, 0, [UNKNOWN; MAX_PLANES]);
    // SAFETY: images have four planes at most (DRM), so there is room for all modifiers.
    let done = unsafe { query(display, handle, &raw mut fourcc, &raw mut planes, modifiers.as_mut_ptr()) };
    if done != TRUE {
        return Err(last_error(gl.egl(), "eglExportDMABUFImageQueryMESA"));
    }
    if planes != 1 {
        return Err(Error::DmaBuf("the driver exports it in several planes"));
    }
    let (mut fds, mut strides, mut offsets) = ([-1; MAX_PLANES], [0; MAX_PLANES], [0; MAX_PLANES]);
    // SAFETY: as above.
    let done = unsafe { export(display, handle, fds.as_mut_ptr(), strides.as_mut_ptr(), offsets.as_mut_ptr()) };
    if done != TRUE || fds[0] < 0 {
        return Err(last_error(gl.egl(), "eglExportDMABUFImageMESA"));
    }
    // SAFETY: the descriptor was made for us.
    let fd = unsafe { OwnedFd::from_raw_fd(fds[0]) };
    let number = |value: Int| u32::try_from(value).map_err(|_| Error::DmaBuf("its rows are in the wrong order"));
    let plane = Plane { fd, offset: number(offsets[0])?, stride: number(strides[0])? };
    let modifier = Some(modifiers[0]).filter(|modifier| *modifier != UNKNOWN);
    Ok(DmaBuf { fourcc: fourcc as u32, width, height, modifier, planes: vec![plane] })
}
