//! GBM, Mesa's way to a GPU by its file: what EGL builds on where it has neither devices nor a surfaceless platform.

use std::ffi::c_void;
use std::fs::OpenOptions;
use std::os::fd::{AsRawFd as _, IntoRawFd as _, RawFd};
use std::path::{Path, PathBuf};

use libloading::{Library, Symbol};

use crate::Error;

/// Opens a file such as `/dev/dri/renderD128`, and returns its `gbm_device`.
///
/// It stays open to the end of the process: the EGL display that is made of it is never terminated, and EGL would take
/// the next device at the same address for this one.
pub(crate) fn open(path: &Path) -> Result<*mut c_void, Error> {
    let failed = |reason: String| Error::Object { what: "GBM device", reason };
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| failed(error.to_string()))?;
    // SAFETY: loading runs the library's initialisers, which have no preconditions.
    let library = unsafe { Library::new("libgbm.so.1") }.map_err(|error| failed(error.to_string()))?;
    // SAFETY: the signature is that of gbm.h.
    let create: Symbol<'_, unsafe extern "C" fn(RawFd) -> *mut c_void> =
        unsafe { library.get(b"gbm_create_device\0") }.map_err(|error| failed(error.to_string()))?;
    // SAFETY: an open descriptor.
    let device = unsafe { create(file.as_raw_fd()) };
    if device.is_null() {
        return Err(failed(format!("{} has no driver", path.display())));
    }
    // Both belong to the device from now on.
    let _ = file.into_raw_fd();
    std::mem::forget(library);
    Ok(device)
}

/// The render nodes of this machine, in order.
pub(crate) fn render_nodes() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let names = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("renderD"));
    let mut nodes: Vec<_> = names.map(|entry| entry.path()).collect();
    nodes.sort();
    nodes
}
