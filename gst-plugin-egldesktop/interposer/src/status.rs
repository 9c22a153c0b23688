//! What `stat` says of a device: the file that answers is a socket, and programs expect the node of a device.

use libc::{S_IFCHR, S_IFMT, S_IFSOCK};
use selkies_protocol::joystick::DeviceName;

/// Read and write for the owner, as the socket has it.
const MODE: libc::mode_t = 0o600;

/// Makes the status of a socket that of a device.
///
/// # Safety
/// `status` points to one that was filled in, or is null.
pub(crate) unsafe fn disguise(status: *mut libc::stat64, device: DeviceName) {
    let (major, minor) = device.number();
    // SAFETY: the caller promises that.
    if let Some(status) = unsafe { status.as_mut() }
        && status.st_mode & S_IFMT == S_IFSOCK
    {
        status.st_mode = S_IFCHR | MODE;
        status.st_rdev = libc::makedev(major, minor);
    }
}

/// The same for `statx`.
///
/// # Safety
/// As above.
pub(crate) unsafe fn disguise_statx(status: *mut libc::statx, device: DeviceName) {
    let (major, minor) = device.number();
    // SAFETY: the caller promises that.
    if let Some(status) = unsafe { status.as_mut() }
        && u32::from(status.stx_mode) & S_IFMT == S_IFSOCK
    {
        status.stx_mode = (S_IFCHR | MODE) as u16;
        (status.stx_rdev_major, status.stx_rdev_minor) = (major, minor);
    }
}

/// Whether this is the status of a socket: only then is it worth asking whose.
///
/// # Safety
/// As above.
pub(crate) unsafe fn is_socket(status: *const libc::stat64) -> bool {
    // SAFETY: the caller promises that.
    unsafe { status.as_ref() }.is_some_and(|status| status.st_mode & S_IFMT == S_IFSOCK)
}
