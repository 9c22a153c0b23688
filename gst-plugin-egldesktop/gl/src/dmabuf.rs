//! Memory of somebody else, by file descriptor (EGL_EXT_image_dma_buf_import and its modifiers).

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::ptr;
use std::sync::Arc;

use glow::HasContext as _;
use khronos_egl::{ATTRIB_NONE, Attrib, ClientBuffer, Enum, Int, NO_CONTEXT, TRUE};

use crate::device::last_error;
use crate::egl::{ImageTargetTexture, QueryModifiers};
use crate::error::egl as egl_error;
use crate::gl::check;
use crate::picture::Sampler;
use crate::{Error, Gl};

/// The modifier of pixels that lie row by row (`DRM_FORMAT_MOD_LINEAR`).
pub const LINEAR: u64 = 0;

/// `EGL_LINUX_DMA_BUF_EXT`.
const LINUX_DMA_BUF: Enum = 0x3270;
/// `EGL_LINUX_DRM_FOURCC_EXT`.
const LINUX_DRM_FOURCC: Attrib = 0x3271;
/// Descriptor, offset, pitch, and the two halves of the modifier of each plane (`EGL_DMA_BUF_PLANE…_EXT`).
const PLANES: [[Attrib; 5]; 4] = [
    [0x3272, 0x3273, 0x3274, 0x3443, 0x3444],
    [0x3275, 0x3276, 0x3277, 0x3445, 0x3446],
    [0x3278, 0x3279, 0x327A, 0x3447, 0x3448],
    [0x3440, 0x3441, 0x3442, 0x3449, 0x344A],
];

/// A picture in a dma-buf.
#[derive(Debug)]
pub struct DmaBuf {
    /// What a pixel is (`drm_fourcc.h`).
    pub fourcc: u32,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// How the pixels lie in memory (`drm_fourcc.h`); `None` if only the driver knows.
    pub modifier: Option<u64>,
    /// One to four.
    pub planes: Vec<Plane>,
}

/// A part of a [`DmaBuf`].
#[derive(Debug)]
pub struct Plane {
    /// The memory.
    pub fd: OwnedFd,
    /// Bytes before the first pixel.
    pub offset: u32,
    /// Bytes from a row to the next.
    pub stride: u32,
}

/// An `EGLImage`; destroyed on drop. The memory lives on as long as a texture shows it.
#[derive(Debug)]
pub(crate) struct Image {
    gl: Arc<Gl>,
    handle: khronos_egl::Image,
}

// SAFETY: an EGLImage belongs to a display, not to a thread.
unsafe impl Send for Image {}

impl Image {
    /// Imports a dma-buf, and tells how a texture of it has to be read.
    pub(crate) fn import(gl: &Arc<Gl>, buffer: &DmaBuf) -> Result<(Self, Sampler), Error> {
        gl.require("EGL_EXT_image_dma_buf_import")?;
        if !(1..=PLANES.len()).contains(&buffer.planes.len()) {
            return Err(Error::DmaBuf("it has neither one nor up to four planes"));
        }
        let known = known_modifiers(gl, buffer.fourcc)?;
        let (modifier, sampler) = match buffer.modifier {
            None => (None, Sampler::Plain),
            // Without modifiers, row by row is what everybody means.
            Some(LINEAR) if known.is_empty() => (None, Sampler::Plain),
            Some(modifier) => {
                let found = known.into_iter().find(|(known, _)| *known == modifier);
                let unknown = Error::DmaBuf("the driver does not know how its pixels lie in memory (modifier)");
                (Some(modifier), found.ok_or(unknown)?.1)
            }
        };
        let mut attributes: Vec<Attrib> = vec![
            khronos_egl::WIDTH as Attrib,
            buffer.width.into(),
            khronos_egl::HEIGHT as Attrib,
            buffer.height.into(),
            LINUX_DRM_FOURCC,
            buffer.fourcc as Attrib,
        ];
        for (plane, [fd, offset, pitch, low, high]) in buffer.planes.iter().zip(PLANES) {
            attributes.extend([fd, plane.fd.as_raw_fd() as Attrib]);
            attributes.extend([offset, plane.offset as Attrib, pitch, plane.stride as Attrib]);
            if let Some(modifier) = modifier {
                attributes.extend([low, (modifier & 0xFFFF_FFFF) as Attrib, high, (modifier >> 32) as Attrib]);
            }
        }
        attributes.push(ATTRIB_NONE);
        // SAFETY: no context and no buffer is what this target wants: all is in the attributes.
        let (context, nothing) =
            unsafe { (khronos_egl::Context::from_ptr(NO_CONTEXT), ClientBuffer::from_ptr(ptr::null_mut())) };
        Ok((Self::create(gl, context, LINUX_DMA_BUF, nothing, &attributes)?, sampler))
    }

