//! element-desktopinput:
//! @short-description: puts what a user does into an X server
//!
//! Passes video through and takes the navigation events that come upstream: keys, pointer, buttons and wheel reach the
//! X server by XTEST. Keys are X11 keysyms by name, so any client layout works with any server layout; what the
//! server's layout lacks is typed through a spare keycode.
//!
//! ## Control a desktop from a local window, no network
//! ```bash
//! gst-launch-1.0 egldesktopsrc display-name=:20 ! desktopinput display-name=:20 ! videoconvert ! ximagesink
//! ```

use gst::glib;
use gst::prelude::*;

mod imp;
mod keymap;
mod worker;
mod xtest;

glib::wrapper! {
    /// The element `desktopinput`.
    pub struct DesktopInput(ObjectSubclass<imp::DesktopInput>)
        @extends gst_base::BaseTransform, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    gst::Element::register(Some(plugin), "desktopinput", gst::Rank::NONE, DesktopInput::static_type())
}
