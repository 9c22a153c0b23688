//! The messages of one viewer, whatever carries them: they become upstream events, and requests to the hub.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Instant, SystemTime};

use selkies_protocol::control;
use selkies_protocol::held::{Action, Held};
use selkies_protocol::input::ClientMessage;
use selkies_protocol::request::Request;
use selkies_protocol::signalling::{Dialect, Hello};
use selkies_protocol::touch::{MAX_FINGERS, Phase};

use super::CAT;
use super::branch::VideoTime;
use super::exchange::Exchange;
use super::gamepads;
use super::outbox::Channel;
use super::ping::Ping;
use super::rate::{MAX_BACKLOG, Rate};
use super::seconds::Seconds;
use super::silence::Heard;
use crate::events::InputEvent;
use crate::selkiessignal::hub::Hub;

/// Longer messages are dropped unread: more than what a browser sends at once, text of old clients' clipboards.
const MAX_MESSAGE: usize = 256 * 1024;

/// Called when the viewer acts: the encoder is to follow its network.
pub(super) type Lead = Box<dyn Fn() + Send + Sync>;

/// Tells which RTP timestamp the last picture had, and when it was captured, where that is known.
pub(super) type VideoClock = Box<dyn Fn() -> Option<VideoTime> + Send + Sync>;

/// The input of one viewer.
pub(super) struct Input {
    state: Arc<State>,
    _seconds: Seconds,
}

/// Where what comes from the viewer goes, as long as there is an [`Input`].
#[derive(Clone)]
pub(super) struct Receiver(Weak<State>);

struct State {
    hub: Arc<Hub>,
    /// The viewer's number in the roster.
    id: u64,
    dialect: Dialect,
    channel: Arc<dyn Channel>,
    hands: Mutex<Hands>,
    exchange: Arc<Exchange>,
    heard: Heard,
    ping: Mutex<Ping>,
    rate: Mutex<Rate>,
    /// Where there is congestion control.
    lead: Option<Lead>,
    /// Those of the browser's window.
    window: Option<(u32, u32)>,
    scale: Option<f64>,
}

/// What the viewer holds down, and where its pointer was last.
struct Hands {
    held: Held,
    pointer: (f64, f64),
    /// What the viewer was told last about controlling the desktop.
    told_control: Option<bool>,
}

impl Input {
    /// For viewer `id`, which hears what goes into `channel`. What comes from it is to be given to [`Self::receiver`].
    pub(super) fn new(
        hub: &Arc<Hub>,
        id: u64,
        channel: Arc<dyn Channel>,
        hello: &Hello,
        lead: Option<Lead>,
        clock: Option<VideoClock>,
    ) -> Self {
        let dialect = hello.dialect;
        let hands = Hands { held: Held::new(dialect), pointer: (0.0, 0.0), told_control: None };
        let exchange = Exchange::new(hub, id, &channel, dialect);
        let (hub, hands, heard) = (hub.clone(), Mutex::new(hands), Heard::now());
        let (ping, rate) = (Mutex::default(), Mutex::new(Rate::new(Instant::now())));
        let (window, scale) = (hello.window, hello.scale);
        let state =
            Arc::new(State { hub, id, dialect, channel, hands, exchange, heard, ping, rate, lead, window, scale });
        let each_second = Arc::downgrade(&state);
        let seconds = Seconds::call(move || {
            let Some(state) = each_second.upgrade() else { return };
            // Clients of selkies-gstreamer do not repeat what they hold.
            if state.dialect == Dialect::Extended {
                state.check_silence();
                if let Some((rtp, captured)) = clock.as_ref().and_then(|clock| clock()) {
                    state.send(&control::video_clock(rtp, captured));
                }
            }
            state.ping();
        });
        Self { state, _seconds: seconds }
    }

    /// Where what comes from the viewer goes.
    pub(super) fn receiver(&self) -> Receiver {
        Receiver(Arc::downgrade(&self.state))
    }

    /// Ends the input: whatever the viewer holds down goes up.
    pub(super) fn release_all(self) {
        self.state.release_all(&mut self.state.hands());
    }

    /// Tells the viewer who is connected. One that has lost control lets go of everything.
    pub(super) fn roster_changed(&self) {
        self.state.show_roster();
    }

    /// Sends a message, as soon as there is somebody to hear it.
    pub(super) fn tell(&self, message: &str) {
        self.state.send(message);
    }

    /// Tells the viewer which encoder runs, and which it may choose.
    pub(super) fn encoders_changed(&self) {
        self.state.show_encoders();
    }

    /// Tells the viewer what encoders and screen are set to.
    pub(super) fn tuning_changed(&self) {
        self.state.show_tuning();
    }
}

impl Receiver {
    /// There is somebody to hear: the viewer learns what it cannot know by itself.
    pub(super) fn opened(&self) {
        if let Some(state) = self.0.upgrade() {
            state.exchange.begin();
            state.greet();
            state.show_in(state.window, state.scale);
        }
    }

