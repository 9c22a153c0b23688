//! A viewer that is no page of ours: a player that makes the offer itself, over HTTP (WHEP). It watches, and has no
//! channel to say anything.

mod description;
mod fragment;
#[cfg(feature = "fuzz")]
mod fuzz;
#[cfg(test)]
mod hostile;
mod offer;

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;
use selkies_protocol::signalling::{Dialect, Hello, Media, Transport};
use tokio::sync::mpsc;

use super::branch::{self, Branch, Options};
use super::links::Links;
use super::webrtcbin::WebRtcBin;
use super::{CAT, Connection, pipeline};
use crate::selkiessignal::hub::{Hub, SessionError, Source, Ticket};
use crate::selkiessignal::metrics::ViewerStats;
use crate::selkiessignal::roster::{Access, Caller};
use description::{Agreed, Own, STREAM};
pub(in super::super) use fragment::Fragment;
#[cfg(feature = "fuzz")]
pub(in super::super) use fuzz::offer as fuzz_offer;
use offer::Wanted;
pub(in super::super) use offer::{Offer, OfferError};

/// How long webrtcbin may take to answer an offer.
const ANSWERING: Duration = Duration::from_secs(5);
/// How long a player waits for our addresses. A server that does not answer must not keep it from those that are known.
const GATHERING: Duration = Duration::from_secs(2);

/// Why a player is not served; the text is for the user.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum PlayerError {
    #[error(transparent)]
    Offer(#[from] OfferError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("The offer could not be answered")]
    NoAnswer,
}

/// A fragment that begins another ICE session, which a player gets by another offer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("ICE cannot be restarted here: end this session and make another offer")]
pub(in super::super) struct Restart;

/// A player's session. Dropping it ends the session.
pub(in super::super) struct Player {
    pipeline: gst::Pipeline,
    webrtcbin: WebRtcBin,
    links: Arc<Links>,
    ticket: Ticket,
    agreed: Agreed,
    /// The MIME type of the picture.
    mime_type: String,
    /// When the player was heard last.
    heard: Arc<Mutex<Instant>>,
}

impl Player {
    /// Builds and starts the pipeline; returns the answer as well. What ends the session later comes through `failures`.
    /// Takes as long as our own addresses take to be found.
    pub(in super::super) fn start(
        hub: &Arc<Hub>,
        offer: Offer,
        (video, audio): (Source, Option<Source>),
        caller: Caller,
        failures: mpsc::Sender<String>,
    ) -> Result<(Self, String), PlayerError> {
        let mime_type = branch::mime_type(&video.caps)?;
        let agreed = agree(offer, &video, audio.as_ref())?;
        let media = Media { video: true, audio: agreed.audio.is_some() };
        let caller = Caller { access: Access::View, ..caller };
        let ticket = hub.admit(caller, &hello(media))?;
        let pipeline = pipeline::create(hub, ticket.id)?;
        let webrtcbin = WebRtcBin::new(&pipeline).map_err(SessionError::from)?;
        webrtcbin.configure_ice(hub.ice(), caller.address);

        let share = || hub.congestion().map(|control| control.join(ticket.id));
        let branches = add_branches(&pipeline, &webrtcbin, &agreed, (&video, audio.as_ref()), share)?;
        let links = Arc::new(Links::default());
        let failed = || {
            let failures = failures.clone();
            move |reason| drop(failures.try_send(reason))
        };
        pipeline::watch_bus(&pipeline, failed())?;
        pipeline::watch_connection(&webrtcbin, branches, &links, failed());
        // From here on dropping it cleans up.
        let heard = Arc::new(Mutex::new(Instant::now()));
        let player = Self { pipeline, webrtcbin, links, ticket, agreed, mime_type, heard };
        player.pipeline.set_state(gst::State::Playing).map_err(SessionError::from)?;
        let answer = player.answer(hub)?;
        gst::log!(CAT, "answer:\n{answer}");
        let heard = player.heard.clone();
        player.webrtcbin.on_packet(move || *lock(&heard) = Instant::now());
        Ok((player, answer))
    }

