//! The way to one browser over its WebSocket: what waits to be sent, and how much may.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use gst::prelude::*;
use selkies_protocol::transport::{MediaHeader, Medium};
use tokio::sync::mpsc;

use super::super::CAT;
use super::super::outbox::{Channel, LOW};
use super::FromSocket;
use crate::selkiessignal::congestion::{Flow, Share, Verdict};
use crate::selkiessignal::stream::Stream;

/// More text than this waits for nobody who reads, in bytes: an image that was copied, and the cursors meanwhile.
const MAX_TEXT: u64 = 4 * 1024 * 1024;
/// A viewer that lacks its first keyframe asks again after this time.
const ASK_AGAIN: Duration = Duration::from_millis(300);

/// See the module.
pub(super) struct Line {
    queue: mpsc::UnboundedSender<FromSocket>,
    /// Bytes of text that wait.
    text: AtomicU64,
    flow: Mutex<Flow>,
    /// Its part in the congestion control.
    share: Option<Share>,
    /// That of the picture.
    stream: Option<Arc<Stream>>,
    /// A keyframe has gone out.
    begun: AtomicBool,
    asked: Mutex<Option<Duration>>,
    frames: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clock of the law.
fn now() -> Duration {
    gst::SystemClock::obtain().time().into()
}

/// Frames that went out, bytes of them, and frames that did not.
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) bytes: u64,
    pub(super) dropped: u64,
    pub(super) queued: u64,
    pub(super) round_trip: Option<Duration>,
}

impl Line {
    pub(super) fn new(
        queue: mpsc::UnboundedSender<FromSocket>,
        flow: Flow,
        share: Option<Share>,
        stream: Option<Arc<Stream>>,
    ) -> Self {
        if let Some(share) = &share {
            share.set(flow.estimate());
        }
        Self {
            queue,
            text: AtomicU64::new(0),
            flow: Mutex::new(flow),
            share,
            stream,
            begun: AtomicBool::new(false),
            asked: Mutex::new(None),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Sends an encoded frame, if it has room. `captured` is in microseconds since 1970.
    pub(super) fn frame(&self, medium: Medium, keyframe: bool, captured: u64, data: &[u8]) {
        let (now, size) = (now(), MediaHeader::LENGTH + data.len());
        let mut flow = lock(&self.flow);
        let verdict = match medium {
            Medium::Video => flow.admit(now, size, keyframe),
            Medium::Audio if flow.admit_sound(size) => Verdict::Send,
            Medium::Audio => Verdict::Drop,
        };
        if verdict == Verdict::Send {
            let sequence = flow.send(now, size);
            let mut bytes = BytesMut::with_capacity(size);
            bytes.put_slice(&MediaHeader { medium, keyframe, sequence, captured }.to_bytes());
            bytes.put_slice(data);
            // Under the lock, so that they leave in order.
            let _ = self.queue.send(FromSocket::Frame(bytes.freeze()));
            drop(flow);
            self.frames.fetch_add(u64::from(medium == Medium::Video), Ordering::Relaxed);
            self.bytes.fetch_add(size as u64, Ordering::Relaxed);
            if medium == Medium::Video && keyframe {
                self.begun.store(true, Ordering::SeqCst);
            }
            return;
        }
        drop(flow);
        self.dropped.fetch_add(1, Ordering::Relaxed);
        if verdict == Verdict::DropAndAsk {
            self.ask_for_keyframe();
        }
    }

    /// Tells how what follows is encoded.
    pub(super) fn format(&self, message: String) {
        self.queue_text(message);
    }

    /// The browser has got everything up to this sequence number.
    pub(super) fn received(&self, sequence: u32) {
        let (outcome, estimate) = {
            let mut flow = lock(&self.flow);
            if let Some(share) = &self.share {
                flow.set_limits(share.limits());
            }
            (flow.received(now(), sequence), flow.estimate())
        };
        if let Some(share) = self.share.as_ref().filter(|_| outcome.changed) {
            gst::log!(CAT, "the connection carries {} kbit/s", estimate / 1000);
            share.set(estimate);
        }
        if outcome.ask {
            self.ask_for_keyframe();
        }
    }

    /// The browser cannot decode what comes. While nothing comes, that is no news.
    pub(super) fn needs_keyframe(&self) {
        if !lock(&self.flow).is_closed() {
            self.ask_for_keyframe();
        }
    }

    /// To be called now and then: the request for the first keyframe may have been left out, for one that came before.
    pub(super) fn insist(&self) {
        let now = now();
        let mut asked = lock(&self.asked);
        if !self.begun.load(Ordering::SeqCst) && asked.is_none_or(|asked| now > asked + ASK_AGAIN) {
            *asked = Some(now);
            drop(asked);
            self.ask_for_keyframe();
        }
    }

    /// The viewer acts: the encoder is to follow its network.
    pub(super) fn lead(&self) {
        if let Some(share) = &self.share {
            share.lead();
        }
    }

    /// A message has been handed to the socket. Returns whether there is room for more content.
    pub(super) fn text_sent(&self, length: usize) -> bool {
        let before = self.text.fetch_sub(length as u64, Ordering::SeqCst);
        before > LOW && before - length as u64 <= LOW
    }

    pub(super) fn counts(&self) -> Counts {
        let flow = lock(&self.flow);
        Counts {
            sent: self.frames.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            queued: flow.in_flight() + self.text.load(Ordering::SeqCst),
            round_trip: flow.round_trip(),
        }
    }

    fn ask_for_keyframe(&self) {
        if let Some(stream) = &self.stream {
            stream.request_keyframe();
        }
    }

    fn queue_text(&self, message: String) {
        if self.text.load(Ordering::SeqCst) > MAX_TEXT {
            let _ = self.queue.send(FromSocket::Failed("the browser does not read what it is sent".into()));
            return;
        }
        self.text.fetch_add(message.len() as u64, Ordering::SeqCst);
        let _ = self.queue.send(FromSocket::Text(message));
    }

    /// The session cannot go on.
    pub(super) fn fail(&self, reason: String) {
        let _ = self.queue.send(FromSocket::Failed(reason));
    }
}

impl Channel for Line {
    fn is_open(&self) -> bool {
        !self.queue.is_closed()
    }

    fn send(&self, message: &str) {
        self.queue_text(message.to_owned());
    }

    fn buffered(&self) -> u64 {
        self.text.load(Ordering::SeqCst)
    }
}

/// An encoded frame as what the browser gets.
pub(super) type Frame = Bytes;
