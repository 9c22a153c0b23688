//! What the tests stand on: real programs, started, awaited and ended.
//!
//! Everything waits for an event or polls a condition up to a deadline; nothing sleeps for a guessed time.

pub mod browser;
pub mod chromium;
pub mod clock;
pub mod container;
pub mod coturn;
pub mod desktop;
pub mod firefox;
pub mod firewall;
pub mod hands;
pub mod http;
pub mod ice;
pub mod interposed;
pub mod keymap;
pub mod link;
pub mod namespace;
pub mod nat;
pub mod native;
pub mod noise;
pub mod painter;
pub mod process;
pub mod pulse;
pub mod random;
pub mod recorder;
pub mod relay;
pub mod rfb;
pub mod slow;
pub mod socket_viewer;
pub mod whep;
pub mod window_manager;
pub mod xclip;
pub mod xev;
pub mod xkill;
pub mod xorg;
pub mod xvfb;

use std::time::Duration;

/// How long anything may take before a test gives up: far more than it needs on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(60);
