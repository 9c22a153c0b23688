//! element-desktopinput:
//! @short-description: puts what a user does into an X server
//!
//! Passes video through and takes the navigation events that come upstream: keys, pointer, buttons and wheel reach the
//! X server by XTEST. Keys are X11 keysyms by name, so any client layout works with any server layout; what the
//! server's layout lacks is typed through a spare keycode.
//!
//! Fingers and pens reach programs as such where the X server reads devices of the kernel and this process may make some
//! (Xorg, `/dev/uinput`); else the first finger, or the pen, is the pointer.
//!
//! Clipboard content, screen sizes and scales come upstream as custom events; what is copied on the desktop, the image of
//! the pointer and the size of the screen go downstream, out of band (see `events`). A scale is also posted as an element
//! message `egldesktop-dpi`, for the application to hand to the desktop session.
//!
//! Gamepads of browsers become X-Box 360 pads: devices of the kernel where `/dev/uinput` is, else sockets for a joystick
//! interposer. What programs make them do goes downstream, too.
//!
//! ## Control a desktop from a local window, no network
//! ```bash
//! gst-launch-1.0 egldesktopsrc display-name=:20 ! desktopinput display-name=:20 ! videoconvert ! ximagesink
//! ```

use gst::glib;
use gst::prelude::*;

mod clipboard;
mod cursor;
mod desktop;
mod display;
mod dpi;
mod gamepad;
mod imp;
mod keyboard;
mod keymap;
mod pointer;
mod reader;
mod screen;
mod touch;
mod uinput;
mod wheel;
mod worker;

#[cfg(feature = "fuzz")]
pub(crate) use cursor::fuzz as fuzz_cursor;

glib::wrapper! {
    /// The element `desktopinput`.
    pub struct DesktopInput(ObjectSubclass<imp::DesktopInput>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "desktopinput", gst::Rank::NONE, DesktopInput::static_type())
}
