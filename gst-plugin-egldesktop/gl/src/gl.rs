//! The context that is current, whoever made it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use glow::HasContext as _;

use crate::display::extensions;
use crate::{Egl, Error, Renderer};

/// OpenGL ES 3.0 or OpenGL 3.3, to be used while its context is current.
///
/// Everything that is made with it checks that: used on another thread it is an error, dropped there it leaves its
/// names to the end of the context.
pub struct Gl {
    api: glow::Context,
    egl: Arc<Egl>,
    display: khronos_egl::Display,
    context: khronos_egl::Context,
    extensions: HashSet<String>,
    renderer: Renderer,
}

// SAFETY: every way to the functions leads through `api`, which hands them out only on the thread that has the context,
// and EGL gives a context to one thread at a time. The handles are good on any thread.
unsafe impl Send for Gl {}
// SAFETY: as above.
unsafe impl Sync for Gl {}

impl fmt::Debug for Gl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gl").field("renderer", &self.renderer).finish_non_exhaustive()
    }
}

impl Gl {
    /// The EGL context that is current on this thread.
    ///
    /// # Errors
    ///
    /// If there is none, or it is older than OpenGL ES 3.0 (2012) or OpenGL 3.3 (2010).
    pub fn of_current_context(egl: &Arc<Egl>) -> Result<Arc<Self>, Error> {
        let (Some(display), Some(context)) = (egl.api.get_current_display(), egl.api.get_current_context()) else {
            return Err(Error::NotCurrent);
        };
        let extensions = extensions(egl, display)?;
        // SAFETY: a context is current, and EGL has the functions of whatever kind of context that is.
        let api = unsafe {
            glow::Context::from_loader_function(|name| {
                egl.api.get_proc_address(name).map_or(std::ptr::null(), |function| function as *const _)
            })
        };
        // SAFETY: every version of GL has these three.
        let [name, vendor, version] = [glow::RENDERER, glow::VENDOR, glow::VERSION]
            .map(|parameter| unsafe { api.get_parameter_string(parameter) });
        let needed = if api.version().is_embedded { (3, 0) } else { (3, 3) };
        if (api.version().major, api.version().minor) < needed {
            return Err(Error::Version(version));
        }
        let renderer = Renderer { name, vendor, version };
        Ok(Arc::new(Self { api, egl: Arc::clone(egl), display, context, extensions, renderer }))
    }

    /// Who draws.
    #[must_use]
    pub fn renderer(&self) -> &Renderer {
        &self.renderer
    }

    /// The functions, if the context is current on this thread.
    pub(crate) fn api(&self) -> Result<&glow::Context, Error> {
        if self.egl.api.get_current_context() == Some(self.context) { Ok(&self.api) } else { Err(Error::NotCurrent) }
    }

    /// Whether it is OpenGL ES, with its dialect of GLSL.
    pub(crate) fn is_embedded(&self) -> bool {
        self.api.version().is_embedded
    }

    pub(crate) fn egl(&self) -> &Egl {
        &self.egl
    }

    pub(crate) fn display(&self) -> khronos_egl::Display {
        self.display
    }

    pub(crate) fn context(&self) -> khronos_egl::Context {
        self.context
    }

    /// Fails where EGL lacks an extension.
    pub(crate) fn require(&self, extension: &'static str) -> Result<(), Error> {
        if self.extensions.contains(extension) { Ok(()) } else { Err(Error::Missing(extension)) }
    }

    /// Fails where GL lacks an extension.
    pub(crate) fn require_gl(&self, extension: &'static str) -> Result<(), Error> {
        if self.api.supported_extensions().contains(extension) { Ok(()) } else { Err(Error::Missing(extension)) }
    }
}

/// Fails if a call since the last check did. `call` names them.
pub(crate) fn check(api: &glow::Context, call: &'static str) -> Result<(), Error> {
    // SAFETY: whoever has the functions has the context.
    match unsafe { api.get_error() } {
        glow::NO_ERROR => Ok(()),
        code => Err(Error::Gl { call, code }),
    }
}

/// Names what could not be made.
pub(crate) fn object(what: &'static str) -> impl Fn(String) -> Error {
    move |reason| Error::Object { what, reason }
}

/// A size as GL counts.
pub(crate) fn size(width: u16, height: u16) -> (i32, i32) {
    (width.into(), height.into())
}
