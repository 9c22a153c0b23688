//! Payloaders that GStreamer 1.22 does not have: the crate gst-plugin-rtp, which is linked in.

use std::sync::Once;

use gst::glib;

use super::CAT;

/// Makes this element known, unless the machine has it from elsewhere.
pub(super) fn provide(element: &str) {
    static REGISTERED: Once = Once::new();
    if gst::ElementFactory::find(element).is_some() {
        return;
    }
    REGISTERED.call_once(|| {
        let registered: Result<(), glib::BoolError> = gstrsrtp::plugin_register_static();
        if let Err(error) = registered {
            gst::error!(CAT, "cannot register {element}: {error}");
        }
    });
}
