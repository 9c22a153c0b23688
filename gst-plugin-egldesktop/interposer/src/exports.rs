//! The functions that programs call, instead of the C library's of the same names.
//!
//! `open` and its like take a mode only with some flags, and `ioctl` takes anything. A function that has the argument is
//! called in the same way on the machines that we build for (x86-64 psABI §3.2.3, AAPCS64 §6.8.2), and passes on what it got.
//!
//! Each asks one of the functions below whether the call is ours, and has nothing of its own to clean up while it calls the
//! C library: threads may be cancelled there.

// Under these names they would stand before the C library's in the test program itself.
#![cfg_attr(test, allow(dead_code))]

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

use libc::{mode_t, size_t, ssize_t};

use crate::names::{self, Name};
use crate::real::{call_real, guarded, set_errno};
use crate::{device, ioctl, status};

/// What the path of a call stands for, where it is ours.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn name(path: *const c_char) -> Option<Name> {
    // SAFETY: the caller promises that.
    names::parse(unsafe { names::bytes(path) }?)
}

/// The same for a path that is relative to a folder.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn name_at(folder: c_int, path: *const c_char) -> Option<Name> {
    // SAFETY: the caller promises that.
    names::parse_at(folder, unsafe { names::bytes(path) }?)
}

/// Opens what is ours.
fn open_ours(name: impl FnOnce() -> Option<Name>, flags: c_int) -> Option<c_int> {
    guarded(|| match name()? {
        Name::Device(device) => device::open(device, flags),
        folder @ Name::Folder => {
            let path = names::instead(&folder)?;
            let opened = call_real!(c"open64", (*const c_char, c_int, mode_t) -> c_int, (path.as_ptr(), flags, 0), -1);
            (opened >= 0).then_some(opened)
        }
    })
}

/// Calls a function with the path that answers instead of one of ours; `None` where that fails.
fn with_instead(name: impl FnOnce() -> Option<Name>, call: impl FnOnce(*const c_char) -> c_int) -> Option<Name> {
    guarded(|| {
        let name = name()?;
        let path = names::instead(&name)?;
        (call(path.as_ptr()) == 0).then_some(name)
    })
}

macro_rules! open_like {
    ($($function:ident $name:literal ($($folder:ident)?) ($($mode:ident)?);)*) => { $(
        #[cfg_attr(not(test), unsafe(no_mangle))]
        unsafe extern "C-unwind" fn $function(
            $($folder: c_int,)? path: *const c_char, flags: c_int $(, $mode: mode_t)?
        ) -> c_int {
            // SAFETY: a program that passes anything else is broken without us.
            let name = || unsafe { open_like!(name path $($folder)?) };
            if let Some(opened) = open_ours(name, flags) {
                return opened;
            }
            call_real!(
                $name,
                ($(open_like!(int $folder),)? *const c_char, c_int $(, open_like!(mode $mode))?) -> c_int,
                ($($folder,)? path, flags $(, $mode)?),
                -1
            )
        }
    )* };
    (name $path:ident) => { name($path) };
    (name $path:ident $folder:ident) => { name_at($folder, $path) };
    (int $folder:ident) => { c_int };
    (mode $mode:ident) => { mode_t };
}

