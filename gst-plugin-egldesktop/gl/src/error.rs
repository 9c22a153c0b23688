//! What can go wrong between here and the GPU.

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no EGL on this machine, or only an old one.
    #[error("libEGL.so.1 with EGL 1.5 can't be loaded (install libegl1): {0}")]
    Load(String),
    /// An EGL call failed.
    #[error("{call} failed: {source}")]
    Egl {
        /// The function.
        call: &'static str,
        /// What EGL says.
        source: khronos_egl::Error,
    },
    /// A GL call failed.
    #[error("{call} failed: OpenGL error {code:#06x}")]
    Gl {
        /// The function, or the group of them.
        call: &'static str,
        /// What `glGetError` returned.
        code: u32,
    },
    /// GL could not make an object, or compile a shader.
    #[error("{what}: {reason}")]
    Object {
        /// The object.
        what: &'static str,
        /// The driver's words.
        reason: String,
    },
    /// The driver lacks something.
    #[error("the driver has no {0}")]
    Missing(&'static str),
    /// Neither OpenGL ES 3.0 nor OpenGL 3.3.
    #[error("OpenGL ES 3.0 or OpenGL 3.3 is needed, and this is {0}")]
    Version(String),
    /// The context is not current on this thread.
    #[error("the OpenGL context is not current on this thread")]
    NotCurrent,
    /// No GPU by that name.
    #[error("there is no GPU \"{wanted}\"; there are: {known}")]
    NoSuchDevice {
        /// What was asked for.
        wanted: String,
        /// What there is.
        known: String,
    },
    /// No way to a context.
    #[error("no EGL context can be had: {0}")]
    NoContext(String),
    /// Text that names no GPU.
    #[error(
        "\"{0}\" is neither a number, nor a PCI address such as 0000:01:00.0, nor a file such as /dev/dri/renderD128"
    )]
    Choice(String),
    /// Textures, tiles or memory of different picture sizes.
    #[error("the sizes do not match: {0}")]
    Size(&'static str),
    /// A picture does not fit into memory.
    #[error(transparent)]
    Convert(#[from] tile_convert::Error),
    /// A dma-buf that can't be one.
    #[error("no valid dma-buf: {0}")]
    DmaBuf(&'static str),
}

/// Names the call that failed.
pub(crate) fn egl(call: &'static str) -> impl Fn(khronos_egl::Error) -> Error {
    move |source| Error::Egl { call, source }
}
