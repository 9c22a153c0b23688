//! One viewer: a small pipeline beside the element's own, with a webrtcbin in it; or without one, for a viewer over a
//! WebSocket ([`socket`]).
//!
//! A pipeline of its own, so that nothing that happens to one viewer reaches another or the encoder: its errors end on
//! its own bus, and what it cannot send in time it loses itself.

mod branch;
mod channel;
mod data_channel;
mod exchange;
mod feedback;
mod gamepads;
mod gate;
#[cfg(test)]
mod hostile;
mod links;
mod microphone;
mod outbox;
mod ping;
mod pipeline;
mod player;
mod questions;
mod rate;
mod retransmission;
mod rtp_plugin;
mod sctp;
mod sdp;
mod seconds;
mod silence;
mod socket;
mod transport;
mod webrtcbin;

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use gst::prelude::*;
use gst_webrtc::WebRTCSessionDescription;
use selkies_protocol::signalling::{Codecs, Dialect, Hello, PeerMessage, SdpKind};
use tokio::sync::mpsc;

use super::hub::{Hub, SessionError, Source, Ticket};
use super::metrics::ViewerStats;
use super::roster::Caller;
pub(super) use branch::codec;
use branch::{Branch, Numbers, Options};
use links::Links;
#[cfg(feature = "fuzz")]
pub(super) use player::fuzz_offer;
pub(super) use player::{Fragment, Offer as PlayerOffer, OfferError, Player, PlayerError};
#[cfg(feature = "fuzz")]
pub(super) use sdp::fuzz as fuzz_answer;
pub(super) use socket::{FromSocket, SocketViewer};
use webrtcbin::WebRtcBin;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("selkiessignal-viewer", gst::DebugColorFlags::empty(), Some("A viewer of selkiessignal"))
});

/// What a viewer has to say to its browser.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outgoing {
    /// A frame of the signalling protocol.
    Frame(String),
    /// The session can't go on, and why.
    Failed(String),
}

/// A session, whatever carries it, as what happens to all of them sees it.
pub(super) trait Connection: Send + Sync {
    /// Its number in the roster.
    fn id(&self) -> u64;
    /// Who is connected or who controls has changed.
    fn roster_changed(&self);
    /// What the encoders are set to has changed.
    fn tuning_changed(&self);
    /// Another encoder runs, or there are others to choose from.
    fn encoders_changed(&self);
    /// Whether a picture of these caps needs another session: this one was made for another codec.
    fn is_outdated(&self, caps: &gst::Caps) -> bool;
    /// Whether the browser can receive this MIME type, as far as it has said. Who only listens need not.
    fn can_receive(&self, codec: &str) -> bool;
    /// Sends a message, where there is somebody to hear it.
    fn tell(&self, message: &str);
    /// Its numbers. May wait, not for long.
    fn stats(&self, control: bool) -> ViewerStats;
}

/// A browser's session. Dropping it ends the session and releases what its user holds down.
pub(super) struct Viewer {
    pipeline: gst::Pipeline,
    webrtcbin: WebRtcBin,
    links: Arc<Links>,
    offer: Offer,
    input: Option<(channel::Input, data_channel::Connected)>,
    ticket: Ticket,
    codecs: PictureCodecs,
}

/// The codec that a session was made for, and those it could have been made for.
struct PictureCodecs {
    /// The MIME type of the picture, where there is one.
    current: Option<String>,
    /// What the browser can receive, where it has said so.
    receivable: Option<Codecs>,
}

impl PictureCodecs {
    fn new(hello: &Hello, video: Option<&Source>) -> Self {
        let current = video.and_then(|source| branch::mime_type(&source.caps).ok());
        Self { current, receivable: hello.codecs.clone() }
    }

    fn is_outdated(&self, caps: &gst::Caps) -> bool {
        self.current.is_some() && branch::mime_type(caps).ok() != self.current
    }

    fn can_receive(&self, codec: &str) -> bool {
        let receivable = self.receivable.as_ref().filter(|_| self.current.is_some());
        receivable.is_none_or(|known| known.contains(codec))
    }
}

/// The offer that waits for its answer.
type Offer = Arc<Mutex<Option<WebRTCSessionDescription>>>;

