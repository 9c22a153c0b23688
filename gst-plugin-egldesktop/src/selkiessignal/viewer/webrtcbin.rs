//! webrtcbin behind typed functions: its signals and properties are named here and nowhere else.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gst::glib;
use gst::prelude::*;
use gst_webrtc::{
    WebRTCDataChannel, WebRTCICEGatheringState, WebRTCPeerConnectionState, WebRTCRTPTransceiver,
    WebRTCRTPTransceiverDirection, WebRTCSessionDescription,
};

use super::branch::Options;
use super::questions::Questions;
use super::{CAT, sctp};
use crate::selkiessignal::ice::{Ice, Policy, local_addresses};

/// A webrtcbin in a pipeline.
#[derive(Debug, Clone)]
pub(super) struct WebRtcBin {
    element: gst::Element,
    questions: Arc<Questions>,
}

/// How long webrtcbin may take for what it was asked before it stops.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

impl WebRtcBin {
    /// Adds one to `pipeline`.
    pub(super) fn new(pipeline: &gst::Pipeline) -> Result<Self, glib::BoolError> {
        sctp::keep()?;
        let element = gst::ElementFactory::make("webrtcbin")
            .property_from_str("bundle-policy", "max-bundle")
            // Of its receiving side, which would otherwise count for everything.
            .property("latency", 0u32)
            .build()?;
        pipeline.add(&element)?;
        Ok(Self { element, questions: Arc::new(Questions::new()) })
    }

    /// Offers our addresses, and those that the servers find, to a browser at `peer`.
    pub(super) fn configure_ice(&self, ice: &Ice, peer: IpAddr) {
        let agent = ice_agent(&self.element);
        // UPnP would send multicasts on every interface, whatever addresses are given.
        let nice = agent.property::<glib::Object>("agent");
        if nice.has_property("upnp") {
            nice.set_property("upnp", false);
        }
        if let Some(ports) = ice.ports() {
            agent.set_property("max-rtp-port", ports.end());
            agent.set_property("min-rtp-port", ports.start());
        }
        for address in local_addresses(peer) {
            if !agent.emit_by_name::<bool>("add-local-ip-address", &[&address.to_string()]) {
                gst::warning!(CAT, obj = self.element, "cannot offer {address}");
            }
        }
        let configuration = ice.configuration(SystemTime::now());
        if configuration.policy == Policy::Relay {
            self.element.set_property_from_str("ice-transport-policy", "relay");
        }
        if let Some(stun) = configuration.stun_uri() {
            self.element.set_property("stun-server", stun);
        }
        for turn in configuration.turn_uris() {
            // The URI holds the password: it must not get into a log.
            if !self.element.emit_by_name::<bool>("add-turn-server", &[&turn]) {
                gst::warning!(CAT, obj = self.element, "cannot use a TURN server");
            }
        }
    }

    /// Sends what comes out of `source`, as `video` or `audio`. `rtp` are the caps that will
    /// come: known now, so that the offer need not wait for the first buffer.
    pub(super) fn add_track(
        &self,
        source: &gst::Element,
        kind: &str,
        rtp: &gst::Caps,
        options: &Options,
    ) -> Result<(), glib::BoolError> {
        let sink =
            self.element.request_pad_simple("sink_%u").ok_or_else(|| glib::bool_error!("webrtcbin has no pad left"))?;
        if sink.has_property("msid") {
            sink.set_property("msid", options.group);
        }
        let transceiver = sink.property::<WebRTCRTPTransceiver>("transceiver");
        transceiver.set_direction(WebRTCRTPTransceiverDirection::Sendonly);
        transceiver.set_codec_preferences(Some(rtp));
        // Lost packets are sent again. Not those of sound: browsers refuse retransmission streams for it. No error correction
        // (ULPFEC): where webrtcbin 1.22 makes it and packets are lost, Chromium decodes wrong pictures without end.
        transceiver.set_property("do-nack", kind == "video" && options.numbers.retransmission);
        let output = source.static_pad("src").ok_or_else(|| glib::bool_error!("nothing to send"))?;
        output.link(&sink).map_err(|error| glib::bool_error!("cannot link to webrtcbin: {error}"))?;
        Ok(())
    }

