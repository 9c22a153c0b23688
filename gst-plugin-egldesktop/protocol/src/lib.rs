//! The wire protocol between a Selkies server and its browsers.
//!
//! Pure: text in, values out and back. No GStreamer, no I/O, no clock, so that every message can be tested
//! and fuzzed on its own. The messages are those of selkies-gstreamer 1.3 to 1.6; where this crate adds one,
//! the item says so, and servers and clients that do not know it ignore it.
//!
//! - [`signalling`]: the frames of the signalling WebSocket (`HELLO`, `{"sdp"}`, `{"ice"}`, `ERROR`).
//! - [`control`]: what the server sends on the data channel.
//! - [`input`]: what a browser sends on the data channel (`m`, `m2`, `kd`, `ku`, …).
//! - [`clipboard`]: text, HTML and images in both directions.
//! - [`request`]: the rest of what a browser sends there: control of the desktop, bitrates, what it measures.
//! - [`touch`], [`wheel`]: fingers, pens, and wheels that turn by less than a tick, there.
//! - [`gamepad`]: what it sends there of its gamepads (`js`).
//! - [`joystick`]: the sockets between a server and the libraries that play joystick device for programs.
//! - [`transport`]: picture and sound over the WebSocket, without WebRTC.
//! - [`held`]: what one browser holds down; turns messages into single presses, motions and releases.

pub mod clipboard;
pub mod control;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod gamepad;
pub mod held;
pub mod input;
pub mod joystick;
pub mod request;
pub mod signalling;
pub mod statistics;
pub mod touch;
pub mod transport;
pub mod wheel;
