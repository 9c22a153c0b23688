//! When the GPU is done (EGL_KHR_fence_sync, part of EGL 1.5).

use std::sync::Arc;

use khronos_egl::{ATTRIB_NONE, FOREVER, SYNC_FENCE, SYNC_FLUSH_COMMANDS_BIT};

use crate::error::egl as egl_error;
use crate::{Error, Gl};

/// A point in the work of a context.
#[derive(Debug)]
pub struct Fence {
    gl: Arc<Gl>,
    handle: khronos_egl::Sync,
}

// SAFETY: an EGLSync belongs to a display, not to a thread.
unsafe impl Send for Fence {}

impl Fence {
    /// After all that was asked of the context so far.
    ///
    /// # Errors
    ///
    /// If the context is not current, or the driver has no fences.
    pub fn new(gl: &Arc<Gl>) -> Result<Self, Error> {
        gl.api()?;
        gl.require("EGL_KHR_fence_sync")?;
        // SAFETY: a fence has no attributes that could be wrong.
        let handle = unsafe { gl.egl().api.create_sync(gl.display(), SYNC_FENCE as _, &[ATTRIB_NONE]) };
        Ok(Self { gl: Arc::clone(gl), handle: handle.map_err(egl_error("eglCreateSync"))? })
    }

    /// Sends what is still held back to the GPU, and waits until it is done: then anybody may read what was drawn.
    ///
    /// # Errors
    ///
    /// If the context is not current (or it could not be flushed), or was lost.
    pub fn wait(&self) -> Result<(), Error> {
        self.gl.api()?;
        let (api, display) = (&self.gl.egl().api, self.gl.display());
        // SAFETY: it was made on this display.
        unsafe { api.client_wait_sync(display, self.handle, SYNC_FLUSH_COMMANDS_BIT, FOREVER) }
            .map(drop)
            .map_err(egl_error("eglClientWaitSync"))
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: it was made on this display. Nothing can be done about an error.
        let _ = unsafe { self.gl.egl().api.destroy_sync(self.gl.display(), self.handle) };
    }
}
