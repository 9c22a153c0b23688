//! The data channel of a WebRTC viewer as what carries its messages.

use std::sync::{Mutex, PoisonError};

use gst::prelude::*;
use gst_webrtc::{WebRTCDataChannel, WebRTCDataChannelState};

use super::CAT;
use super::channel::Input;
use super::outbox::{Channel, LOW};
use super::webrtcbin::WebRtcBin;

/// How many channels a browser may open itself. Nobody listens to them, and each costs webrtcbin elements and a thread, which
/// it keeps when the channel is closed.
const MAX_OTHERS: usize = 8;

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

    /// Nothing comes any more. The channel is to be kept until the pipeline has stopped: once it is closed, webrtcbin lets go
    /// of it, while its elements, which run on in threads of their own, go on to call it by a plain pointer.
    #[must_use]
    pub(super) fn end(self) -> WebRTCDataChannel {
        for handler in self.handlers {
            self.channel.disconnect(handler);
        }
        self.channel
    }
}

/// Keeps the channels that the browser opens itself, for the reason that [`Connected::end`] has; with too many of them, the
/// session fails.
pub(super) fn keep_others(webrtcbin: &WebRtcBin, failed: impl Fn(String) + Send + Sync + 'static) {
    let others = Mutex::new(Vec::new());
    webrtcbin.on_other_channel(move |channel| {
        let mut others = others.lock().unwrap_or_else(PoisonError::into_inner);
        others.push(channel);
        if others.len() > MAX_OTHERS {
            failed("the browser opens too many data channels".into());
        }
    });
}
