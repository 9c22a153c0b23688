//! A viewer over its WebSocket: where WebRTC finds no way, and until it has found one.
//!
//! The same stream, messages and rights as of a WebRTC viewer. What the connection carries is found out by
//! `congestion/flow.rs` from what the browser says it has got; `session/socket.rs` reads and writes the socket.

mod codec;
mod line;
mod tap;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use gst::prelude::*;
use selkies_protocol::signalling::Hello;
use selkies_protocol::transport::{Medium, Receipt, connection};
use tokio::sync::mpsc;

use super::channel::{Input, Receiver};
use super::{Connection, Links, PictureCodecs, branch, pipeline};
use crate::selkiessignal::congestion::Flow;
use crate::selkiessignal::hub::{Hub, SessionError, Source, Ticket};
use crate::selkiessignal::metrics::ViewerStats;
use crate::selkiessignal::roster::Caller;
use line::Line;

/// What a viewer starts with, in bit/s.
const START: u64 = 4_000_000;
/// Within which the estimate is where nothing follows it, in bit/s.
const LIMITS: std::ops::RangeInclusive<u64> = 100_000..=1_000_000_000;

/// What goes out of the socket.
#[derive(Debug)]
pub(in super::super) enum FromSocket {
    /// A binary frame.
    Frame(line::Frame),
    /// A text frame.
    Text(String),
    /// The session can't go on, and why.
    Failed(String),
}

/// A browser's session. Dropping it ends the session and releases what its user holds down.
pub(in super::super) struct SocketViewer {
    pipeline: gst::Pipeline,
    links: Links,
    line: Arc<Line>,
    input: Option<Input>,
    receiver: Receiver,
    ticket: Ticket,
    codecs: PictureCodecs,
}

impl SocketViewer {
    /// Builds and starts the pipeline. Everything for the browser comes through the receiver.
    pub(in super::super) fn start(
        hub: &Arc<Hub>,
        hello: &Hello,
        (video, audio): (Option<Source>, Option<Source>),
        caller: Caller,
    ) -> Result<(Self, mpsc::UnboundedReceiver<FromSocket>), SessionError> {
        let video = video.ok_or(SessionError::NoVideo)?;
        let is_playable = |source: &Source| -> Result<bool, SessionError> {
            let mime_type = branch::mime_type(&source.caps)?;
            Ok(hello.codecs.as_ref().is_none_or(|codecs| codecs.contains(&mime_type)))
        };
        if !is_playable(&video)? {
            return Err(SessionError::NotReceivable(branch::mime_type(&video.caps)?));
        }
        // A desktop without sound is still a desktop.
        let audio = audio.filter(|audio| is_playable(audio).unwrap_or(false));
        let ticket = hub.admit(caller, hello)?;
        let pipeline = pipeline::create(hub, ticket.id)?;

        let share = hub.congestion().map(|control| control.join(ticket.id));
        let flow = Flow::new(share.as_ref().map_or(LIMITS, |share| share.limits()), START);
        let (sender, queue) = mpsc::unbounded_channel();
        let line = Arc::new(Line::new(sender, flow, share, Some(video.stream.clone())));
        let mut inlets = Vec::new();
        for (source, medium) in [(Some(&video), Medium::Video), (audio.as_ref(), Medium::Audio)] {
            if let Some(source) = source {
                inlets.push((source.stream.clone(), tap::add(&pipeline, &source.caps, medium, &line)?));
            }
        }
        let failing = Arc::downgrade(&line);
        pipeline::watch_bus(&pipeline, move |reason| {
            if let Some(line) = failing.upgrade() {
                line.fail(reason);
            }
        })?;
        let leading = line.clone();
        // Each frame of the WebSocket has its time with it.
        let input = Input::new(hub, ticket.id, line.clone(), hello, Some(Box::new(move || leading.lead())), None);
        let receiver = input.receiver();
        // From here on dropping it cleans up.
        let codecs = PictureCodecs::new(hello, Some(&video));
        let viewer = Self { pipeline, links: Links::default(), line, input: Some(input), receiver, ticket, codecs };
        viewer.pipeline.set_state(gst::State::Playing)?;
        for (stream, appsrc) in &inlets {
            viewer.links.add(stream, appsrc);
        }
        viewer.line.insist();
        viewer.receiver.opened();
        Ok((viewer, queue))
    }

    /// A text frame of the browser: what it would say on a data channel.
    pub(in super::super) fn text(&self, text: &str) {
        self.receiver.message(text);
    }

    /// A binary frame of the browser; false where it is none that browsers send.
    pub(in super::super) fn binary(&self, frame: &[u8]) -> bool {
        match Receipt::parse(frame) {
            Ok(Receipt::Received(sequence)) => self.line.received(sequence),
            Ok(Receipt::NeedsKeyframe) => self.line.needs_keyframe(),
            Err(_) => return false,
        }
        true
    }

    /// A text frame of this length has been handed to the socket.
    pub(in super::super) fn text_sent(&self, length: usize) {
        if self.line.text_sent(length) {
            self.receiver.more();
        }
    }

    /// To be called now and then until there is a picture.
    pub(in super::super) fn insist(&self) {
        self.line.insist();
    }

    /// What the browser shows of its connection.
    pub(in super::super) fn tell_numbers(&self) {
        if let Some(round_trip) = self.line.counts().round_trip {
            let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            self.tell(&connection(round_trip.as_secs_f64() * 1e3, time.as_secs_f64() * 1e3));
        }
    }
}

impl Connection for SocketViewer {
    fn id(&self) -> u64 {
        self.ticket.id
    }

    fn roster_changed(&self) {
        if let Some(input) = &self.input {
            input.roster_changed();
        }
    }

    fn tuning_changed(&self) {
        if let Some(input) = &self.input {
            input.tuning_changed();
        }
    }

    fn encoders_changed(&self) {
        if let Some(input) = &self.input {
            input.encoders_changed();
        }
    }

    fn is_outdated(&self, caps: &gst::Caps) -> bool {
        self.codecs.is_outdated(caps)
    }

    fn can_receive(&self, codec: &str) -> bool {
        self.codecs.can_receive(codec)
    }

    fn tell(&self, message: &str) {
        if let Some(input) = &self.input {
            input.tell(message);
        }
    }

    fn stats(&self, control: bool) -> ViewerStats {
        let counts = self.line.counts();
        let mut stats = ViewerStats { id: self.ticket.id, control, ..ViewerStats::default() };
        self.links.count(&mut stats);
        ViewerStats {
            bytes_sent: counts.bytes,
            round_trip: counts.round_trip,
            frames_sent: counts.sent,
            frames_dropped: stats.frames_dropped + counts.dropped,
            queued: stats.queued + counts.queued,
            ..stats
        }
    }
}

impl Drop for SocketViewer {
    fn drop(&mut self) {
        self.links.clear();
        if let Some(input) = self.input.take() {
            input.release_all();
        }
        pipeline::stop(&self.pipeline);
    }
}
