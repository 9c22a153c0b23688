//! What the network side and the GStreamer side of `selkiessignal` share: streams, servers, the viewers and what they may.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use gst::glib;
use gst::prelude::*;
use selkies_protocol::control::{GpuStatistics, SystemStatistics};
use selkies_protocol::request::{ControlRequest, Tune};
use selkies_protocol::signalling::{Hello, Media};
use selkies_protocol::statistics::{Medium, Statistics};
use tokio::sync::watch;

use super::congestion::Control;
use super::encoders::{EncoderError, Encoders};
use super::gamepad_slots::GamepadSlots;
use super::http::Capabilities;
use super::ice::Ice;
use super::machine::Machine;
use super::metrics::{Numbers, Reports, StreamStats, ViewerStats};
use super::microphone::Microphone;
use super::opus;
use super::roster::{Caller, Joining, Refusal, Roster};
use super::settings::{ControlPolicy, Permissions, TransportPolicy, Tuning};
use super::statistics::Recorder;
use super::stream::Stream;
use super::viewer::Connection;

/// How long a viewer waits for the first frame of the encoder.
const FIRST_FRAME: Duration = Duration::from_secs(15);
/// Between two readings of the machine's load.
const SECOND: Duration = Duration::from_secs(1);

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
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(
        "this browser cannot play {0}, which this desktop sends. Use another browser, or start the desktop with another encoder; WEBRTC_ENCODER=vp8enc is one that every browser plays"
    )]
    NotReceivable(String),
    #[error("this desktop does not offer connections of this kind")]
    NotOffered,
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
    audio_channels: u32,
    permissions: Permissions,
    transport: TransportPolicy,
    video: Mutex<Option<Arc<Stream>>>,
    audio: Mutex<Option<Arc<Stream>>>,
    microphone: Mutex<Option<Arc<Microphone>>>,
    /// Every session watches it, and acts on what becomes of itself.
    roster: watch::Sender<Roster>,
    tuning: watch::Receiver<Tuning>,
    encoders: watch::Receiver<Encoders>,
    gpu: watch::Receiver<Option<GpuStatistics>>,
    machine: watch::Sender<Option<SystemStatistics>>,
    /// Writes what viewers measure, where that is wanted.
    recorder: Option<Recorder>,
    gamepads: Mutex<GamepadSlots>,
    /// What every viewer has to know.
    pub(super) notice: Option<String>,
    /// Sessions and links: what is signed, and what of that is void.
    pub(super) capabilities: Capabilities,
    /// What viewers measure.
    pub(super) reports: Reports,
    /// The sessions, to ask for their numbers.
    sessions: Mutex<Vec<Weak<dyn Connection>>>,
    next_id: AtomicU64,
}

/// What a hub is made of.
pub(super) struct Parts {
    pub(super) ice: Ice,
    pub(super) congestion: Option<Arc<Control>>,
    pub(super) audio_channels: u32,
    pub(super) permissions: Permissions,
    pub(super) policy: ControlPolicy,
    pub(super) transport: TransportPolicy,
    pub(super) max_viewers: usize,
    pub(super) capabilities: Capabilities,
    pub(super) video: Option<Arc<Stream>>,
    pub(super) audio: Option<Arc<Stream>>,
    pub(super) tuning: watch::Receiver<Tuning>,
    pub(super) encoders: watch::Receiver<Encoders>,
    pub(super) gpu: watch::Receiver<Option<GpuStatistics>>,
    pub(super) notice: Option<String>,
    pub(super) recorder: Option<Recorder>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    pub(super) fn new(element: &super::SelkiesSignal, parts: Parts) -> Self {
        Self {
            element: element.downgrade(),
            ice: parts.ice,
            congestion: parts.congestion,
            audio_channels: parts.audio_channels,
            permissions: parts.permissions,
            transport: parts.transport,
            video: Mutex::new(parts.video),
            audio: Mutex::new(parts.audio),
            microphone: Mutex::default(),
            roster: watch::Sender::new(Roster::new(parts.policy, parts.max_viewers)),
            tuning: parts.tuning,
            encoders: parts.encoders,
            gpu: parts.gpu,
            machine: watch::Sender::new(None),
            recorder: parts.recorder,
            gamepads: Mutex::default(),
            notice: parts.notice,
            capabilities: parts.capabilities,
            reports: Reports::default(),
            sessions: Mutex::default(),
            next_id: AtomicU64::new(1),
        }
    }

    /// Pads may come and go while the element runs.
    pub(super) fn set_streams(&self, video: Option<Arc<Stream>>, audio: Option<Arc<Stream>>) {
        *lock(&self.video) = video;
        *lock(&self.audio) = audio;
    }

