//! What the capture has done since the element was made, for its property `stats`.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::capture::BYTES_PER_PIXEL;

/// Counted by the streaming thread, read by anyone.
#[derive(Debug, Default)]
pub(super) struct Tally {
    frames: AtomicU64,
    repeats: AtomicU64,
    unchanged: AtomicU64,
    bytes_read: AtomicU64,
}

impl Tally {
    /// A look at what was damaged: how many pixels were read, and whether there was anything new.
    pub(super) fn looked(&self, pixels: u64, is_new: bool) {
        self.bytes_read.fetch_add(pixels * BYTES_PER_PIXEL as u64, Ordering::Relaxed);
        let outcome = if is_new { &self.frames } else { &self.unchanged };
        outcome.fetch_add(1, Ordering::Relaxed);
    }

    /// The last frame was sent again.
    pub(super) fn repeated(&self) {
        self.repeats.fetch_add(1, Ordering::Relaxed);
    }

    /// For the property.
    pub(super) fn structure(&self) -> gst::Structure {
        let number = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        gst::Structure::builder("application/x-egldesktopsrc-stats")
            .field("frames", number(&self.frames))
            .field("repeats", number(&self.repeats))
            .field("unchanged", number(&self.unchanged))
            .field("bytes-read", number(&self.bytes_read))
            .build()
    }
}
