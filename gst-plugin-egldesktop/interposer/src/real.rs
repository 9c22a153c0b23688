//! The functions that ours stand before, and what all of ours need.

use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A function of the next library that has it, looked up once.
pub(crate) struct Real {
    name: &'static CStr,
    found: AtomicPtr<c_void>,
}

impl Real {
    pub(crate) const fn new(name: &'static CStr) -> Self {
        Self { name, found: AtomicPtr::new(null_mut()) }
    }

    /// Its address; null where no library has it, such as on another C library.
    pub(crate) fn address(&self) -> *mut c_void {
        let found = self.found.load(Ordering::Relaxed);
        if !found.is_null() {
            return found;
        }
        // SAFETY: the name is a C string.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        self.found.store(found, Ordering::Relaxed);
        found
    }
}

/// Calls the next function of this name, with these types. Without one, the call fails with ENOSYS.
macro_rules! call_real {
    ($name:literal, ($($type:ty),*) -> $result:ty, ($($argument:expr),*), $failure:expr) => {{
        static REAL: $crate::real::Real = $crate::real::Real::new($name);
        let address = REAL.address();
        if address.is_null() {
            $crate::real::set_errno(libc::ENOSYS);
            $failure
        } else {
            // SAFETY: the C library declares the function of this name with these types.
            let real = unsafe {
                std::mem::transmute::<*mut std::ffi::c_void, unsafe extern "C-unwind" fn($($type),*) -> $result>(address)
            };
            // SAFETY: the caller's own arguments, or the same with another path.
            unsafe { real($($argument),*) }
        }
    }};
}
pub(crate) use call_real;

/// `errno`
pub(crate) fn errno() -> c_int {
    // SAFETY: the address is that of this thread's own.
    unsafe { *libc::__errno_location() }
}

/// Sets `errno`.
pub(crate) fn set_errno(value: c_int) {
    // SAFETY: the address is that of this thread's own.
    unsafe { *libc::__errno_location() = value }
}

/// What `look` finds; `None`, too, where it panics: a defect of ours is no reason to end somebody's program. `errno` stays
/// as it is.
pub(crate) fn guarded<T>(look: impl FnOnce() -> Option<T>) -> Option<T> {
    let before = errno();
    let found = catch_unwind(AssertUnwindSafe(look)).unwrap_or(None);
    set_errno(before);
    found
}