    /// Where viewers are heard, or that they are not.
    pub(super) fn set_microphone(&self, microphone: Option<Arc<Microphone>>) {
        *lock(&self.microphone) = microphone;
    }

    /// Where viewer `id` may be heard. Guests never are.
    pub(super) fn microphone_of(&self, id: u64) -> Option<Arc<Microphone>> {
        let microphone = lock(&self.microphone).clone();
        microphone.filter(|_| self.roster.borrow().seen_by(id).may_control)
    }

    pub(super) fn video(&self) -> Option<Arc<Stream>> {
        lock(&self.video).clone()
    }

    /// What browsers may do.
    pub(super) fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// How picture and sound may travel.
    pub(super) fn transport(&self) -> TransportPolicy {
        self.transport
    }

    /// STUN and TURN servers, and our own addresses.
    pub(super) fn ice(&self) -> &Ice {
        &self.ice
    }

    /// Which network counts, where congestion control is on.
    pub(super) fn congestion(&self) -> Option<&Arc<Control>> {
        self.congestion.as_ref()
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
                // It is known what they will be, so a sound server that is slow to start delays nobody.
                let caps = stream.caps().borrow().clone().unwrap_or_else(|| opus::caps(self.audio_channels));
                Some(Source { stream, caps })
            }
        };
        Ok((video, audio))
    }

    async fn ready(stream: Arc<Stream>) -> Option<Source> {
        let mut caps = stream.caps();
        if caps.borrow().is_none() {
            stream.wake();
        }
        let caps = tokio::time::timeout(FIRST_FRAME, caps.wait_for(Option::is_some)).await.ok()?.ok()?.clone()?;
        Some(Source { stream, caps })
    }

    /// Admits one more connection; it is a member of the roster until the ticket is dropped.
    pub(super) fn admit(self: &Arc<Self>, caller: Caller, hello: &Hello) -> Result<Ticket, SessionError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut joined = Ok(());
        self.roster.send_if_modified(|roster| {
            let joining = Joining {
                sound_only: !hello.media.video,
                wants_control: hello.wants_control,
                page: hello.page.as_deref(),
            };
            joined = roster.join(id, caller, joining);
            joined.is_ok()
        });
        joined?;
        self.notify("viewers");
        Ok(Ticket { hub: self.clone(), id })
    }

    /// Who is connected, and who controls; changes are announced.
    pub(super) fn roster(&self) -> watch::Receiver<Roster> {
        self.roster.subscribe()
    }

    /// Whether viewer `id` controls the desktop at this moment.
    pub(super) fn controls(&self, id: u64) -> bool {
        self.roster.borrow().controls(id)
    }

    /// Of the connections of its page, `id` is the one in use from now on.
    pub(super) fn use_connection(&self, id: u64) -> Result<(), Refusal> {
        let mut result = Ok(());
        self.roster.send_if_modified(|roster| {
            result = roster.use_connection(id);
            result.is_ok()
        });
        result
    }

    /// Whose the desktop's gamepads are.
    pub(super) fn gamepads(&self) -> MutexGuard<'_, GamepadSlots> {
        lock(&self.gamepads)
    }

    /// Does what viewer `by` asks, where it may.
    pub(super) fn control(&self, by: u64, request: ControlRequest) -> Result<(), Refusal> {
        let mut result = Ok(());
        self.roster.send_if_modified(|roster| {
            result = match request {
                ControlRequest::Take => roster.take(by),
                ControlRequest::Ask => roster.ask(by),
                ControlRequest::Refuse(whom) => roster.refuse(by, whom),
                ControlRequest::Give(to) => roster.give(by, to),
                // Before the guest hears of it, or he could come back by the same link.
                ControlRequest::Kick(whom) => roster.kick(by, whom).map(|link| {
                    if let Some(link) = link {
                        self.capabilities.revoke(link);
                    }
                }),
            };
            result.is_ok()
        });
        result
    }

    /// Ends the sessions of all who came by a link.
    pub(super) fn show_guests_out(&self) {
        self.roster.send_modify(Roster::end_guests);
    }

    /// Browsers give the screen their size from now on, or no more. False where nobody may switch that.
    pub(super) fn enable_resize(&self, on: bool) -> bool {
        if !self.permissions.resize_switch {
            return false;
        }
        if let Some(element) = self.element.upgrade() {
            element.set_enable_resize(on);
        }
        true
    }

    /// What viewers change while it runs; changes are announced.
    pub(super) fn tuning(&self) -> watch::Receiver<Tuning> {
        self.tuning.clone()
    }

    /// The encoder that runs, and those that may be chosen; changes are announced.
    pub(super) fn encoders(&self) -> watch::Receiver<Encoders> {
        self.encoders.clone()
    }

    /// Another encoder shall run: the property of the element, which whoever owns the encoders listens to.
    pub(super) fn choose_encoder(&self, name: &str) -> Result<(), EncoderError> {
        let codec = self.encoders.borrow().codec_of(name)?.to_owned();
        let viewers: Vec<_> = lock(&self.sessions).iter().filter_map(Weak::upgrade).collect();
        if !viewers.iter().all(|viewer| viewer.can_receive(&codec)) {
            return Err(EncoderError::NotReceivable(codec));
        }
        if let Some(element) = self.element.upgrade() {
            element.set_property("encoder", name);
        }
        Ok(())
    }

    /// What the GPU does, each second; changes are announced.
    pub(super) fn gpu(&self) -> watch::Receiver<Option<GpuStatistics>> {
        self.gpu.clone()
    }

    /// What the machine does, each second while anybody is connected; changes are announced.
    pub(super) fn machine(&self) -> watch::Receiver<Option<SystemStatistics>> {
        self.machine.subscribe()
    }

    /// Keeps that up to date; never returns.
    pub(super) async fn watch_machine(&self) {
        let mut machine = Machine::default();
        let mut second = tokio::time::interval(SECOND);
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            second.tick().await;
            let microphone = lock(&self.microphone).clone();
            if let Some(microphone) = microphone {
                microphone.rest(std::time::Instant::now());
            }
            if self.viewers() > 0
                && let Some(statistics) = machine.read()
            {
                self.machine.send_replace(Some(statistics));
            }
        }
    }

    /// What viewer `id` measures of its connection. Guests are not heard.
    pub(super) fn measured(&self, id: u64, statistics: Statistics) {
        if !self.roster.borrow().seen_by(id).may_control {
            return;
        }
        if statistics.medium == Medium::Video {
            self.reports.statistics(&statistics);
        }
        if let Some(recorder) = &self.recorder {
            recorder.row(id, statistics);
        }
    }

    /// Whether what viewers measure is written to files.
    pub(super) fn is_recording(&self) -> bool {
        self.recorder.is_some()
    }

    /// Everything as Prometheus reads it. May take seconds.
    pub(super) fn metrics(&self) -> Result<String, std::fmt::Error> {
        let (streams, viewers) = self.stats();
        self.reports.print(&Numbers { streams: &streams, viewers: &viewers, gpu: *self.gpu.borrow() })
    }

    /// Changes a setting of the encoders: the property of the element, which whoever owns the encoders listens to.
    /// False where nobody does.
    pub(super) fn tune(&self, tune: Tune) -> bool {
        let Some(element) = self.element.upgrade() else { return false };
        let (property, value) = match tune {
            Tune::VideoBitrate(value) => ("video-bitrate", value),
            Tune::AudioBitrate(value) => ("audio-bitrate", value),
            Tune::Framerate(value) => ("framerate", value),
        };
        let known = element.property::<u32>(property) != 0;
        if known {
            element.set_property(property, value);
        }
        known
    }

    /// A session that has numbers from now on.
    pub(super) fn register(&self, session: &Arc<dyn Connection>) {
        let mut sessions = lock(&self.sessions);
        sessions.retain(|session| session.strong_count() > 0);
        sessions.push(Arc::downgrade(session));
    }

    /// The numbers of all streams and sessions. May take seconds.
    pub(super) fn stats(&self) -> (Vec<StreamStats>, Vec<ViewerStats>) {
        let streams = [(self.video(), "video"), (lock(&self.audio).clone(), "audio")];
        let streams = streams.into_iter().filter_map(|(stream, kind)| Some(stream?.stats(kind))).collect();
        let sessions: Vec<_> = lock(&self.sessions).iter().filter_map(Weak::upgrade).collect();
        let viewers = sessions.into_iter().map(|viewer| viewer.stats(self.controls(viewer.id()))).collect();
        (streams, viewers)
    }

    /// How many connections there are.
    pub(super) fn viewers(&self) -> u32 {
        self.roster.borrow().connections() as u32
    }

    fn notify(&self, property: &str) {
        if let Some(element) = self.element.upgrade() {
            element.notify(property);
        }
    }
}

/// The place of a connection in the roster.
pub(super) struct Ticket {
    hub: Arc<Hub>,
    pub(super) id: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.hub.roster.send_modify(|roster| roster.leave(self.id));
        self.hub.notify("viewers");
        if self.hub.viewers() == 0 {
            give_memory_back();
        }
    }
}

/// Each session runs on some twenty threads, and the C library keeps what they have freed, for threads to come: tens of
/// megabytes, more with each way that sessions overlap. While nobody watches, nobody needs that.
fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it gives free pages back to the kernel, and has no other effect.
    unsafe {
        libc::malloc_trim(0);
    }
}
