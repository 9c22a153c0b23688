//! plugin-egldesktop:
//!
//! A Linux desktop in a browser, as GStreamer elements:
//!
//! - `egldesktopsrc` captures an X screen and costs what changed on it,
//! - `desktopinput` puts what a user does into the X server,
//! - `selkiessignal` serves the encoded stream to browsers over WebRTC.
//!
//! Video flows downstream; what the user does flows upstream along the same pads, as events (see [`events`]). There is
//! no other connection between the elements.
//!
//! Since: plugins-egldesktop-0.1

mod capture;
pub mod desktopinput;
pub mod egldesktopsrc;
pub mod events;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod plugin;
pub mod selkiessignal;

pub use plugin::plugin_register_static;