open_like! {
    open c"open" () (mode);
    open64 c"open64" () (mode);
    __open_2 c"__open_2" () ();
    __open64_2 c"__open64_2" () ();
    openat c"openat" (folder) (mode);
    openat64 c"openat64" (folder) (mode);
    __openat_2 c"__openat_2" (folder) ();
    __openat64_2 c"__openat64_2" (folder) ();
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn ioctl(descriptor: c_int, request: c_ulong, argument: *mut c_void) -> c_int {
    if ioctl::is_ours(request)
        && let Some(device) = guarded(|| names::of_descriptor(descriptor))
    {
        return match guarded(|| Some(ioctl::answer(device, descriptor, request, argument))) {
            Some(Ok(result)) => result,
            Some(Err(error)) => {
                set_errno(error);
                -1
            }
            None => {
                set_errno(libc::EINVAL);
                -1
            }
        };
    }
    call_real!(c"ioctl", (c_int, c_ulong, *mut c_void) -> c_int, (descriptor, request, argument), -1)
}

/// What a program reads of a gamepad that is gone: a socket is at its end, a device is not there.
fn after_end(descriptor: c_int) -> ssize_t {
    if guarded(|| names::of_descriptor(descriptor)).is_none() {
        return 0;
    }
    set_errno(libc::ENODEV);
    -1
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn read(descriptor: c_int, buffer: *mut c_void, count: size_t) -> ssize_t {
    let got = call_real!(c"read", (c_int, *mut c_void, size_t) -> ssize_t, (descriptor, buffer, count), -1);
    if got == 0 && count > 0 { after_end(descriptor) } else { got }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn __read_chk(descriptor: c_int, buffer: *mut c_void, count: size_t, size: size_t) -> ssize_t {
    let got = call_real!(
        c"__read_chk",
        (c_int, *mut c_void, size_t, size_t) -> ssize_t,
        (descriptor, buffer, count, size),
        -1
    );
    if got == 0 && count > 0 { after_end(descriptor) } else { got }
}

macro_rules! stat_like {
    ($($function:ident $name:literal ($($before:ident: $before_type:ty),*) ($($after:ident: $after_type:ty),*) $find:ident;)*)
    => { $(
        #[cfg_attr(not(test), unsafe(no_mangle))]
        unsafe extern "C-unwind" fn $function(
            $($before: $before_type,)* path: *const c_char, status: *mut libc::stat64 $(, $after: $after_type)*
        ) -> c_int {
            let call = |path| call_real!(
                $name,
                ($($before_type,)* *const c_char, *mut libc::stat64 $(, $after_type)*) -> c_int,
                ($($before,)* path, status $(, $after)*),
                -1
            );
            // SAFETY: a program that passes anything else is broken without us.
            let name = || unsafe { stat_like!(@find $find, path $(, $before)*) };
            match with_instead(name, call) {
                Some(Name::Device(device)) => {
                    // SAFETY: the call has filled it in.
                    unsafe { status::disguise(status, device) };
                    0
                }
                Some(Name::Folder) => 0,
                None => call(path),
            }
        }
    )* };
    (@find plain, $path:ident) => { name($path) };
    (@find versioned, $path:ident, $version:ident) => { name($path) };
    (@find at, $path:ident, $folder:ident) => { name_at($folder, $path) };
    (@find versioned_at, $path:ident, $version:ident, $folder:ident) => { name_at($folder, $path) };
}

stat_like! {
    stat c"stat" () () plain;
    stat64 c"stat64" () () plain;
    lstat c"lstat" () () plain;
    lstat64 c"lstat64" () () plain;
    fstatat c"fstatat" (folder: c_int) (flags: c_int) at;
    fstatat64 c"fstatat64" (folder: c_int) (flags: c_int) at;
    __xstat c"__xstat" (version: c_int) () versioned;
    __xstat64 c"__xstat64" (version: c_int) () versioned;
    __lxstat c"__lxstat" (version: c_int) () versioned;
    __lxstat64 c"__lxstat64" (version: c_int) () versioned;
    __fxstatat c"__fxstatat" (version: c_int, folder: c_int) (flags: c_int) versioned_at;
    __fxstatat64 c"__fxstatat64" (version: c_int, folder: c_int) (flags: c_int) versioned_at;
}

macro_rules! fstat_like {
    ($($function:ident $name:literal ($($version:ident)?);)*) => { $(
        #[cfg_attr(not(test), unsafe(no_mangle))]
        unsafe extern "C-unwind" fn $function(
            $($version: c_int,)? descriptor: c_int, status: *mut libc::stat64
        ) -> c_int {
            let result = call_real!(
                $name,
                ($(fstat_like!(int $version),)? c_int, *mut libc::stat64) -> c_int,
                ($($version,)? descriptor, status),
                -1
            );
            // SAFETY: the call has filled it in.
            if result == 0 && unsafe { status::is_socket(status) }
                && let Some(device) = guarded(|| names::of_descriptor(descriptor))
            {
                // SAFETY: as above.
                unsafe { status::disguise(status, device) };
            }
            result
        }
    )* };
    (int $version:ident) => { c_int };
}

fstat_like! {
    fstat c"fstat" ();
    fstat64 c"fstat64" ();
    __fxstat c"__fxstat" (version);
    __fxstat64 c"__fxstat64" (version);
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn statx(
    folder: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    status: *mut libc::statx,
) -> c_int {
    let call = |path| {
        call_real!(
            c"statx",
            (c_int, *const c_char, c_int, c_uint, *mut libc::statx) -> c_int,
            (folder, path, flags, mask, status),
            -1
        )
    };
    // SAFETY: a program that passes anything else is broken without us.
    match with_instead(|| unsafe { name_at(folder, path) }, call) {
        Some(Name::Device(device)) => {
            // SAFETY: the call has filled it in.
            unsafe { status::disguise_statx(status, device) };
            0
        }
        Some(Name::Folder) => 0,
        None => call(path),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn access(path: *const c_char, mode: c_int) -> c_int {
    let call = |path| call_real!(c"access", (*const c_char, c_int) -> c_int, (path, mode), -1);
    // SAFETY: a program that passes anything else is broken without us.
    match with_instead(|| unsafe { name(path) }, call) {
        Some(_) => 0,
        None => call(path),
    }
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn faccessat(folder: c_int, path: *const c_char, mode: c_int, flags: c_int) -> c_int {
    let call =
        |path| call_real!(c"faccessat", (c_int, *const c_char, c_int, c_int) -> c_int, (folder, path, mode, flags), -1);
    // SAFETY: a program that passes anything else is broken without us.
    match with_instead(|| unsafe { name_at(folder, path) }, call) {
        Some(_) => 0,
        None => call(path),
    }
}

/// The path that answers instead of `/dev/input`; other paths are passed on as they are.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn listing(path: *const c_char) -> Option<std::ffi::CString> {
    // SAFETY: the caller promises that.
    guarded(|| unsafe { name(path) }.filter(|name| *name == Name::Folder).and_then(|name| names::instead(&name)))
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn opendir(path: *const c_char) -> *mut libc::DIR {
    // SAFETY: a program that passes anything else is broken without us.
    let instead = unsafe { listing(path) };
    let path = instead.as_ref().map_or(path, |instead| instead.as_ptr());
    call_real!(c"opendir", (*const c_char) -> *mut libc::DIR, (path), std::ptr::null_mut())
}

type Filter = Option<unsafe extern "C-unwind" fn(*const c_void) -> c_int>;
type Compare = Option<unsafe extern "C-unwind" fn(*mut *const c_void, *mut *const c_void) -> c_int>;

macro_rules! scandir_like {
    ($($function:ident $name:literal;)*) => { $(
        #[cfg_attr(not(test), unsafe(no_mangle))]
        unsafe extern "C-unwind" fn $function(
            path: *const c_char, found: *mut c_void, filter: Filter, compare: Compare
        ) -> c_int {
            // SAFETY: a program that passes anything else is broken without us.
            let instead = unsafe { listing(path) };
            let path = instead.as_ref().map_or(path, |instead| instead.as_ptr());
            call_real!(
                $name,
                (*const c_char, *mut c_void, Filter, Compare) -> c_int,
                (path, found, filter, compare),
                -1
            )
        }
    )* };
}

scandir_like! {
    scandir c"scandir";
    scandir64 c"scandir64";
}

#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn inotify_add_watch(descriptor: c_int, path: *const c_char, mask: u32) -> c_int {
    // SAFETY: a program that passes anything else is broken without us.
    let instead = unsafe { listing(path) };
    let path = instead.as_ref().map_or(path, |instead| instead.as_ptr());
    call_real!(c"inotify_add_watch", (c_int, *const c_char, u32) -> c_int, (descriptor, path, mask), -1)
}
