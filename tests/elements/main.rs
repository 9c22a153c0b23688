//! The elements as GStreamer loads them, on pipelines against a real X server.

mod audience;
mod capture;
mod capture_options;
mod clipboard;
mod control;
mod devices;
mod gamepad;
mod gl;
mod input;
mod inspect;
mod layouts;
mod network;
mod places;
mod screen;
mod serve;
mod touch;

use std::sync::Once;

/// GStreamer with the plug-in that was just built, and nothing of the user's.
fn init() {
    static INIT: Once = Once::new();
    INIT.call_once(|| {
        gst::init().expect("GStreamer does not start");
        let path = egldesktop_tests::process::built("libgstegldesktop.so").expect("not built");
        let plugin = gst::Plugin::load_file(&path).expect("the plug-in does not load");
        gst::Registry::get().add_plugin(&plugin).expect("the plug-in is not taken");
    });
}
