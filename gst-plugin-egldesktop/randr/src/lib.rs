//! Gives the screen of an X server another size, by RandR 1.3: any size up to the largest that the server has memory for.
//! A mode that it lacks is made, with the timings that a monitor would want.

#![forbid(unsafe_code)]

mod cvt;
mod resize;

pub use resize::{ResizeError, Wanted, resize};
