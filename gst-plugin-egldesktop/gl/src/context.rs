//! An OpenGL ES context of our own.

use std::ffi::c_void;
use std::sync::Arc;

use khronos_egl::{CONTEXT_CLIENT_VERSION, Config, NONE, OPENGL_ES_API, OPENGL_ES3_BIT, RENDERABLE_TYPE, SURFACE_TYPE};

use crate::device::Choice;
use crate::display::{Display, Native, Platform};
use crate::error::egl as egl_error;
use crate::{Device, Egl, Error, Gl, Renderer};

/// An OpenGL ES 3 context that needs neither a display server nor a surface.
#[derive(Debug)]
pub struct Context {
    display: Display,
    handle: khronos_egl::Context,
    renderer: Renderer,
}

// SAFETY: a context may go from thread to thread; `make_current` fails while another one has it (EGL 1.5, 3.7.3).
unsafe impl Send for Context {}
// SAFETY: its methods make it current on the calling thread or read what does not change; EGL does its own locking.
unsafe impl Sync for Context {}

impl Context {
    /// Opens the chosen GPU: through EGL's devices, else on Mesa's surfaceless platform, else through GBM. With
    /// [`Choice::Any`] a hardware renderer is preferred wherever it is in this order.
    ///
    /// No context is current on this thread afterwards.
    ///
    /// # Errors
    ///
    /// If there is no such GPU, or none of the ways works; then the reason of each is told.
    pub fn open(egl: &Arc<Egl>, choice: &Choice) -> Result<Self, Error> {
        let mut software = None;
        let mut reasons = Vec::new();
        for native in Native::candidates(egl, choice)? {
            let name = native.to_string();
            match Self::open_native(egl, native) {
                Ok(context) if *choice != Choice::Any || !context.renderer.is_software() => return Ok(context),
                Ok(context) => software = software.or(Some(context)),
                Err(error) => reasons.push(format!("{name}: {error}")),
            }
        }
        software.ok_or_else(|| Error::NoContext(reasons.join("; ")))
    }

    fn open_native(egl: &Arc<Egl>, native: Native) -> Result<Self, Error> {
        let display = Display::open(egl, native)?;
        display.require("EGL_KHR_surfaceless_context")?;
        egl.api.bind_api(OPENGL_ES_API).map_err(egl_error("eglBindAPI"))?;
        // Any surface type will do, as there is no surface; left out it would mean windows.
        let attributes = [RENDERABLE_TYPE, OPENGL_ES3_BIT, SURFACE_TYPE, 0, NONE];
        let config = egl.api.choose_first_config(display.handle, &attributes).map_err(egl_error("eglChooseConfig"))?;
        let config: Config = config.ok_or(Error::Missing("configuration for OpenGL ES 3"))?;
        let handle = egl
            .api
            .create_context(display.handle, config, None, &[CONTEXT_CLIENT_VERSION, 3, NONE])
            .map_err(egl_error("eglCreateContext"))?;
        let unknown = Renderer { name: String::new(), vendor: String::new(), version: String::new() };
        let mut context = Self { display, handle, renderer: unknown };
        context.renderer = context.make_current()?.renderer().clone();
        context.release()?;
        Ok(context)
    }

    /// Makes it current on this thread, in place of any other.
    ///
    /// # Errors
    ///
    /// If it is current on another thread.
    pub fn make_current(&self) -> Result<Arc<Gl>, Error> {
        let Display { egl, handle, .. } = &self.display;
        egl.api.make_current(*handle, None, None, Some(self.handle)).map_err(egl_error("eglMakeCurrent"))?;
        Gl::of_current_context(egl)
    }

    /// Lets another thread have it. Without effect unless it is current here.
    ///
    /// # Errors
    ///
    /// If EGL fails.
    pub fn release(&self) -> Result<(), Error> {
        let Display { egl, handle, .. } = &self.display;
        if egl.api.get_current_context() != Some(self.handle) {
            return Ok(());
        }
        egl.api.make_current(*handle, None, None, None).map_err(egl_error("eglMakeCurrent"))
    }

    /// Who draws.
    #[must_use]
    pub fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    /// The way to the GPU.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.display.native.platform()
    }

    /// The GPU, where the way to it tells.
    #[must_use]
    pub fn device(&self) -> Option<&Device> {
        match &self.display.native {
            Native::Device(device) => Some(device),
            Native::Surfaceless | Native::Gbm(_) => None,
        }
    }

    /// The `EGLDisplay`.
    #[must_use]
    pub fn display_ptr(&self) -> *mut c_void {
        self.display.handle.as_ptr()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // Nothing can be done about an error; the driver frees everything with the process.
        let _ = self.release();
        let _ = self.display.egl.api.destroy_context(self.display.handle, self.handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Frame;

    /// The ways to a GPU that come after EGL's devices.
    #[test]
    fn every_platform_works_or_says_why_not() {
        let egl = Egl::load().unwrap();
        // GBM takes a file that is no GPU too, and draws in software.
        for native in [Native::Surfaceless, Native::Gbm("/dev/null".into())] {
            let platform = native.platform();
            let context = Context::open_native(&egl, native).unwrap();
            assert_eq!(context.platform(), platform);
            let frame = Frame::new(&context.make_current().unwrap(), 64, 16).unwrap();
            // What software draws is in memory that cannot be shared, whatever extensions it claims to have.
            assert!(!context.renderer().is_software() || frame.export().is_err());
        }
        let error = Context::open_native(&egl, Native::Gbm("/dev/dri/renderD255".into())).unwrap_err();
        assert!(error.to_string().contains("No such file"), "{error}");
    }
}