    /// Offers to receive a track of these caps, which is held back for `jitter` to be in order.
    pub(super) fn add_receiver(&self, rtp: &gst::Caps, jitter: gst::ClockTime) -> Result<(), glib::BoolError> {
        let rtpbin = self.element.downcast_ref::<gst::Bin>().and_then(|bin| bin.by_name("rtpbin"));
        let rtpbin = rtpbin.ok_or_else(|| glib::bool_error!("webrtcbin without an rtpbin"))?;
        let jitter = u32::try_from(jitter.mseconds()).unwrap_or(u32::MAX);
        rtpbin.connect_closure(
            "new-jitterbuffer",
            false,
            glib::closure!(move |_: &gst::Element, buffer: &gst::Element, _session: u32, _ssrc: u32| {
                buffer.set_property("latency", jitter);
            }),
        );
        let direction = WebRTCRTPTransceiverDirection::Recvonly;
        self.element
            .emit_by_name::<Option<WebRTCRTPTransceiver>>("add-transceiver", &[&direction, rtp])
            .map(drop)
            .ok_or_else(|| glib::bool_error!("webrtcbin receives nothing"))
    }

    /// Calls back with the pad of a track that begins to arrive.
    pub(super) fn on_received_track(&self, call: impl Fn(&gst::Pad) + Send + Sync + 'static) {
        self.element.connect_pad_added(move |_, pad| {
            if pad.direction() == gst::PadDirection::Src {
                call(pad);
            }
        });
    }

    /// The element, for who must not keep it alive.
    pub(super) fn downgrade(&self) -> glib::WeakRef<gst::Element> {
        self.element.downgrade()
    }

    /// Where requests to send packets again go in; there once an answer has been set.
    pub(super) fn retransmission_pad(webrtcbin: &gst::Element) -> Option<gst::Pad> {
        let elements = webrtcbin.downcast_ref::<gst::Bin>()?.iterate_recurse();
        let is_it = |element: &gst::Element| element.factory().is_some_and(|factory| factory.name() == "rtprtxsend");
        elements.into_iter().flatten().find(is_it)?.static_pad("src")
    }

    /// A reliable, ordered channel: a key that goes up must arrive. Needs state READY, and comes before the offer.
    pub(super) fn create_data_channel(&self, label: &str) -> Result<WebRTCDataChannel, glib::BoolError> {
        let options = gst::Structure::builder("options").field("ordered", true).build();
        self.element
            .emit_by_name::<Option<WebRTCDataChannel>>("create-data-channel", &[&label, &options])
            .ok_or_else(|| glib::bool_error!("webrtcbin makes no data channel"))
    }

    /// Calls back with every channel that the other side opens, while webrtcbin holds a lock: the call must not use it.
    pub(super) fn on_other_channel(&self, call: impl Fn(WebRTCDataChannel) + Send + Sync + 'static) {
        self.element.connect_closure(
            "prepare-data-channel",
            false,
            glib::closure!(move |_: &gst::Element, channel: WebRTCDataChannel, is_ours: bool| {
                if !is_ours {
                    call(channel);
                }
            }),
        );
    }

    /// Calls back with m-line index and candidate.
    pub(super) fn on_ice_candidate(&self, call: impl Fn(u32, String) + Send + Sync + 'static) {
        self.element.connect_closure(
            "on-ice-candidate",
            false,
            glib::closure!(move |_: &gst::Element, mline: u32, candidate: String| call(mline, candidate)),
        );
    }

    /// Calls back with every change of the connection state.
    pub(super) fn on_connection_state(&self, call: impl Fn(WebRTCPeerConnectionState) + Send + Sync + 'static) {
        self.element.connect_notify(Some("connection-state"), move |element, _| {
            call(element.property("connection-state"));
        });
    }

