//! What `gst-inspect-1.0` shows.

use gst::prelude::*;

#[test]
fn every_property_is_documented() {
    super::init();
    for name in ["egldesktopsrc", "desktopinput", "selkiessignal"] {
        let element = gst::ElementFactory::make(name).build().unwrap();
        let own = element.type_();
        for property in element.list_properties().iter().filter(|property| property.owner_type() == own) {
            let blurb = property.blurb().unwrap_or_default();
            assert!(blurb.len() > 10, "{name}.{}: {blurb:?}", property.name());
            assert_ne!(property.nick(), property.name(), "{name}.{}", property.name());
        }
    }
}

#[test]
fn secrets_cannot_be_read_back() {
    super::init();
    let signal = gst::ElementFactory::make("selkiessignal").build().unwrap();
    for name in ["password", "turn-password", "turn-shared-secret"] {
        let flags = signal.find_property(name).unwrap().flags();
        assert!(!flags.contains(gst::glib::ParamFlags::READABLE), "{name}");
    }
}