    /// The viewer says something.
    pub(super) fn message(&self, text: &str) {
        if let Some(state) = self.0.upgrade() {
            state.message(text);
        }
    }

    /// The channel has room for more.
    pub(super) fn more(&self) {
        if let Some(state) = self.0.upgrade() {
            state.exchange.more();
        }
    }
}

impl State {
    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, text: &str) {
        if self.has_room() {
            self.channel.send(text);
        }
    }

    fn has_room(&self) -> bool {
        // Before it is open there is nobody to hear, and greet() says it all then.
        self.channel.is_open() && self.channel.buffered() < MAX_BACKLOG
    }

    /// Asks the viewer for a sign of life, unless it owes one.
    fn ping(&self) {
        let now = Instant::now();
        let mut ping = self.ping.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_room() && ping.is_due(now) {
            ping.sent(now);
            drop(ping);
            self.channel.send(&control::ping(SystemTime::now()));
        }
    }

    /// The sign is there: the viewer is told how long messages take to it.
    fn pong(&self) {
        let latency = self.ping.lock().unwrap_or_else(PoisonError::into_inner).answered(Instant::now());
        if let Some(latency) = latency {
            self.send(&control::latency(latency));
        }
    }

    /// Tells the browser what it cannot know by itself.
    fn greet(&self) {
        self.show_encoders();
        if let Some(notice) = &self.hub.notice {
            self.send(&control::status(notice));
        }
        if self.dialect == Dialect::Extended && self.hub.is_recording() {
            self.send(&control::system("statistics,true"));
        }
        self.show_tuning();
        self.hands().told_control = None;
        self.show_roster();
    }

    fn show_encoders(&self) {
        if let Some(encoder) = self.hub.video().and_then(|video| video.encoder()) {
            self.send(&control::system(&format!("encoder,{encoder}")));
        }
        let encoders = self.hub.encoders().borrow().clone();
        if self.dialect == Dialect::Extended && !encoders.offered.is_empty() {
            self.send(&control::Encoders { current: &encoders.current, list: &encoders.offered }.to_message());
        }
    }

    fn show_tuning(&self) {
        let tuning = *self.hub.tuning().borrow();
        let values = [
            ("framerate", tuning.framerate),
            ("video_bitrate", tuning.video_bitrate),
            ("audio_bitrate", tuning.audio_bitrate),
        ];
        for (name, value) in values.into_iter().filter(|(_, value)| *value != 0) {
            self.send(&control::system(&format!("{name},{value}")));
        }
        // As Selkies' server prints it.
        self.send(&control::system(if tuning.resize { "resize,True" } else { "resize,False" }));
    }

    fn show_roster(&self) {
        let mut hands = self.hands();
        let seen = self.hub.roster().borrow().seen_by(self.id);
        if !seen.control {
            self.release_all(&mut hands);
        }
        let told = hands.told_control.replace(seen.control);
        drop(hands);
        match self.dialect {
            Dialect::Extended => self.send(&seen.to_message()),
            // These clients know no roles, but they show a line of text.
            Dialect::Selkies if told != Some(seen.control) && (told.is_some() || !seen.control) => {
                self.send(&control::status(if seen.control {
                    "You control the desktop"
                } else {
                    "You are watching; somebody else controls the desktop, or you may watch only"
                }));
            }
            Dialect::Selkies => {}
        }
    }

    fn message(&self, text: &str) {
        if text.len() > MAX_MESSAGE {
            self.hub.reports.refused();
            gst::warning!(CAT, "viewer {}: dropped a message of {} bytes", self.id, text.len());
            return;
        }
        if !self.rate.lock().unwrap_or_else(PoisonError::into_inner).admits(Instant::now()) {
            return self.hub.reports.refused();
        }
        self.heard.again();
        match Request::parse(text) {
            Some(Ok(request)) => return self.request(request),
            Some(Err(error)) => return self.refuse(&error),
            None => {}
        }
        match ClientMessage::parse(text) {
            // Who only watches neither sees nor sets it.
            Ok(ClientMessage::Clipboard(_)) if !self.hub.controls(self.id) => {}
            Ok(ClientMessage::Clipboard(message)) => self.exchange.clipboard(message),
            Ok(ClientMessage::Pong(_)) => self.pong(),
            Ok(ClientMessage::Resize { .. } | ClientMessage::Scale(_)) if !self.hub.tuning().borrow().resize => {}
            Ok(ClientMessage::Gamepad(message)) => {
                // Under the lock, as below.
                let _hands = self.hands();
                if self.hub.controls(self.id)
                    && gamepads::apply(&self.hub, self.id, message, |input| self.push(input))
                    && let Some(lead) = &self.lead
                {
                    lead();
                }
            }
            Ok(message) => {
                let mut hands = self.hands();
                // Under the lock: who loses control lets go of everything under the same one.
                if self.hub.controls(self.id) {
                    let smooth = self.hub.video().is_some_and(|video| video.listeners().devices().wheel);
                    let actions = hands.held.apply(message, smooth);
                    if let Some(lead) = self.lead.as_ref().filter(|_| !actions.is_empty()) {
                        lead();
                    }
                    self.act(&mut hands, actions);
                }
            }
            // What was typed must not get into a log, so not the text itself.
            Err(error) => self.refuse(&error),
        }
    }

    fn refuse(&self, error: &dyn std::fmt::Display) {
        self.hub.reports.refused();
        gst::debug!(CAT, "viewer {}: {error}", self.id);
    }

    /// The desktop gets the size and the scale of the browser's window, where browsers may do that.
    fn show_in(&self, window: Option<(u32, u32)>, scale: Option<f64>) {
        let size = window.map(|(width, height)| format!("r,{width}x{height}"));
        let scale = scale.map(|ratio| format!("s,{ratio}"));
        scale.into_iter().chain(size).for_each(|message| self.message(&message));
    }

    /// A browser that has fallen silent lets go of everything; its gamepads stay.
    fn check_silence(&self) {
        if self.heard.too_long_ago() {
            let mut hands = self.hands();
            let actions = hands.held.release_all();
            self.act(&mut hands, actions);
            gamepads::release(&self.hub, self.id, |input| self.push(input));
        }
    }

    fn request(&self, request: Request) {
        match request {
            Request::Control(request) => {
                if let Err(refusal) = self.hub.control(self.id, request) {
                    self.send(&control::status(&refusal.to_string()));
                }
            }
            // Everything that it was told so far went to where nobody looked.
            Request::UseConnection => {
                if self.hub.use_connection(self.id).is_ok() {
                    self.exchange.begin();
                    self.greet();
                }
            }
            Request::IsAlive => self.send(&control::alive()),
            Request::Tune(tune) => {
                if self.hub.controls(self.id) && !self.hub.tune(tune) {
                    self.send(&control::status("This desktop does not change that while it runs"));
                }
            }
            Request::Encoder(name) => {
                if self.hub.controls(self.id)
                    && let Err(error) = self.hub.choose_encoder(&name)
                {
                    self.send(&control::status(&error.to_string()));
                    // What the page shows by now is not so.
                    self.show_encoders();
                }
            }
            Request::EnableResize { on, window } if self.hub.controls(self.id) => {
                if self.hub.tuning().borrow().resize == on || self.hub.enable_resize(on) {
                    self.show_in(window.filter(|_| on), None);
                } else {
                    self.send(&control::status("This desktop keeps its size: WEBRTC_ENABLE_RESIZE is false"));
                }
            }
            Request::EnableResize { .. } => {}
            Request::Statistics(statistics) => self.hub.measured(self.id, statistics),
            Request::Framerate(fps) => self.hub.reports.framerate(fps),
            Request::Latency(milliseconds) => self.hub.reports.latency(milliseconds),
        }
    }

    /// A number of its own for each finger of each viewer.
    fn identifier(&self, finger: u8) -> u32 {
        (self.id as u32).wrapping_mul(MAX_FINGERS.into()).wrapping_add(finger.into())
    }

    fn release_all(&self, hands: &mut Hands) {
        let actions = hands.held.release_all();
        self.act(hands, actions);
        gamepads::disconnect(&self.hub, self.id, |input| self.push(input));
    }

    /// What a gamepad does. The caller holds the hands.
    fn push(&self, input: InputEvent) {
        if !self.hub.video().is_some_and(|video| video.push_upstream(input.to_event((0.0, 0.0)))) {
            gst::debug!(CAT, "nobody upstream takes gamepads");
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
                Action::Scroll(dx, dy) => InputEvent::Scroll { dx, dy: -dy },
                Action::Key(keysym, pressed) => InputEvent::Key { keysym, pressed },
                Action::Text(text) => InputEvent::Text(text),
                Action::Locks { caps, num } => InputEvent::Locks { caps, num },
                Action::Resize { width, height } => InputEvent::Resize { width, height },
                Action::Touch(phase, finger) => {
                    let pressure = if phase == Phase::Up { 0.0 } else { finger.pressure };
                    InputEvent::Touch {
                        phase,
                        identifier: self.identifier(finger.id),
                        x: finger.x,
                        y: finger.y,
                        pressure,
                    }
                }
                Action::Pen(pen) => InputEvent::Pen(pen),
                Action::Scale(ratio) => InputEvent::Scale(ratio),
            };
            if !video.push_upstream(input.to_event(hands.pointer)) {
                gst::debug!(CAT, "nobody upstream takes input");
            }
        }
    }
}
