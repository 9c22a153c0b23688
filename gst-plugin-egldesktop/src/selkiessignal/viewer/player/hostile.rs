//! Offers of all kinds against a real webrtcbin: whatever a player sends, the process goes on.

use std::sync::mpsc;

use gst::prelude::*;
use gst_webrtc::{WebRTCRTPTransceiver, WebRTCRTPTransceiverDirection, WebRTCSessionDescription};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use super::description::{Agreed, Own, STREAM};
use super::offer::{Offer, OfferError, Wanted};
use crate::selkiessignal::viewer::branch::{Branch, Options};
use crate::selkiessignal::viewer::hostile::{PATIENCE, apply, change};
use crate::selkiessignal::viewer::webrtcbin::WebRtcBin;

/// What a browser offers that receives VP8, H.264 and sound, shortened.
pub(super) const BROWSER: &str = include_str!("../../../../../fuzz/corpus/sdp_offer/browser");

fn agree(text: &str) -> Result<Agreed, OfferError> {
    let offer = Offer::parse(text)?;
    let video = offer.choose(Wanted { mime_type: "video/VP8", profile: None })?;
    let audio = offer.choose(Wanted { mime_type: "audio/OPUS", profile: None }).ok();
    let audio = audio.filter(|audio| offer.go_together(&video, audio));
    let transport = offer.transport(&video)?;
    Ok(Agreed { offer, video, audio, transport })
}

/// Gives an offer to a webrtcbin; returns what the player would get, or nothing where it is refused before.
fn answer(text: &str) -> Option<Option<String>> {
    let agreed = agree(text).ok()?;
    let pipeline = gst::Pipeline::new();
    let webrtcbin = WebRtcBin::new(&pipeline).unwrap();
    for (chosen, (caps, kind)) in agreed.streams().zip([("video/x-vp8", "video"), ("audio/x-opus", "audio")]) {
        let options = Options { group: STREAM, share: None, numbers: chosen.numbers };
        Branch::new(&pipeline, &webrtcbin, &gst::Caps::new_empty_simple(caps), kind, options).unwrap();
    }
    pipeline.set_state(gst::State::Playing).unwrap();
    let (sender, answers) = mpsc::channel();
    webrtcbin.answer(&agreed.for_webrtcbin().unwrap(), move |answer| drop(sender.send(answer)));
    let answer = answers.recv_timeout(PATIENCE).expect("webrtcbin hangs");
    let text = answer.and_then(|description| {
        agreed.answer(&Own { description: description.sdp(), candidates: &[], complete: true, session: 1 })
    });
    pipeline.set_state(gst::State::Null).unwrap();
    Some(text)
}

/// What another webrtcbin offers that receives the same.
fn native() -> String {
    let pipeline = gst::Pipeline::new();
    let receiver = gst::ElementFactory::make("webrtcbin").property_from_str("bundle-policy", "max-bundle").build();
    let receiver = receiver.unwrap();
    pipeline.add(&receiver).unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    for caps in [
        "media=video,encoding-name=VP8,clock-rate=90000,payload=101",
        "media=audio,encoding-name=OPUS,clock-rate=48000,payload=96",
    ] {
        let caps: gst::Caps = format!("application/x-rtp,{caps}").parse().unwrap();
        let direction = WebRTCRTPTransceiverDirection::Recvonly;
        receiver.emit_by_name::<Option<WebRTCRTPTransceiver>>("add-transceiver", &[&direction, &caps]).unwrap();
    }
    let (sender, offers) = mpsc::channel();
    let made = gst::Promise::with_change_func(move |reply| {
        let offer = reply.unwrap().unwrap().get::<WebRTCSessionDescription>("offer").unwrap();
        let _ = sender.send(offer.sdp().as_text().unwrap());
    });
    receiver.emit_by_name::<()>("create-offer", &[&None::<gst::Structure>, &made]);
    let offer = offers.recv_timeout(PATIENCE).expect("no offer");
    pipeline.set_state(gst::State::Null).unwrap();
    offer
}

#[test]
fn an_offer_is_answered_with_its_own_numbers() {
    gst::init().unwrap();
    for (offer, wanted) in [
        (
            BROWSER.replace('\n', "\r\n"),
            &[
                "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
                "a=fmtp:97 apt=96",
                "a=group:BUNDLE 0 1",
                "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
                "a=setup:passive",
                "a=mid:1",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            ][..],
        ),
        (native(), &["m=video 9 UDP/TLS/RTP/SAVPF 101", "m=audio 9 UDP/TLS/RTP/SAVPF 96"][..]),
    ] {
        let answer = answer(&offer).unwrap_or_else(|| panic!("refused: {offer}")).expect("no answer");
        for line in wanted {
            assert!(answer.lines().any(|written| written == *line), "no {line} in\n{answer}");
        }
        for absent in ["recvonly", "transport-cc", "goog-remb", "ice-ufrag:EsAw"] {
            assert!(!answer.contains(absent), "{absent} in\n{answer}");
        }
        assert_eq!(answer.matches("\r\na=ssrc-group:FID").count(), usize::from(answer.contains("apt=")), "{answer}");
        // A player takes it.
        assert!(gst_sdp::SDPMessage::parse_buffer(answer.as_bytes()).is_ok());
    }
}

#[test]
fn no_offer_ends_the_process() {
    gst::init().unwrap();
    // A misuse of GLib is an error here, not a line in a log.
    gst::glib::log_set_always_fatal(gst::glib::LogLevels::LEVEL_ERROR | gst::glib::LogLevels::LEVEL_CRITICAL);
    let good = [BROWSER.to_owned(), native()];
    let (mut taken, mut answered) = (0, 0);
    let mut runner = proptest::test_runner::TestRunner::default();
    let changes = proptest::collection::vec(change(), 1..6);
    for number in 0..300 {
        let changes = changes.new_tree(&mut runner).unwrap().current();
        if let Some(answer) = answer(&apply(&good[number % good.len()], &changes)) {
            taken += 1;
            answered += u32::from(answer.is_some());
        }
    }
    assert!(taken > 50, "only {taken} got as far as webrtcbin");
    assert!(answered * 10 > taken * 9, "webrtcbin refuses what is written for it: {answered} of {taken}");
}
