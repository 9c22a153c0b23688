//! The data channel of one viewer: its messages become upstream events.

use std::sync::{Arc, Mutex, PoisonError};

use gst_webrtc::WebRTCDataChannel;
use selkies_protocol::control;
use selkies_protocol::held::{Action, Held};
use selkies_protocol::input::ClientMessage;
use selkies_protocol::signalling::{Dialect, Hello};

use super::CAT;
use super::exchange::Exchange;
use super::silence::{Heard, Silence};
use crate::events::InputEvent;
use crate::selkiessignal::hub::Hub;

/// Longer messages are dropped unread: more than what a browser sends at once, text of old clients' clipboards.
const MAX_MESSAGE: usize = 256 * 1024;

/// The input of one viewer.
pub(super) struct Input {
    state: Arc<State>,
    channel: WebRTCDataChannel,
    handlers: [gst::glib::SignalHandlerId; 3],
    _silence: Option<Silence>,
}

struct State {
    hub: Arc<Hub>,
    hands: Mutex<Hands>,
    exchange: Arc<Exchange>,
    heard: Heard,
}

/// What the viewer holds down, and where its pointer was last.
struct Hands {
    held: Held,
    pointer: (f64, f64),
}

impl Input {
    /// Listens to `channel`, for viewer `id`.
    pub(super) fn new(hub: &Arc<Hub>, id: u64, channel: WebRTCDataChannel, hello: &Hello) -> Self {
        let dialect = hello.dialect;
        let hands = Hands { held: Held::new(dialect), pointer: (0.0, 0.0) };
        let exchange = Exchange::new(hub, id, &channel, dialect);
        let state = Arc::new(State { hub: hub.clone(), hands: Mutex::new(hands), exchange, heard: Heard::now() });
        let receiver = state.clone();
        let message = channel.connect_on_message_string(move |_, text| {
            receiver.message(text.unwrap_or_default());
        });
        let (greeter, window, scale) = (state.clone(), hello.window, hello.scale);
        let open = channel.connect_on_open(move |channel| {
            greet(channel, &greeter.hub);
            greeter.exchange.begin();
            greeter.show_in(window, scale);
        });
        let exchange = state.exchange.clone();
        let low = channel.connect_on_buffered_amount_low(move |_| exchange.more());
        // Clients of selkies-gstreamer do not repeat what they hold.
        let silence = (dialect == Dialect::Extended).then(|| {
            let state = Arc::downgrade(&state);
            Silence::watch(move || state.upgrade().into_iter().for_each(|state| state.check_silence()))
        });
        Self { state, channel, handlers: [message, open, low], _silence: silence }
    }

    /// Ends the input: whatever the viewer holds down goes up.
    pub(super) fn release_all(self) {
        for handler in self.handlers {
            gst::prelude::ObjectExt::disconnect(&self.channel, handler);
        }
        let mut hands = self.state.hands();
        let actions = hands.held.release_all();
        self.state.act(&mut hands, actions);
    }
}

/// Tells the browser what it cannot know by itself.
fn greet(channel: &WebRTCDataChannel, hub: &Hub) {
    let Some(encoder) = hub.video().and_then(|video| video.encoder()) else { return };
    let message = control::system(&format!("encoder,{encoder}"));
    if let Err(error) = channel.send_string_full(Some(&message)) {
        gst::debug!(CAT, "cannot greet: {error}");
    }
}

impl State {
    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn message(&self, text: &str) {
        if text.len() > MAX_MESSAGE {
            gst::warning!(CAT, "dropped a message of {} bytes", text.len());
            return;
        }
        self.heard.again();
        match ClientMessage::parse(text) {
            Ok(ClientMessage::Clipboard(message)) => self.exchange.clipboard(message),
            Ok(ClientMessage::Resize { .. } | ClientMessage::Scale(_)) if !self.hub.permissions().resize => {}
            Ok(message) => {
                let mut hands = self.hands();
                let actions = hands.held.apply(message);
                self.act(&mut hands, actions);
            }
            // What was typed must not get into a log, so not the text itself.
            Err(error) => gst::debug!(CAT, "{error}"),
        }
    }

    /// The desktop gets the size and the scale of the browser's window, where browsers may do that.
    fn show_in(&self, window: Option<(u32, u32)>, scale: Option<f64>) {
        let size = window.map(|(width, height)| format!("r,{width}x{height}"));
        let scale = scale.map(|ratio| format!("s,{ratio}"));
        scale.into_iter().chain(size).for_each(|message| self.message(&message));
    }

    /// A browser that has fallen silent lets go of its keys.
    fn check_silence(&self) {
        if self.heard.too_long_ago() {
            let mut hands = self.hands();
            let actions = hands.held.apply(ClientMessage::KeyReset);
            self.act(&mut hands, actions);
        }
    }

    /// Pushes under the lock, so that events keep the order of their messages.
    fn act(&self, hands: &mut Hands, actions: Vec<Action>) {
        let Some(video) = self.hub.video() else { return };
        for action in actions {
            let input = match action {
                Action::MoveTo(x, y) => {
                    hands.pointer = (x, y);
                    InputEvent::MoveTo { x, y }
                }
                Action::MoveBy(dx, dy) => InputEvent::MoveBy { dx, dy },
                Action::Button(button, pressed) => InputEvent::Button { button, pressed },
                // GStreamer counts up as positive.
                Action::Scroll(dx, dy) => InputEvent::Scroll { dx: dx.into(), dy: f64::from(-dy) },
                Action::Key(keysym, pressed) => InputEvent::Key { keysym, pressed },
                Action::Text(text) => InputEvent::Text(text),
                Action::Locks { caps, num } => InputEvent::Locks { caps, num },
                Action::Resize { width, height } => InputEvent::Resize { width, height },
                Action::Scale(ratio) => InputEvent::Scale(ratio),
            };
            if !video.push_upstream(input.to_event(hands.pointer)) {
                gst::debug!(CAT, "nobody upstream takes input");
            }
        }
    }
}