    /// Makes an offer of all tracks and channels.
    pub(super) fn create_offer(&self, call: impl FnOnce(&Self, &WebRTCSessionDescription) + Send + 'static) {
        let this = self.clone();
        let promise = gst::Promise::with_change_func(move |reply| {
            let offer = reply.ok().flatten().and_then(|reply| reply.get::<WebRTCSessionDescription>("offer").ok());
            match offer {
                Some(offer) => call(&this, &offer),
                None => gst::warning!(CAT, obj = this.element, "no offer: {reply:?}"),
            }
        });
        self.element.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &promise]);
    }

    /// Answers an offer, and begins to gather candidates. Calls back with the answer; with `None` where it refuses.
    pub(super) fn answer(
        &self,
        offer: &WebRTCSessionDescription,
        call: impl FnOnce(Option<WebRTCSessionDescription>) + Send + 'static,
    ) {
        let this = self.clone();
        let offered = gst::Promise::with_change_func(move |reply| {
            if is_refused(&reply) {
                gst::warning!(CAT, obj = this.element, "the offer is refused: {reply:?}");
                return call(None);
            }
            let element = this.element.clone();
            let answered = gst::Promise::with_change_func(move |reply| {
                let answer = reply.ok().flatten();
                let answer = answer.and_then(|reply| reply.get::<WebRTCSessionDescription>("answer").ok());
                let Some(answer) = answer else {
                    gst::warning!(CAT, obj = this.element, "no answer: {reply:?}");
                    return call(None);
                };
                let made = answer.clone();
                let set = gst::Promise::with_change_func(move |reply| {
                    call((!is_refused(&reply)).then_some(made));
                });
                this.element.emit_by_name::<()>("set-local-description", &[&answer, &set]);
            });
            element.emit_by_name::<()>("create-answer", &[&None::<gst::Structure>, &answered]);
        });
        self.element.emit_by_name::<()>("set-remote-description", &[&offer, &offered]);
    }

    /// Calls back when all candidates have been found, after the last of them.
    pub(super) fn on_gathered(&self, call: impl Fn() + Send + Sync + 'static) {
        self.element.connect_notify(Some("ice-gathering-state"), move |element, _| {
            if element.property::<WebRTCICEGatheringState>("ice-gathering-state") == WebRTCICEGatheringState::Complete {
                call();
            }
        });
    }

    /// Calls back with every packet of the other side but those of ICE; to be called once both descriptions have been set.
    pub(super) fn on_packet(&self, call: impl Fn() + Send + Sync + Clone + 'static) {
        let elements = self.element.downcast_ref::<gst::Bin>().map(|bin| bin.iterate_recurse().into_iter().flatten());
        let sources = elements
            .into_iter()
            .flatten()
            .filter(|element| element.factory().is_some_and(|factory| factory.name() == "nicesrc"));
        for pad in sources.filter_map(|source| source.static_pad("src")) {
            let call = call.clone();
            pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
                call();
                gst::PadProbeReturn::Ok
            });
        }
    }

    /// What it counts (`get-stats`); `None` when it does not say within `patience`, or has been told to end.
    pub(super) fn stats(&self, patience: Duration) -> Option<gst::Structure> {
        let question = self.questions.ask()?;
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let promise = gst::Promise::with_change_func(move |reply| {
            let _answered = question;
            let reply = reply.ok().flatten().map(gst::StructureRef::to_owned);
            let _ = sender.try_send(reply);
        });
        self.element.emit_by_name::<()>("get-stats", &[&None::<gst::Pad>, &promise]);
        receiver.recv_timeout(patience).ok().flatten()
    }

    /// Lets nobody ask any more what it counts. To be called before it stops: it reads its RTP sessions in a thread of its own,
    /// and these forget their sources without a lock when they stop (rtpmanager 1.22).
    pub(super) fn end_stats(&self) {
        if !self.questions.end(LAST_ANSWERS) {
            gst::warning!(CAT, obj = self.element, "does not answer");
        }
    }

    pub(super) fn set_local_description(&self, description: &WebRTCSessionDescription) {
        self.element.emit_by_name::<()>("set-local-description", &[description, &None::<gst::Promise>]);
    }

    pub(super) fn set_remote_description(&self, description: &WebRTCSessionDescription) {
        self.element.emit_by_name::<()>("set-remote-description", &[description, &None::<gst::Promise>]);
    }

    pub(super) fn add_ice_candidate(&self, mline: u32, candidate: &str) {
        self.element.emit_by_name::<()>("add-ice-candidate", &[&mline, &candidate]);
    }
}

/// Whether a description was not taken.
fn is_refused(reply: &Result<Option<&gst::StructureRef>, gst::PromiseError>) -> bool {
    !matches!(reply, Ok(reply) if !reply.is_some_and(|reply| reply.has_field("error")))
}

/// The ICE agent. webrtcbin 1.22 owns it by a floating reference, which the first owner that sinks it takes over:
/// the bindings would sink it and then free it under webrtcbin.
fn ice_agent(webrtcbin: &gst::Element) -> glib::Object {
    let value = webrtcbin.property_value("ice-agent");
    // SAFETY: the value holds a GObject (or NULL) and a reference to it. Sinking a floating object only clears its
    // flag, which leaves the one reference that webrtcbin counts on; one that does not float gets a reference, which
    // is given back at once.
    unsafe {
        let object = glib::gobject_ffi::g_value_get_object(value.as_ptr());
        if !object.is_null() {
            let floating = glib::gobject_ffi::g_object_is_floating(object) != glib::ffi::GFALSE;
            glib::gobject_ffi::g_object_ref_sink(object);
            if !floating {
                glib::gobject_ffi::g_object_unref(object);
            }
        }
    }
    value.get().unwrap_or_else(|_| glib::Object::new())
}
