//! What webrtcbin gets of a player's offer, and what the player gets of webrtcbin's answer: both are written anew.

use gst_sdp::{SDPMediaRef, SDPMessage, SDPMessageRef};
use gst_webrtc::{WebRTCSDPType, WebRTCSessionDescription};

use super::offer::{Chosen, FEEDBACK, Media, Offer, OfferError};
use crate::selkiessignal::capture_time::CaptureTime;
use crate::selkiessignal::playout_delay::PlayoutDelay;
use crate::selkiessignal::viewer::branch::TRANSPORT_WIDE;
use crate::selkiessignal::viewer::transport::{Transport, line};

/// The one media stream that a player gets. Players show the stream of whatever track comes last.
pub(super) const STREAM: &str = "desktop";
/// What webrtcbin knows the sections as.
const NAMES: [&str; 2] = ["video0", "audio1"];
const SESSION: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

/// A player's offer with what of it is served: first the picture, then maybe sound.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) offer: Offer,
    pub(super) video: Chosen,
    pub(super) audio: Option<Chosen>,
    /// What the player says.
    pub(super) transport: Transport,
}

/// What is known of our own side once webrtcbin has answered.
pub(super) struct Own<'a> {
    pub(super) description: &'a SDPMessageRef,
    pub(super) candidates: &'a [String],
    /// There are no more candidates.
    pub(super) complete: bool,
    /// Tells this session from others, in `o=`.
    pub(super) session: u64,
}

impl Agreed {
    /// The offer as webrtcbin expects it.
    pub(super) fn for_webrtcbin(&self) -> Result<WebRTCSessionDescription, OfferError> {
        let mut text = String::from(SESSION);
        let names = &NAMES[..self.streams().count()];
        line(&mut text, "group", Some(&format!("BUNDLE {}", names.join(" "))));
        for (chosen, name) in self.streams().zip(NAMES) {
            let kind = kind_of(chosen, &self.video);
            text.push_str(&format!("m={kind} 9 UDP/TLS/RTP/SAVPF {}\r\nc=IN IP4 0.0.0.0\r\n", formats(chosen)));
            // A player that leaves it to us begins with DTLS: it knows first that there is a way.
            let setup = if self.transport.setup.as_deref() == Some("passive") { "passive" } else { "active" };
            for (key, value) in [
                ("mid", Some(name)),
                ("setup", Some(setup)),
                ("ice-ufrag", self.transport.ice_ufrag.as_deref()),
                ("ice-pwd", self.transport.ice_pwd.as_deref()),
                ("fingerprint", self.transport.fingerprint.as_deref()),
            ] {
                line(&mut text, key, Some(value.ok_or(OfferError::Malformed)?));
            }
            line(&mut text, "recvonly", None);
            line(&mut text, "rtcp-mux", None);
            write_codec(&mut text, chosen, kind, None);
            if kind == "video" {
                for candidate in self.offer.candidates(chosen) {
                    line(&mut text, "candidate", Some(candidate));
                }
            }
        }
        let message = SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| OfferError::Malformed)?;
        Ok(WebRTCSessionDescription::new(WebRTCSDPType::Offer, message))
    }

    /// The answer as the player expects it: every section of its offer, in order. `None` where webrtcbin has refused.
    pub(super) fn answer(&self, own: &Own) -> Option<String> {
        let mut text = format!("v=0\r\no=- {} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", own.session);
        let served = |index: usize| self.streams().find(|chosen| chosen.media == index);
        // In the order of the offer.
        let bundled = self.offer.bundle.iter().filter(|name| {
            let named = |media: &Media| media.mid.as_ref() == Some(*name);
            self.offer.medias.iter().position(named).and_then(served).is_some()
        });
        let bundled: Vec<_> = bundled.map(String::as_str).collect();
        if !bundled.is_empty() {
            line(&mut text, "group", Some(&format!("BUNDLE {}", bundled.join(" "))));
        }
        for (index, media) in self.offer.medias.iter().enumerate() {
            let Some(chosen) = served(index) else {
                write_refused(&mut text, media);
                continue;
            };
            let is_video = *chosen == self.video;
            let local = own.description.media(if is_video { 0 } else { 1 }).filter(|media| media.port() != 0)?;
            write_served(&mut text, media, chosen, local)?;
            // They are those of the one transport, and stand where the bundle begins.
            let speaks = bundled.first().is_none_or(|first| media.mid.as_deref() == Some(first));
            if speaks {
                for candidate in own.candidates {
                    let candidate = candidate.strip_prefix("candidate:").unwrap_or(candidate);
                    line(&mut text, "candidate", Some(candidate));
                }
                if own.complete {
                    line(&mut text, "end-of-candidates", None);
                }
            }
        }
        Some(text)
    }

    pub(super) fn streams(&self) -> impl Iterator<Item = &Chosen> {
        std::iter::once(&self.video).chain(&self.audio)
    }
}

