//! The data channel of a WebRTC viewer as what carries its messages.

use gst::prelude::*;
use gst_webrtc::{WebRTCDataChannel, WebRTCDataChannelState};

use super::CAT;
use super::channel::Input;
use super::outbox::{Channel, LOW};

impl Channel for WebRTCDataChannel {
    fn is_open(&self) -> bool {
        self.ready_state() == WebRTCDataChannelState::Open
    }

    fn send(&self, message: &str) {
        if let Err(error) = self.send_string_full(Some(message)) {
            gst::debug!(CAT, "cannot send: {error}");
        }
    }

    fn buffered(&self) -> u64 {
        self.buffered_amount()
    }
}

/// Brings what happens on the channel to the input, until it is dropped.
pub(super) struct Connected {
    channel: WebRTCDataChannel,
    handlers: [gst::glib::SignalHandlerId; 3],
}

impl Connected {
    pub(super) fn new(channel: &WebRTCDataChannel, input: &Input) -> Self {
        channel.set_buffered_amount_low_threshold(LOW);
        let receiver = input.receiver();
        let message = channel.connect_on_message_string(move |_, text| receiver.message(text.unwrap_or_default()));
        let receiver = input.receiver();
        let open = channel.connect_on_open(move |_| receiver.opened());
        let receiver = input.receiver();
        let low = channel.connect_on_buffered_amount_low(move |_| receiver.more());
        Self { channel: channel.clone(), handlers: [message, open, low] }
    }

    /// Nothing comes any more.
    pub(super) fn end(self) {
        for handler in self.handlers {
            self.channel.disconnect(handler);
        }
    }
}
