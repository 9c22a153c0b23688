//! The data channel of one viewer: its messages become upstream events.

use std::sync::{Arc, Mutex, PoisonError};

use gst_webrtc::WebRTCDataChannel;
use selkies_protocol::control;
use selkies_protocol::held::{Action, Held};
use selkies_protocol::input::ClientMessage;
use selkies_protocol::signalling::Dialect;

use super::CAT;
use super::feedback::Feedback;
use crate::events::InputEvent;
use crate::selkiessignal::hub::Hub;

/// Longer messages are dropped unread.
const MAX_MESSAGE: usize = 64 * 1024;

/// The input of one viewer.
pub(super) struct Input {
    state: Arc<State>,
    channel: WebRTCDataChannel,
    handlers: [gst::glib::SignalHandlerId; 2],
}

struct State {
    hub: Arc<Hub>,
    hands: Mutex<Hands>,
    feedback: Option<Arc<Feedback>>,
}

/// What the viewer holds down, and where its pointer was last.
struct Hands {
    held: Held,
    pointer: (f64, f64),
}

impl Input {
    /// Listens to `channel`.
    pub(super) fn new(
        hub: &Arc<Hub>,
        channel: WebRTCDataChannel,
        dialect: Dialect,
        feedback: Option<Arc<Feedback>>,
    ) -> Self {
        let hands = Hands { held: Held::new(dialect), pointer: (0.0, 0.0) };
        let state = Arc::new(State { hub: hub.clone(), hands: Mutex::new(hands), feedback });
        let receiver = state.clone();
        let message = channel.connect_on_message_string(move |_, text| {
            receiver.message(text.unwrap_or_default());
        });
        let greeter = hub.clone();
        let open = channel.connect_on_open(move |channel| greet(channel, &greeter));
        Self { state, channel, handlers: [message, open] }
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
        match ClientMessage::parse(text) {
            Ok(message) => {
                let mut hands = self.hands();
                let actions = hands.held.apply(message);
                if let Some(feedback) = self.feedback.as_ref().filter(|_| !actions.is_empty()) {
                    feedback.lead();
                }
                self.act(&mut hands, actions);
            }
            // What was typed must not get into a log, so not the text itself.
            Err(error) => gst::debug!(CAT, "{error}"),
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
            };
            if !video.push_upstream(input.to_event(hands.pointer)) {
                gst::debug!(CAT, "nobody upstream takes input");
            }
        }
    }
}
