//! The GPUs of this machine, as EGL lists them (EGL_EXT_device_enumeration, EGL_EXT_device_query).

use std::ffi::{CStr, c_void};
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::str::FromStr;

use khronos_egl::{Int, TRUE};

use crate::Error;
use crate::egl::{Egl, QueryDeviceString, QueryDevices};

/// `EGL_DRM_DEVICE_FILE_EXT` (EGL_EXT_device_drm).
const DRM_DEVICE_FILE: Int = 0x3233;
/// `EGL_DRM_RENDER_NODE_FILE_EXT` (EGL_EXT_device_drm_render_node).
const DRM_RENDER_NODE_FILE: Int = 0x3377;

/// Which GPU to take.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Choice {
    /// The first one that is hardware; where there is none, the first that works.
    #[default]
    Any,
    /// By its place in EGL's list, from 0.
    Index(usize),
    /// By its PCI address, such as `0000:01:00.0`.
    Pci(String),
    /// By a file of its, such as `/dev/dri/renderD128`.
    File(PathBuf),
}

impl FromStr for Choice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self::Any);
        }
        if let Ok(index) = text.parse() {
            return Ok(Self::Index(index));
        }
        if text.starts_with('/') {
            return Ok(Self::File(text.into()));
        }
        pci_address(text).map(Self::Pci).ok_or_else(|| Error::Choice(text.into()))
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Index(index) => index.fmt(f),
            Self::Pci(address) => f.write_str(address),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// In the kernel's spelling: `domain:bus:device.function` in lower-case hexadecimal. NVIDIA's tools print eight digits
/// for the domain, lspci none.
fn pci_address(text: &str) -> Option<String> {
    let (rest, function) = text.rsplit_once('.')?;
    let mut parts = rest.rsplitn(3, ':');
    let (device, bus, domain) = (parts.next()?, parts.next()?, parts.next().unwrap_or("0"));
    let number = |text: &str, limit: u32| u32::from_str_radix(text, 16).ok().filter(|number| *number <= limit);
    let (domain, bus) = (number(domain, 0xFFFF)?, number(bus, 0xFF)?);
    let (device, function) = (number(device, 0x1F)?, number(function, 7)?);
    Some(format!("{domain:04x}:{bus:02x}:{device:02x}.{function}"))
}

/// A GPU, or a program that stands in for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    handle: *mut c_void,
    index: usize,
    /// Its render node, or else its primary node. None for a program on the CPU.
    file: Option<PathBuf>,
    software: bool,
}

// SAFETY: EGL's devices are never freed, and their handles good on any thread.
unsafe impl Send for Device {}
// SAFETY: as above.
unsafe impl Sync for Device {}

impl Device {
    /// All of them, in EGL's order.
    ///
    /// # Errors
    ///
    /// If EGL can't list them.
    pub fn all(egl: &Egl) -> Result<Vec<Self>, Error> {
        // The older name of both together is EGL_EXT_device_base.
        let both = egl.has("EGL_EXT_device_enumeration") && egl.has("EGL_EXT_device_query");
        if !(both || egl.has("EGL_EXT_device_base")) {
            return Err(Error::Missing("EGL_EXT_device_enumeration"));
        }
        // SAFETY: the signatures of the registry.
        let (devices, string) = unsafe {
            let devices: QueryDevices = egl.function("eglQueryDevicesEXT")?;
            let string: QueryDeviceString = egl.function("eglQueryDeviceStringEXT")?;
            (devices, string)
        };
        let mut handles = [ptr::null_mut(); 64];
        let mut count = 0;
        // SAFETY: at most that many handles are written.
        if unsafe { devices(handles.len() as Int, handles.as_mut_ptr(), &raw mut count) } != TRUE {
            return Err(last_error(egl, "eglQueryDevicesEXT"));
        }
        let text = |handle, name| {
            // SAFETY: a handle that EGL has just listed; what comes back is null or a string that stays.
            unsafe {
                let text = string(handle, name);
                (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
            }
        };
        let device = |index, handle| {
            let extensions = text(handle, khronos_egl::EXTENSIONS).unwrap_or_default();
            let has = |wanted| extensions.split_ascii_whitespace().any(|name| name == wanted);
            let node = has("EGL_EXT_device_drm_render_node").then(|| text(handle, DRM_RENDER_NODE_FILE)).flatten();
            let file = node.or_else(|| has("EGL_EXT_device_drm").then(|| text(handle, DRM_DEVICE_FILE)).flatten());
            Self { handle, index, file: file.map(PathBuf::from), software: has("EGL_MESA_device_software") }
        };
        let handles = handles.into_iter().take(usize::try_from(count).unwrap_or(0)).enumerate();
        Ok(handles.map(|(index, handle)| device(index, handle)).collect())
    }

    /// Its place in EGL's list.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Its file below `/dev/dri`, if it has one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Its PCI address, in the kernel's spelling.
    #[must_use]
    pub fn pci(&self) -> Option<String> {
        let node = self.file.as_ref()?.file_name()?;
        let device = std::fs::read_link(Path::new("/sys/class/drm").join(node).join("device")).ok()?;
        pci_address(device.file_name()?.to_str()?)
    }

    /// Whether it says that it is a program on the CPU, which is known without starting it.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.software
    }

    /// The `EGLDeviceEXT`.
    #[must_use]
    pub fn as_ptr(&self) -> *mut c_void {
        self.handle
    }

    pub(crate) fn is(&self, choice: &Choice) -> bool {
        match choice {
            Choice::Any => true,
            Choice::Index(index) => self.index == *index,
            Choice::Pci(address) => self.pci().is_some_and(|pci| pci == *address),
            Choice::File(path) => self.file.as_ref().is_some_and(|file| file == path),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.index)?;
        match &self.file {
            None => write!(f, " (no file)"),
            Some(file) => match self.pci() {
                None => write!(f, " ({})", file.display()),
                Some(pci) => write!(f, " ({}, {pci})", file.display()),
            },
        }
    }
}

/// What EGL says of the extension function that has just failed.
pub(crate) fn last_error(egl: &Egl, call: &'static str) -> Error {
    let source = egl.api.get_error().unwrap_or(khronos_egl::Error::BadParameter);
    Error::Egl { call, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_gpu() {
        let choice = |text: &str| text.parse::<Choice>().unwrap();
        assert_eq!(choice(""), Choice::Any);
        assert_eq!(choice("1"), Choice::Index(1));
        assert_eq!(choice("/dev/dri/renderD129"), Choice::File("/dev/dri/renderD129".into()));
        for text in ["0000:0a:00.1", "0A:00.1", "00000000:0A:00.1"] {
            assert_eq!(choice(text), Choice::Pci("0000:0a:00.1".into()), "{text}");
        }
        for text in ["gpu", "-1", "0000:zz:00.0", "1:2:3:4.5", "0000:01:00.8", "01:00"] {
            assert!(text.parse::<Choice>().is_err(), "{text}");
        }
    }
}
