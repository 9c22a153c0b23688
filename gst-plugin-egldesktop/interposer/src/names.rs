//! Which paths are ours, and where they lead instead.

use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use selkies_protocol::joystick::{DEFAULT_FOLDER, DeviceName, FOLDER_VARIABLE, LISTING};

const INPUT: &[u8] = b"/dev/input";

/// What a path stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `/dev/input`
    Folder,
    /// A device in it.
    Device(DeviceName),
}

/// The bytes of a path that a program passes.
///
/// # Safety
/// Null, or a C string.
pub(crate) unsafe fn bytes<'a>(path: *const c_char) -> Option<&'a [u8]> {
    if path.is_null() {
        return None;
    }
    // SAFETY: the caller promises that.
    Some(unsafe { CStr::from_ptr(path) }.to_bytes())
}

/// What a path stands for, if it is ours.
pub(crate) fn parse(path: &[u8]) -> Option<Name> {
    let rest = path.strip_prefix(INPUT)?;
    match rest {
        b"" | b"/" => Some(Name::Folder),
        rest => {
            let node = std::str::from_utf8(rest.strip_prefix(b"/")?).ok()?;
            DeviceName::from_node(node).map(Name::Device)
        }
    }
}

/// The same for a path in the folder that `folder` is open at, as in `openat`.
pub(crate) fn parse_at(folder: c_int, path: &[u8]) -> Option<Name> {
    if path.starts_with(b"/") {
        return parse(path);
    }
    // Nearly everything ends here, and nothing may be allocated before: a signal handler may call us.
    if !path.starts_with(b"js") && !path.starts_with(b"event") {
        return None;
    }
    let device = DeviceName::from_node(std::str::from_utf8(path).ok()?)?;
    let real = std::fs::canonicalize(listing()?).ok()?;
    let opened = std::fs::read_link(format!("/proc/self/fd/{folder}")).ok()?;
    (opened == real || opened.as_os_str().as_bytes() == INPUT).then_some(Name::Device(device))
}

/// The folder of the sockets.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let named = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty());
        named.unwrap_or_else(|| OsStr::new(DEFAULT_FOLDER).to_owned()).into()
    })
}

/// The socket of a device.
pub(crate) fn socket(device: DeviceName) -> PathBuf {
    folder().join(device.socket())
}

/// The folder that stands for `/dev/input`, where a server that we trust keeps one.
fn listing() -> Option<PathBuf> {
    let listing = folder().join(LISTING);
    let found = rustix::fs::lstat(&listing).ok()?;
    let is_folder = rustix::fs::FileType::from_raw_mode(found.st_mode).is_dir();
    let owner = found.st_uid;
    (is_folder && (owner == 0 || owner == rustix::process::geteuid().as_raw())).then_some(listing)
}

/// The path that answers instead of one of ours: of a device that is there, its socket; of the folder, the listing.
pub(crate) fn instead(name: &Name) -> Option<CString> {
    let path = match name {
        Name::Folder => listing()?,
        Name::Device(device) => socket(*device),
    };
    CString::new(path.into_os_string().into_encoded_bytes()).ok()
}

/// The device that a descriptor is of, by its peer's address.
pub(crate) fn of_descriptor(descriptor: c_int) -> Option<DeviceName> {
    if descriptor < 0 {
        return None;
    }
    // SAFETY: if it is not open, the one call fails.
    let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let address = rustix::net::getpeername(descriptor).ok()??;
    let address = rustix::net::SocketAddrUnix::try_from(address).ok()?;
    let path = Path::new(OsStr::from_bytes(address.path_bytes()?));
    DeviceName::from_socket(path.file_name()?.to_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use selkies_protocol::joystick::DeviceKind;

    #[test]
    fn only_gamepads_are_ours() {
        let js = DeviceName { pad: 0, kind: DeviceKind::Joydev };
        assert_eq!(parse(b"/dev/input/js0"), Some(Name::Device(js)));
        assert_eq!(parse(b"/dev/input"), Some(Name::Folder));
        assert_eq!(parse(b"/dev/input/"), Some(Name::Folder));
        for other in
            [&b"/dev/input/event0"[..], b"/dev/inputs", b"/dev", b"", b"js0", b"/dev/input/js0/", b"/dev/input/\xff"]
        {
            assert_eq!(parse(other), None);
        }
        assert_eq!(parse_at(libc::AT_FDCWD, b"js0"), None);
        assert_eq!([-1, 0, i32::MAX].map(of_descriptor), [None; 3]);
    }
}
