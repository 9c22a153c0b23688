//! The entry point that GStreamer looks for.

// The macro writes public items without docs.
#![allow(missing_docs)]

use gst::glib;

use crate::{desktopinput, egldesktopsrc, selkiessignal};

fn plugin_init(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    egldesktopsrc::register(plugin)?;
    desktopinput::register(plugin)?;
    selkiessignal::register(plugin)
}

gst::plugin_define!(
    egldesktop,
    env!("CARGO_PKG_DESCRIPTION"),
    plugin_init,
    concat!(env!("CARGO_PKG_VERSION"), "-", env!("COMMIT_ID")),
    "MPL-2.0",
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_NAME"),
    env!("CARGO_PKG_REPOSITORY"),
    env!("BUILD_REL_DATE")
);
