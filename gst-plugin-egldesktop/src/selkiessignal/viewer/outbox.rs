//! What goes to one browser beside picture and sound: short messages at once, long content piece by piece, so that it never
//! delays the short ones.

use std::sync::{Arc, Mutex, PoisonError};

/// What carries messages to one browser: a data channel, or a WebSocket.
pub(super) trait Channel: Send + Sync {
    /// Whether there is somebody to hear.
    fn is_open(&self) -> bool;
    /// Sends a message after all others. What cannot be sent is dropped.
    fn send(&self, message: &str);
    /// Bytes that wait to be sent.
    fn buffered(&self) -> u64;
}

/// Bytes that may wait in the channel: enough to keep a fast network busy, little enough to be sent in no time.
const HIGH: u64 = 256 * 1024;
/// With no more than this, [`Outbox::more`] is due.
pub(super) const LOW: u64 = 64 * 1024;

type Pieces = Box<dyn Iterator<Item = String> + Send>;

/// See the module.
pub(super) struct Outbox {
    channel: Arc<dyn Channel>,
    /// What is left of the content that is on its way.
    content: Mutex<Option<Pieces>>,
}

impl Outbox {
    pub(super) fn new(channel: Arc<dyn Channel>) -> Self {
        Self { channel, content: Mutex::new(None) }
    }

    /// Sends a short message.
    pub(super) fn send(&self, message: &str) {
        self.channel.send(message);
    }

    /// Sends content in pieces. What was on its way before is given up: the browser sees a new beginning.
    pub(super) fn send_content(&self, pieces: impl Iterator<Item = String> + Send + 'static) {
        *self.content.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(pieces));
        self.more();
    }

    /// The channel has room again.
    pub(super) fn more(&self) {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(pieces) = content.as_mut().filter(|_| self.channel.buffered() < HIGH) {
            match pieces.next() {
                Some(piece) => self.send(&piece),
                None => *content = None,
            }
        }
    }
}