    /// `eglCreateImage`.
    pub(crate) fn create(
        gl: &Arc<Gl>,
        context: khronos_egl::Context,
        target: Enum,
        buffer: ClientBuffer,
        attributes: &[Attrib],
    ) -> Result<Self, Error> {
        let image = gl.egl().api.create_image(gl.display(), context, target, buffer, attributes);
        Ok(Self { gl: Arc::clone(gl), handle: image.map_err(egl_error("eglCreateImage"))? })
    }

    /// Lets a texture show it.
    pub(crate) fn bind(&self, gl: &Gl, target: u32, texture: glow::Texture) -> Result<(), Error> {
        let api = gl.api()?;
        gl.require_gl("GL_OES_EGL_image")?;
        // SAFETY: the signature of the registry.
        let show: ImageTargetTexture = unsafe { gl.egl().function("glEGLImageTargetTexture2DOES")? };
        // SAFETY: the context is current, and the image exists.
        unsafe {
            api.bind_texture(target, Some(texture));
            show(target, self.handle.as_ptr());
            api.bind_texture(target, None);
        }
        check(api, "glEGLImageTargetTexture2DOES")
    }

    pub(crate) fn handle(&self) -> khronos_egl::Image {
        self.handle
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // Nothing can be done about an error.
        let _ = self.gl.egl().api.destroy_image(self.gl.display(), self.handle);
    }
}

/// How pixels may lie in memory (EGL_EXT_image_dma_buf_import_modifiers), and which kind of texture the driver has for
/// that. NVIDIA's takes those row by row as external only. Empty for a driver without modifiers.
fn known_modifiers(gl: &Gl, fourcc: u32) -> Result<Vec<(u64, Sampler)>, Error> {
    if gl.require("EGL_EXT_image_dma_buf_import_modifiers").is_err() {
        return Ok(Vec::new());
    }
    // SAFETY: the signature of the registry.
    let query: QueryModifiers = unsafe { gl.egl().function("eglQueryDmaBufModifiersEXT")? };
    let (display, fourcc) = (gl.display().as_ptr(), fourcc as Int);
    let failed = || last_error(gl.egl(), "eglQueryDmaBufModifiersEXT");
    let mut count = 0;
    // SAFETY: asked for no element, EGL writes nothing but their number.
    if unsafe { query(display, fourcc, 0, ptr::null_mut(), ptr::null_mut(), &raw mut count) } != TRUE {
        return Err(failed());
    }
    let length = usize::try_from(count).unwrap_or(0);
    let (mut modifiers, mut external) = (vec![0; length], vec![0; length]);
    // SAFETY: both have room for the number that is given.
    let done = unsafe { query(display, fourcc, count, modifiers.as_mut_ptr(), external.as_mut_ptr(), &raw mut count) };
    if done != TRUE {
        return Err(failed());
    }
    let sampler = |external| if external == TRUE { Sampler::External } else { Sampler::Plain };
    Ok(modifiers.into_iter().zip(external.into_iter().map(sampler)).collect())
}