fn kind_of(chosen: &Chosen, video: &Chosen) -> &'static str {
    if chosen == video { "video" } else { "audio" }
}

fn formats(chosen: &Chosen) -> String {
    match chosen.retransmission {
        Some(repeats) => format!("{} {repeats}", chosen.codec.payload_type),
        None => chosen.codec.payload_type.to_string(),
    }
}

fn write_refused(text: &mut String, media: &Media) {
    text.push_str(&format!("m={} 0 {} {}\r\nc=IN IP4 0.0.0.0\r\n", media.kind, media.proto, media.formats.join(" ")));
    if let Some(mid) = &media.mid {
        line(text, "mid", Some(mid));
    }
    line(text, "inactive", None);
}

fn write_served(text: &mut String, media: &Media, chosen: &Chosen, local: &SDPMediaRef) -> Option<()> {
    text.push_str(&format!("m={} 9 {} {}\r\nc=IN IP4 0.0.0.0\r\n", media.kind, media.proto, formats(chosen)));
    if let Some(mid) = &media.mid {
        line(text, "mid", Some(mid));
    }
    for key in ["setup", "ice-ufrag", "ice-pwd", "fingerprint"] {
        line(text, key, Some(local.attribute_val(key)?));
    }
    line(text, "sendonly", None);
    if media.rtcp_mux {
        line(text, "rtcp-mux", None);
    }
    line(text, "msid", Some(&format!("{STREAM} {}", media.kind)));
    write_codec(text, chosen, &media.kind, answered_parameters(chosen).as_deref());
    for attribute in local.attributes() {
        match (attribute.key(), attribute.value()) {
            ("ssrc-group", value) => line(text, "ssrc-group", value),
            ("ssrc", Some(value)) if value.contains(" cname:") => line(text, "ssrc", Some(value)),
            _ => {}
        }
    }
    Some(())
}

/// What is the same in both directions.
fn write_codec(text: &mut String, chosen: &Chosen, kind: &str, parameters: Option<&str>) {
    let number = chosen.codec.payload_type;
    line(text, "rtpmap", Some(&format!("{number} {}", chosen.codec.rtpmap())));
    if let Some(parameters) = parameters {
        line(text, "fmtp", Some(&format!("{number} {parameters}")));
    }
    if kind != "video" {
        return;
    }
    for feedback in FEEDBACK {
        let has_means = match feedback {
            "nack" => chosen.retransmission.is_some(),
            "transport-cc" => chosen.numbers.transport_wide.is_some(),
            _ => true,
        };
        if !has_means || !chosen.codec.has_feedback(feedback) {
            continue;
        }
        line(text, "rtcp-fb", Some(&format!("{number} {feedback}")));
    }
    if let Some(repeats) = chosen.retransmission {
        line(text, "rtpmap", Some(&format!("{repeats} rtx/90000")));
        line(text, "fmtp", Some(&format!("{repeats} apt={number}")));
    }
    for (id, uri) in [
        (chosen.numbers.playout_delay, PlayoutDelay::uri()),
        (chosen.numbers.capture_time, CaptureTime::uri()),
        (chosen.numbers.transport_wide, TRANSPORT_WIDE),
    ] {
        if let Some(id) = id {
            line(text, "extmap", Some(&format!("{id} {uri}")));
        }
    }
}

/// What of the offer's format parameters has to be repeated (RFC 6184 §8.2.2, RFC 9628 §6.2.1).
fn answered_parameters(chosen: &Chosen) -> Option<String> {
    let repeated = ["level-asymmetry-allowed", "packetization-mode", "profile-level-id", "profile-id", "profile"];
    let is_plain = |value: &str| value.len() <= 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let pairs = repeated.iter().filter_map(|name| {
        let value = chosen.codec.parameter(name).filter(|value| is_plain(value))?;
        Some(format!("{name}={value}"))
    });
    let pairs: Vec<_> = pairs.collect();
    (!pairs.is_empty()).then(|| pairs.join(";"))
}