    fn answer(&self, hub: &Arc<Hub>) -> Result<String, PlayerError> {
        let candidates = Arc::new(Mutex::new(Vec::new()));
        let (found, announcing) = (candidates.clone(), hub.clone());
        self.webrtcbin.on_ice_candidate(move |_, candidate| {
            let candidate = announcing.ice().announced().rewrite(candidate);
            if !candidate.is_empty() {
                lock(&found).push(candidate);
            }
        });
        let (gathered, all) = sync_channel(1);
        self.webrtcbin.on_gathered(move || {
            let _ = gathered.try_send(());
        });
        let description = negotiate(&self.webrtcbin, &self.agreed)?;
        let complete = match all.recv_timeout(GATHERING) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => {
                gst::warning!(CAT, "viewer {}: a STUN or TURN server does not answer in time", self.ticket.id);
                false
            }
            Err(RecvTimeoutError::Disconnected) => return Err(PlayerError::NoAnswer),
        };
        let candidates = lock(&candidates);
        let own = Own { description: description.sdp(), candidates: &candidates, complete, session: self.ticket.id };
        self.agreed.answer(&own).ok_or(PlayerError::NoAnswer)
    }

    /// Takes candidates that came after the offer.
    pub(in super::super) fn trickle(&self, fragment: &Fragment) -> Result<(), Restart> {
        if fragment.ice_ufrag.is_some() && fragment.ice_ufrag != self.agreed.transport.ice_ufrag {
            return Err(Restart);
        }
        for candidate in &fragment.candidates {
            // Of the only transport.
            self.webrtcbin.add_ice_candidate(0, &format!("candidate:{candidate}"));
        }
        Ok(())
    }

    /// How long nothing has been heard of the player: it reports what it receives every few seconds (RFC 3550 §6.2).
    pub(in super::super) fn silence(&self) -> Duration {
        lock(&self.heard).elapsed()
    }
}

impl Connection for Player {
    fn id(&self) -> u64 {
        self.ticket.id
    }

    // It has no channel to hear of anything.
    fn roster_changed(&self) {}

    fn tuning_changed(&self) {}

    fn encoders_changed(&self) {}

    fn tell(&self, _: &str) {}

    fn is_outdated(&self, caps: &gst::Caps) -> bool {
        branch::mime_type(caps).ok().as_ref() != Some(&self.mime_type)
    }

    fn can_receive(&self, codec: &str) -> bool {
        self.agreed.offer.can_receive(codec)
    }

    fn stats(&self, control: bool) -> ViewerStats {
        self.links.stats(self.ticket.id, control, &self.webrtcbin)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.links.clear();
        self.webrtcbin.end_stats();
        pipeline::stop(&self.pipeline);
    }
}

/// What a player would say if it were a page.
fn hello(media: Media) -> Hello {
    Hello {
        media,
        dialect: Dialect::Extended,
        window: None,
        scale: None,
        wants_control: false,
        codecs: None,
        transport: Transport::WebRtc,
        page: None,
    }
}

/// What of an offer is served.
fn agree(offer: Offer, video: &Source, audio: Option<&Source>) -> Result<Agreed, PlayerError> {
    let chosen = offer.choose(Wanted {
        mime_type: &branch::mime_type(&video.caps)?,
        profile: video.caps.structure(0).and_then(|structure| structure.get("profile").ok()),
    })?;
    let audio = audio.and_then(|audio| {
        let mime_type = branch::mime_type(&audio.caps).ok()?;
        let audio = offer.choose(Wanted { mime_type: &mime_type, profile: None }).ok()?;
        // A desktop without sound is still a desktop.
        offer.go_together(&chosen, &audio).then_some(audio)
    });
    let transport = offer.transport(&chosen)?;
    Ok(Agreed { offer, video: chosen, audio, transport })
}

type Branches = Vec<(Branch, Arc<crate::selkiessignal::stream::Stream>)>;

fn add_branches(
    pipeline: &gst::Pipeline,
    webrtcbin: &WebRtcBin,
    agreed: &Agreed,
    (video, audio): (&Source, Option<&Source>),
    share: impl Fn() -> Option<crate::selkiessignal::congestion::Share>,
) -> Result<Branches, SessionError> {
    let audio = agreed.audio.as_ref().zip(audio);
    let streams = std::iter::once((&agreed.video, video, "video"));
    let streams = streams.chain(audio.map(|(chosen, source)| (chosen, source, "audio")));
    let branch = |(chosen, source, kind): (&offer::Chosen, &Source, &'static str)| {
        let numbers = chosen.numbers;
        let options = Options {
            group: STREAM,
            // Without reports of each packet there is nothing to estimate the network by.
            share: numbers.transport_wide.filter(|_| kind == "video").and_then(|_| share()),
            numbers,
        };
        Ok((Branch::new(pipeline, webrtcbin, &source.caps, kind, options)?, source.stream.clone()))
    };
    streams.map(branch).collect()
}

/// Lets webrtcbin answer.
fn negotiate(webrtcbin: &WebRtcBin, agreed: &Agreed) -> Result<gst_webrtc::WebRTCSessionDescription, PlayerError> {
    let (sender, answers) = sync_channel(1);
    webrtcbin.answer(&agreed.for_webrtcbin()?, move |answer| drop(sender.try_send(answer)));
    answers.recv_timeout(ANSWERING).ok().flatten().ok_or(PlayerError::NoAnswer)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
