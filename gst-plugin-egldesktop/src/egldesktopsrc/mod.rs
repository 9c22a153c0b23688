//! element-egldesktopsrc:
//! @short-description: captures an X screen, driven by damage
//!
//! A live source of the screen of an X server, or of a part of it or one window. It pushes a frame when something was
//! drawn, at most at the negotiated rate, and one a second while nothing changes. The areas that have changed are on the
//! buffers as `GstVideoRegionOfInterestMeta` of the type "damage". The properties that `ximagesrc` has too mean the same.
//!
//! ## Watch a desktop
//! ```bash
//! gst-launch-1.0 egldesktopsrc display-name=:0 ! videoconvert ! autovideosink
//! ```
//!
//! ## At most 30 frames per second
//! ```bash
//! gst-launch-1.0 egldesktopsrc ! video/x-raw,framerate=0/1,max-framerate=30/1 ! videoconvert ! autovideosink
//! ```
//!
//! ## One window
//! ```bash
//! gst-launch-1.0 egldesktopsrc xname=Calculator show-pointer=false ! videoconvert ! autovideosink
//! ```

use gst::glib;
use gst::prelude::*;

mod allocation;
mod caps;
mod frames;
mod gl;
mod grabber;
mod imp;
mod maker;
mod settings;
mod tally;

pub use self::gl::Mode as GlMode;
pub use crate::capture::Method;

glib::wrapper! {
    /// The element `egldesktopsrc`.
    pub struct EglDesktopSrc(ObjectSubclass<imp::EglDesktopSrc>)
        @extends gst_base::PushSrc, gst_base::BaseSrc, gst::Element, gst::Object;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    Method::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    GlMode::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "egldesktopsrc", gst::Rank::NONE, EglDesktopSrc::static_type())
}
