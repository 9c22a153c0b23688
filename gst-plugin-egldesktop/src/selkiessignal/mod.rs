//! element-selkiessignal:
//! @short-description: serves encoded video and sound to browsers over WebRTC
//!
//! A sink for one encoded video and one encoded sound stream. It hosts the web page, the signalling of Selkies and the
//! data channel, and sends each stream to every viewer: one encoder serves all of them. What a viewer does travels
//! upstream from the video pad as navigation events (see `desktopinput`).
//!
//! ## A desktop at http://127.0.0.1:8080/
//! ```bash
//! gst-launch-1.0 egldesktopsrc ! desktopinput ! videoconvert ! x264enc tune=zerolatency ! selkiessignal
//! ```
//!
//! ## With sound
//! ```bash
//! gst-launch-1.0 selkiessignal name=s \
//!   egldesktopsrc ! desktopinput ! videoconvert ! x264enc tune=zerolatency ! s. \
//!   pulsesrc ! opusenc frame-size=10 ! s.
//! ```
//!
//! ## With the microphone of who controls the desktop
//! ```bash
//! gst-launch-1.0 selkiessignal name=s \
//!   egldesktopsrc ! desktopinput ! videoconvert ! x264enc tune=zerolatency ! s. \
//!   s.microphone_0 ! queue ! opusdec ! audioconvert ! pulsesink async=false
//! ```

use gst::glib;
use gst::prelude::*;

mod access;
mod capture_time;
mod congestion;
mod encoders;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod gamepad_slots;
mod http;
mod hub;
mod ice;
mod imp;
mod keyframes;
mod listeners;
mod machine;
mod metrics;
mod microphone;
mod opus;
mod pads;
mod playout_delay;
mod roster;
mod running;
mod session;
mod settings;
mod statistics;
mod stream;
mod viewer;

pub use settings::{ClipboardPolicy, ControlPolicy, FilesPolicy, TransportPolicy, TurnProtocol};

glib::wrapper! {
    /// The element `selkiessignal`.
    pub struct SelkiesSignal(ObjectSubclass<imp::SelkiesSignal>)
        @extends gst::Bin, gst::Element, gst::Object, @implements gst::ChildProxy;
}

pub(crate) fn register(plugin: &gst::Plugin) -> Result<(), glib::BoolError> {
    FilesPolicy::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    ClipboardPolicy::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    ControlPolicy::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    TransportPolicy::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    TurnProtocol::static_type().mark_as_plugin_api(gst::PluginAPIFlags::empty());
    gst::Element::register(Some(plugin), "selkiessignal", gst::Rank::NONE, SelkiesSignal::static_type())
}
