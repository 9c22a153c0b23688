//! GBM, Mesa's way to a GPU by its file: what EGL builds on where it has neither devices nor a surfaceless platform.

use std::ffi::c_void;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::{Path, PathBuf};

use libloading::{Library, Symbol};

use crate::Error;

/// A `gbm_device`.
#[derive(Debug)]
pub(crate) struct GbmDevice {
    library: Library,
    handle: *mut c_void,
    /// GBM works on our descriptor.
    _file: File,
}

// SAFETY: a gbm_device has no thread of its own, and it is only freed here.
unsafe impl Send for GbmDevice {}

impl GbmDevice {
    /// Opens a file such as `/dev/dri/renderD128`.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |reason: String| Error::Object { what: "GBM device", reason };
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| failed(error.to_string()))?;
        // SAFETY: loading runs the library's initialisers, which have no preconditions.
        let library = unsafe { Library::new("libgbm.so.1") }.map_err(|error| failed(error.to_string()))?;
        // SAFETY: the signature is that of gbm.h.
        let create: Symbol<'_, unsafe extern "C" fn(RawFd) -> *mut c_void> =
            unsafe { library.get(b"gbm_create_device\0") }.map_err(|error| failed(error.to_string()))?;
        // SAFETY: a descriptor that stays open as long as the device.
        let handle = unsafe { create(file.as_raw_fd()) };
        if handle.is_null() {
            return Err(failed(format!("{} has no driver", path.display())));
        }
        Ok(Self { library, handle, _file: file })
    }

    pub(crate) fn as_ptr(&self) -> *mut c_void {
        self.handle
    }
}

impl Drop for GbmDevice {
    fn drop(&mut self) {
        // SAFETY: the signature is that of gbm.h; made by the same library, and nobody has the handle any more.
        unsafe {
            if let Ok(destroy) = self.library.get::<unsafe extern "C" fn(*mut c_void)>(b"gbm_device_destroy\0") {
                destroy(self.handle);
            }
        }
    }
}

/// The render nodes of this machine, in order.
pub(crate) fn render_nodes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("renderD"));
    let mut nodes: Vec<_> = names.map(|entry| entry.path()).collect();
    nodes.sort();
    nodes
}