impl Viewer {
    /// Builds and starts the pipeline. The offer and the candidates come through `outgoing`.
    pub(super) fn start(
        hub: &Arc<Hub>,
        hello: &Hello,
        (video, audio): (Option<Source>, Option<Source>),
        caller: Caller,
        outgoing: mpsc::Sender<Outgoing>,
    ) -> Result<Self, SessionError> {
        let ticket = hub.admit(caller, hello)?;
        let pipeline = pipeline::create(hub, ticket.id)?;
        let webrtcbin = WebRtcBin::new(&pipeline)?;
        webrtcbin.configure_ice(hub.ice(), caller.address);

        let mut branches = Vec::new();
        let sources = [video.as_ref().map(|source| (source, "video")), audio.as_ref().map(|source| (source, "audio"))];
        for (source, kind) in sources.into_iter().flatten() {
            let mime_type = branch::mime_type(&source.caps)?;
            if hello.codecs.as_ref().is_some_and(|codecs| !codecs.contains(&mime_type)) {
                // A desktop without sound is still a desktop.
                if kind == "audio" && !branches.is_empty() {
                    gst::info!(CAT, "this browser cannot play {mime_type}");
                    continue;
                }
                return Err(SessionError::NotReceivable(mime_type));
            }
            let is_video = kind == "video";
            let options = Options {
                group: group(hello, kind),
                share: hub.congestion().filter(|_| is_video).map(|control| control.join(ticket.id)),
                numbers: Numbers::OURS,
            };
            let branch = Branch::new(&pipeline, &webrtcbin, &source.caps, kind, options)?;
            branches.push((branch, source.stream.clone()));
        }

        if let Some(microphone) = hub.microphone_of(ticket.id).filter(|_| hello.dialect == Dialect::Extended) {
            microphone::offer(&pipeline, &webrtcbin, hub, ticket.id, microphone)?;
        }
        let clock = branches.iter().find_map(|(branch, _)| branch.video_clock(&pipeline));
        let feedback = branches.iter().find_map(|(branch, _)| branch.feedback.clone());
        let links = Arc::new(Links::default());
        let failed = |outgoing: &mpsc::Sender<Outgoing>| {
            let outgoing = outgoing.clone();
            move |reason| drop(outgoing.try_send(Outgoing::Failed(reason)))
        };
        pipeline::watch_bus(&pipeline, failed(&outgoing))?;
        tell_candidates(hub, &webrtcbin, outgoing.clone());
        pipeline::watch_connection(&webrtcbin, branches, &links, failed(&outgoing));
        data_channel::keep_others(&webrtcbin, failed(&outgoing));

        // From here on dropping it cleans up.
        let offer = Offer::default();
        let codecs = PictureCodecs::new(hello, video.as_ref());
        let mut viewer = Self { pipeline, webrtcbin, links, offer, input: None, ticket, codecs };
        viewer.pipeline.set_state(gst::State::Ready)?;
        if video.is_some() {
            // The channel has to be there before the offer.
            let channel = viewer.webrtcbin.create_data_channel("input")?;
            let lead = feedback.map(|feedback| Box::new(move || feedback.lead()) as channel::Lead);
            let clock = clock.map(|clock| Box::new(clock) as channel::VideoClock);
            let input = channel::Input::new(hub, viewer.ticket.id, Arc::new(channel.clone()), hello, lead, clock);
            let connected = data_channel::Connected::new(&channel, &input);
            viewer.input = Some((input, connected));
        }
        viewer.pipeline.set_state(gst::State::Playing)?;
        // webrtcbin says that an offer is due as soon as it has a track, which may be before there is a channel. Nothing
        // is added later, so one offer is enough.
        make_offer(&viewer.webrtcbin, &viewer.offer, outgoing);
        Ok(viewer)
    }

    /// Handles a frame of the browser. An error ends the session; its text is for the user.
    pub(super) fn receive(&self, message: PeerMessage) -> Result<(), String> {
        match message {
            PeerMessage::Sdp { kind: SdpKind::Answer, sdp } => {
                // Taken: one answer for each offer.
                let offer = self.offer.lock().unwrap_or_else(PoisonError::into_inner).take();
                let answer = sdp::accept(offer.as_ref(), &sdp).map_err(|error| error.to_string())?;
                self.webrtcbin.set_remote_description(&answer);
                Ok(())
            }
            PeerMessage::Sdp { kind: SdpKind::Offer, .. } => Err("the offer is the server's to make".into()),
            PeerMessage::Ice { candidate, mline } => {
                // An empty one ends the list; libnice has no use for that.
                if transport::is_candidate(&candidate) {
                    self.webrtcbin.add_ice_candidate(mline.unwrap_or(0), &candidate);
                } else if !candidate.is_empty() {
                    gst::debug!(CAT, "left out a candidate that is none");
                }
                Ok(())
            }
        }
    }
}

impl Connection for Viewer {
    fn id(&self) -> u64 {
        self.ticket.id
    }

    fn roster_changed(&self) {
        if let Some((input, _)) = &self.input {
            input.roster_changed();
        }
    }

    fn tuning_changed(&self) {
        if let Some((input, _)) = &self.input {
            input.tuning_changed();
        }
    }

    fn encoders_changed(&self) {
        if let Some((input, _)) = &self.input {
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
        if let Some((input, _)) = &self.input {
            input.tell(message);
        }
    }

    fn stats(&self, control: bool) -> ViewerStats {
        self.links.stats(self.ticket.id, control, &self.webrtcbin)
    }
}

/// The media stream that a track belongs to. Picture and sound are in different ones: browsers hold back the picture of a
/// stream until its sound arrives. But the single connection of a Selkies client before 1.5 plays one stream only.
fn group(hello: &Hello, kind: &'static str) -> &'static str {
    match hello.dialect {
        Dialect::Selkies => "desktop",
        Dialect::Extended => kind,
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.links.clear();
        let channel = self.input.take().map(|(input, connected)| {
            input.release_all();
            connected.end()
        });
        self.webrtcbin.end_stats();
        pipeline::stop(&self.pipeline);
        drop(channel);
    }
}

fn tell_candidates(hub: &Arc<Hub>, webrtcbin: &WebRtcBin, outgoing: mpsc::Sender<Outgoing>) {
    let hub = hub.clone();
    webrtcbin.on_ice_candidate(move |mline, candidate| {
        let candidate = hub.ice().announced().rewrite(candidate);
        drop(outgoing.try_send(Outgoing::Frame(PeerMessage::Ice { candidate, mline: Some(mline) }.to_frame())));
    });
}

fn make_offer(webrtcbin: &WebRtcBin, waiting: &Offer, outgoing: mpsc::Sender<Outgoing>) {
    let waiting = waiting.clone();
    webrtcbin.create_offer(move |webrtcbin, offer| {
        webrtcbin.set_local_description(offer);
        *waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(offer.clone());
        match sdp::offer_for_browsers(offer.sdp()) {
            Ok(sdp) => {
                gst::log!(CAT, "offer:\n{sdp}");
                let frame = PeerMessage::Sdp { kind: SdpKind::Offer, sdp }.to_frame();
                drop(outgoing.try_send(Outgoing::Frame(frame)));
            }
            Err(error) => gst::error!(CAT, "cannot print the offer: {error}"),
        }
    });
}
