//! The EGL library, loaded at run time.

use std::collections::HashSet;
use std::ffi::{c_char, c_void};
use std::fmt;
use std::sync::Arc;

use khronos_egl::{Boolean, DynamicInstance, EGL1_5, EGLDisplay, Int};

use crate::Error;

/// EGL 1.5 of `libEGL.so.1`, usually GLVND's, which leads to the drivers.
pub struct Egl {
    pub(crate) api: DynamicInstance<EGL1_5>,
    client_extensions: HashSet<String>,
}

impl fmt::Debug for Egl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egl").field("client_extensions", &self.client_extensions).finish_non_exhaustive()
    }
}

/// `eglQueryDevicesEXT` (EGL_EXT_device_enumeration).
pub(crate) type QueryDevices = unsafe extern "system" fn(Int, *mut *mut c_void, *mut Int) -> Boolean;
/// `eglQueryDeviceStringEXT` (EGL_EXT_device_query).
pub(crate) type QueryDeviceString = unsafe extern "system" fn(*mut c_void, Int) -> *const c_char;
/// `eglQueryDmaBufModifiersEXT` (EGL_EXT_image_dma_buf_import_modifiers).
pub(crate) type QueryModifiers =
    unsafe extern "system" fn(EGLDisplay, Int, Int, *mut u64, *mut Boolean, *mut Int) -> Boolean;
/// `eglExportDMABUFImageQueryMESA` (EGL_MESA_image_dma_buf_export).
pub(crate) type ExportQuery =
    unsafe extern "system" fn(EGLDisplay, *mut c_void, *mut Int, *mut Int, *mut u64) -> Boolean;
/// `eglExportDMABUFImageMESA` (EGL_MESA_image_dma_buf_export).
pub(crate) type Export = unsafe extern "system" fn(EGLDisplay, *mut c_void, *mut Int, *mut Int, *mut Int) -> Boolean;
/// `glEGLImageTargetTexture2DOES` (GL_OES_EGL_image).
pub(crate) type ImageTargetTexture = unsafe extern "system" fn(u32, *mut c_void);

impl Egl {
    /// Loads the library.
    ///
    /// # Errors
    ///
    /// If it is not there, or older than EGL 1.5 (2014).
    pub fn load() -> Result<Arc<Self>, Error> {
        // SAFETY: loading runs the library's initialisers, and its functions have the signatures of the EGL registry:
        // both are true of every libEGL.
        let api =
            unsafe { DynamicInstance::<EGL1_5>::load_required() }.map_err(|error| Error::Load(error.to_string()))?;
        // An error here means that there are no client extensions at all, not even the one to ask for them.
        let text = api.query_string(None, khronos_egl::EXTENSIONS);
        let client_extensions = text.map(split).unwrap_or_default();
        Ok(Arc::new(Self { api, client_extensions }))
    }

    /// Whether there is an extension that needs no display.
    pub(crate) fn has(&self, extension: &str) -> bool {
        self.client_extensions.contains(extension)
    }

    /// A function of an extension.
    ///
    /// # Safety
    ///
    /// `F` must be a function pointer with the signature that the registry gives for the name.
    pub(crate) unsafe fn function<F: Copy>(&self, name: &'static str) -> Result<F, Error> {
        const { assert!(size_of::<F>() == size_of::<extern "system" fn()>()) };
        let function = self.api.get_proc_address(name).ok_or(Error::Missing(name))?;
        // SAFETY: of one size, and the caller vouches for the signature.
        Ok(unsafe { std::mem::transmute_copy(&function) })
    }
}

/// The names in a list of extensions.
pub(crate) fn split(extensions: &std::ffi::CStr) -> HashSet<String> {
    extensions.to_string_lossy().split_ascii_whitespace().map(String::from).collect()
}
