//! Whether there is a GPU worth using.

use std::ffi::c_void;

use egl_convert::{Choice, Context, Device, Egl, Error, Renderer};
use gst::glib;

use super::frames::GlError;
use super::sharing::SharingError;

/// When to convert on the GPU.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, glib::Enum)]
#[enum_type(name = "GstEglDesktopSrcGl")]
#[repr(i32)]
pub enum Mode {
    /// On hardware, if downstream takes what is on the GPU: then it is faster.
    #[default]
    #[enum_value(name = "On a hardware renderer, for elements that take frames on the GPU", nick = "auto")]
    Auto = 0,
    /// Not at all.
    #[enum_value(name = "Convert on the CPU", nick = "never")]
    Never = 1,
    /// Always, also in software and for elements that take frames in memory.
    #[enum_value(
        name = "Convert on the GPU, or in a software renderer; an error if neither is there",
        nick = "require"
    )]
    Require = 2,
}

/// Why it is not used.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum Declined {
    /// The property says so.
    #[error("gl=never")]
    Never,
    /// What is on the GPU would have to come back.
    #[error("the next element takes frames in memory only")]
    MemoryOnly,
    /// It would be slower than the CPU path.
    #[error("the renderer is software: {0}")]
    Software(Renderer),
    /// As above, found out without starting the renderer.
    #[error("EGL has no GPU, only a software renderer")]
    NoGpu,
    /// EGL does not work.
    #[error(transparent)]
    Egl(#[from] Error),
    /// GStreamer has no context.
    #[error(transparent)]
    Sharing(#[from] SharingError),
    /// The context does not work.
    #[error(transparent)]
    Gl(#[from] GlError),
}

/// A GPU that was tried and works.
#[derive(Debug)]
pub(super) struct Gpu(Context);

impl Gpu {
    /// The chosen one, or the best there is.
    pub(super) fn open(mode: Mode, choice: &Choice) -> Result<Self, Declined> {
        let egl = Egl::load()?;
        // Mesa's renderer is a compiler of 100 MB: not for finding out that it is not wanted.
        if mode == Mode::Auto && *choice == Choice::Any && only_software(&egl) {
            return Err(Declined::NoGpu);
        }
        let context = Context::open(&egl, choice)?;
        if mode == Mode::Auto && context.renderer().is_software() {
            return Err(Declined::Software(context.renderer().clone()));
        }
        Ok(Self(context))
    }

    /// The `EGLDisplay`.
    pub(super) fn display(&self) -> *mut c_void {
        self.0.display_ptr()
    }
}

/// Whether EGL lists devices, and none that draws by itself.
fn only_software(egl: &Egl) -> bool {
    Device::all(egl).is_ok_and(|devices| !devices.is_empty() && devices.iter().all(Device::is_software))
}
