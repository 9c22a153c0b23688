//! What the network side and the GStreamer side of `selkiessignal` share: streams, servers and the list of viewers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use selkies_protocol::signalling::Media;

use super::congestion::{Control, Share};
use super::ice::Ice;
use super::stream::Stream;

/// More than one desktop can use; a bound, so that connections can't use up the machine.
const MAX_VIEWERS: usize = 64;
/// How long a viewer waits for the first frame of the encoder.
const FIRST_FRAME: Duration = Duration::from_secs(15);

/// A stream and its caps, ready to be sent.
pub(super) struct Source {
    pub(super) stream: Arc<Stream>,
    pub(super) caps: gst::Caps,
}

/// Why there is no session; the text goes to the browser.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error("the desktop sends no video")]
    NoVideo,
    #[error("the desktop sends no sound")]
    NoAudio,
    #[error("the desktop is not running yet, try again in a moment")]
    NotPlaying,
    #[error("too many viewers ({MAX_VIEWERS})")]
    TooMany,
    #[error("this browser cannot play {0}, which this desktop sends; choose another encoder")]
    NotReceivable(String),
    #[error("this stream can't be sent: {0}")]
    Unsupported(String),
    #[error("the session could not be set up: {0}")]
    Setup(#[from] glib::BoolError),
    #[error("the session could not be started")]
    StateChange(#[from] gst::StateChangeError),
}

/// See the module.
pub(super) struct Hub {
    element: glib::WeakRef<super::SelkiesSignal>,
    ice: Ice,
    congestion: Option<Arc<Control>>,
    fec_percentage: u32,
    video: Mutex<Option<Arc<Stream>>>,
    audio: Mutex<Option<Arc<Stream>>>,
    viewers: Mutex<Vec<u64>>,
    next_id: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(super) fn new(
        element: &super::SelkiesSignal,
        ice: Ice,
        congestion: Option<Arc<Control>>,
        fec_percentage: u32,
        video: Option<Arc<Stream>>,
        audio: Option<Arc<Stream>>,
    ) -> Self {
        Self {
            element: element.downgrade(),
            ice,
            congestion,
            fec_percentage,
            video: Mutex::new(video),
            audio: Mutex::new(audio),
            viewers: Mutex::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// Pads may come and go while the element runs.
    pub(super) fn set_streams(&self, video: Option<Arc<Stream>>, audio: Option<Arc<Stream>>) {
        *lock(&self.video) = video;
        *lock(&self.audio) = audio;
    }

    pub(super) fn video(&self) -> Option<Arc<Stream>> {
        lock(&self.video).clone()
    }

    /// STUN and TURN servers, and our own addresses.
    pub(super) fn ice(&self) -> &Ice {
        &self.ice
    }

    /// The part of a new viewer in the congestion control, where that is on.
    pub(super) fn join_congestion(&self, viewer: u64) -> Option<Share> {
        self.congestion.as_ref().map(|control| control.join(viewer))
    }

    /// How much forward error correction video has.
    pub(super) fn fec_percentage(&self) -> u32 {
        self.fec_percentage
    }

    /// Clock and base time of the pipeline, for pipelines that run along with it.
    pub(super) fn clock(&self) -> Result<(gst::Clock, gst::ClockTime), SessionError> {
        let element = self.element.upgrade().ok_or(SessionError::NotPlaying)?;
        let clock = element.clock().ok_or(SessionError::NotPlaying)?;
        Ok((clock, element.base_time().ok_or(SessionError::NotPlaying)?))
    }

    /// The streams for a viewer that wants these media, as soon as they flow. Sound that is not there is left out of
    /// a connection that has video as well.
    pub(super) async fn sources(&self, media: Media) -> Result<(Option<Source>, Option<Source>), SessionError> {
        let video = match (media.video, self.video()) {
            (false, _) => None,
            (true, None) => return Err(SessionError::NoVideo),
            (true, Some(stream)) => Some(Self::ready(stream).await.ok_or(SessionError::NotPlaying)?),
        };
        let audio = match (media.audio, lock(&self.audio).clone()) {
            (true, None) if video.is_none() => return Err(SessionError::NoAudio),
            (false, _) | (_, None) => None,
            (true, Some(stream)) => {
                // Opus always looks the same to RTP (RFC 7587), so a sound server that is slow to start delays nobody.
                let caps = stream.caps().borrow().clone();
                let caps = caps.unwrap_or_else(|| {
                    gst::Caps::builder("audio/x-opus").field("channel-mapping-family", 0).field("channels", 2).build()
                });
                Some(Source { stream, caps })
            }
        };
        Ok((video, audio))
    }

    async fn ready(stream: Arc<Stream>) -> Option<Source> {
        let mut caps = stream.caps();
        let caps = tokio::time::timeout(FIRST_FRAME, caps.wait_for(Option::is_some)).await.ok()?.ok()?.clone()?;
        Some(Source { stream, caps })
    }

    /// Admits one more viewer; it is counted until the ticket is dropped.
    pub(super) fn admit(self: &Arc<Self>) -> Result<Ticket, SessionError> {
        let mut viewers = lock(&self.viewers);
        if viewers.len() >= MAX_VIEWERS {
            return Err(SessionError::TooMany);
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        viewers.push(id);
        drop(viewers);
        self.notify_viewers();
        Ok(Ticket { hub: self.clone(), id })
    }

    /// How many viewers there are.
    pub(super) fn viewers(&self) -> u32 {
        lock(&self.viewers).len() as u32
    }

    fn notify_viewers(&self) {
        if let Some(element) = self.element.upgrade() {
            element.notify("viewers");
        }
    }
}

/// The place of a viewer in the list.
pub(super) struct Ticket {
    hub: Arc<Hub>,
    pub(super) id: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        lock(&self.hub.viewers).retain(|id| *id != self.id);
        self.hub.notify_viewers();
    }
}
