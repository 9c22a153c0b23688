//! A connection to a GPU, without any display server.

use std::collections::HashSet;
use std::ffi::c_void;
use std::fmt;
use std::ptr;
use std::sync::Arc;

use khronos_egl::{ATTRIB_NONE, Enum};

use crate::Error;
use crate::device::{Choice, Device};
use crate::egl::{Egl, split};
use crate::error::egl as egl_error;
use crate::gbm;

/// `EGL_PLATFORM_DEVICE_EXT` (EGL_EXT_platform_device).
const PLATFORM_DEVICE: Enum = 0x313F;
/// `EGL_PLATFORM_SURFACELESS_MESA` (EGL_MESA_platform_surfaceless).
const PLATFORM_SURFACELESS: Enum = 0x31DD;
/// `EGL_PLATFORM_GBM_KHR` (EGL_KHR_platform_gbm).
const PLATFORM_GBM: Enum = 0x31D7;

/// How often a display is initialised that others terminate.
const ATTEMPTS: u32 = 10;

/// The way to the GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// One of EGL's devices: every vendor has it, and it is the only one that can name a GPU.
    Device,
    /// Mesa, and the GPU is of its choice.
    Surfaceless,
    /// By a render node.
    Gbm,
}

/// What a display is opened on.
#[derive(Debug)]
pub(crate) enum Native {
    Device(Device),
    Surfaceless,
    Gbm(std::path::PathBuf),
}

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device) => write!(f, "device {device}"),
            Self::Surfaceless => f.write_str("surfaceless"),
            Self::Gbm(path) => write!(f, "GBM on {}", path.display()),
        }
    }
}

impl Native {
    /// What a choice comes to, in the order to try.
    pub(crate) fn candidates(egl: &Egl, choice: &Choice) -> Result<Vec<Self>, Error> {
        let devices = Device::all(egl).unwrap_or_default();
        let known = devices.iter().map(Device::to_string).collect::<Vec<_>>().join(", ");
        let mut candidates: Vec<_> = devices.into_iter().filter(|device| device.is(choice)).map(Self::Device).collect();
        match choice {
            Choice::Any => {
                candidates.push(Self::Surfaceless);
                candidates.extend(gbm::render_nodes().into_iter().map(Self::Gbm));
            }
            Choice::File(path) if path.exists() => candidates.push(Self::Gbm(path.clone())),
            _ => {}
        }
        if candidates.is_empty() {
            return Err(Error::NoSuchDevice { wanted: choice.to_string(), known });
        }
        Ok(candidates)
    }

    pub(crate) fn platform(&self) -> Platform {
        match self {
            Self::Device(_) => Platform::Device,
            Self::Surfaceless => Platform::Surfaceless,
            Self::Gbm(_) => Platform::Gbm,
        }
    }
}

/// An initialised `EGLDisplay`.
///
/// It is never terminated: EGL hands out the same display to everybody who opens the same device, and whoever
/// terminates it takes it away from all of them.
#[derive(Debug)]
pub(crate) struct Display {
    pub(crate) egl: Arc<Egl>,
    pub(crate) handle: khronos_egl::Display,
    pub(crate) native: Native,
    extensions: HashSet<String>,
}

// SAFETY: an EGLDisplay may be used on any thread (EGL 1.5, 3.4), and is never freed.
unsafe impl Send for Display {}

impl Display {
    pub(crate) fn open(egl: &Arc<Egl>, native: Native) -> Result<Self, Error> {
        let require = |name| if egl.has(name) { Ok(()) } else { Err(Error::Missing(name)) };
        let (platform, pointer): (Enum, *mut c_void) = match &native {
            Native::Device(device) => {
                require("EGL_EXT_platform_device")?;
                (PLATFORM_DEVICE, device.as_ptr())
            }
            Native::Surfaceless => {
                require("EGL_MESA_platform_surfaceless")?;
                (PLATFORM_SURFACELESS, ptr::null_mut())
            }
            Native::Gbm(path) => {
                if !egl.has("EGL_KHR_platform_gbm") && !egl.has("EGL_MESA_platform_gbm") {
                    return Err(Error::Missing("EGL_KHR_platform_gbm"));
                }
                (PLATFORM_GBM, gbm::open(path)?)
            }
        };
        // SAFETY: what the extension of the platform asks for: a device, nothing, or a gbm_device that stays open.
        let handle = unsafe { egl.api.get_platform_display(platform, pointer, &[ATTRIB_NONE]) }
            .map_err(egl_error("eglGetPlatformDisplay"))?;
        let extensions = initialize(egl, handle)?;
        Ok(Self { egl: Arc::clone(egl), handle, native, extensions })
    }

    pub(crate) fn require(&self, extension: &'static str) -> Result<(), Error> {
        if self.extensions.contains(extension) { Ok(()) } else { Err(Error::Missing(extension)) }
    }
}

/// Initialises a display, and returns its extensions. Others in this process may terminate it in between, since it is theirs
/// as well.
fn initialize(egl: &Egl, handle: khronos_egl::Display) -> Result<HashSet<String>, Error> {
    for _ in 0..ATTEMPTS {
        egl.api.initialize(handle).map_err(egl_error("eglInitialize"))?;
        match extensions(egl, handle) {
            Err(Error::Egl { source: khronos_egl::Error::NotInitialized, .. }) => {}
            result => return result,
        }
    }
    extensions(egl, handle)
}

/// The extensions of an initialised display.
pub(crate) fn extensions(egl: &Egl, display: khronos_egl::Display) -> Result<HashSet<String>, Error> {
    let text = egl.api.query_string(Some(display), khronos_egl::EXTENSIONS).map_err(egl_error("eglQueryString"))?;
    Ok(split(text))
}
