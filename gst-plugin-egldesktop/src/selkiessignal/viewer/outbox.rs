//! What goes to one browser on the data channel: short messages at once, long content piece by piece, so that it never
//! delays the short ones.

use std::sync::{Mutex, PoisonError};

use gst_webrtc::WebRTCDataChannel;

use super::CAT;

/// Bytes that may wait in the channel: enough to keep a fast network busy, little enough to be sent in no time.
const HIGH: u64 = 256 * 1024;
const LOW: u64 = 64 * 1024;

type Pieces = Box<dyn Iterator<Item = String> + Send>;

/// See the module.
pub(super) struct Outbox {
    channel: WebRTCDataChannel,
    /// What is left of the content that is on its way.
    content: Mutex<Option<Pieces>>,
}

impl Outbox {
    pub(super) fn new(channel: WebRTCDataChannel) -> Self {
        channel.set_buffered_amount_low_threshold(LOW);
        Self { channel, content: Mutex::new(None) }
    }

    /// Sends a short message.
    pub(super) fn send(&self, message: &str) {
        if let Err(error) = self.channel.send_string_full(Some(message)) {
            gst::debug!(CAT, "cannot send: {error}");
        }
    }

    /// Sends content in pieces. What was on its way before is given up: the browser sees a new beginning.
    pub(super) fn send_content(&self, pieces: impl Iterator<Item = String> + Send + 'static) {
        *self.content.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(pieces));
        self.more();
    }

    /// The channel has room again.
    pub(super) fn more(&self) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(pieces) = content.as_mut().filter(|_| self.channel.buffered_amount() < HIGH) {
            match pieces.next() {
                Some(piece) => self.send(&piece),
                None => *content = None,
            }
        }
    }
}
