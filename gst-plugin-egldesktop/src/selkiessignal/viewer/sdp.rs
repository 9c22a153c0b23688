//! What goes into offers beside what webrtcbin writes, and what answers are refused.

use std::net::IpAddr;

use gst_sdp::{SDPMediaRef, SDPMessage, SDPMessageRef};
use gst_webrtc::{WebRTCSDPType, WebRTCSessionDescription};

/// Why an answer can't be used; the text is for the user.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum SdpError {
    #[error("the browser sent an answer that does not fit the offer")]
    Malformed,
    #[error("the browser sent an answer without an offer")]
    NoOffer,
    #[error("this browser cannot play the {0} of this desktop; choose another encoder")]
    Rejected(String),
    #[error("the description has no text")]
    Unprintable,
}

/// Adds the format parameters that browsers want to see before they accept H.264, and prints the offer.
pub(super) fn offer_for_browsers(offer: &SDPMessageRef) -> Result<String, SdpError> {
    let mut offer = offer.to_owned();
    for media in offer.medias_mut() {
        let h264 = media.attributes().find_map(|attribute| {
            let (payload, codec) = attribute.value()?.split_once(' ')?;
            (attribute.key() == "rtpmap" && codec.starts_with("H264/")).then(|| payload.to_owned())
        });
        let Some(payload) = h264 else { continue };
        // The level is what RFC 6184 calls a floor for the receiver; browsers decode what the stream itself says.
        let parameters = "packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1";
        let written = media.attributes().position(|attribute| {
            let of = attribute.value().and_then(|value| value.split_once(' ')).map(|(of, _)| of);
            attribute.key() == "fmtp" && of == Some(payload.as_str())
        });
        let attribute = gst_sdp::SDPAttribute::new("fmtp", Some(&format!("{payload} {parameters}")));
        match written.and_then(|index| u32::try_from(index).ok()) {
            Some(index) => media.replace_attribute(index, attribute),
            None => media.insert_attribute(None, attribute),
        }
        .map_err(|_| SdpError::Unprintable)?;
    }
    offer.as_text().map_err(|_| SdpError::Unprintable)
}

/// What an answer may say about a medium. Everything else comes from the offer.
#[derive(Default)]
struct Answered {
    setup: Option<String>,
    ice_ufrag: Option<String>,
    ice_pwd: Option<String>,
    fingerprint: Option<String>,
    inactive: bool,
    recvonly: bool,
    /// The first one: a microphone sends one stream.
    ssrc: Option<u32>,
}

/// Longer lines are none that browsers write.
const MAX_VALUE: usize = 512;
/// Of one medium.
const MAX_CANDIDATES: usize = 64;

/// The answer for webrtcbin, written anew: it has the media of the offer, and of what the browser said only what is
/// known to be well-formed. webrtcbin 1.22 ends the process on answers that it does not expect, such as one that rejects
/// a medium.
pub(super) fn accept(
    offer: Option<&WebRTCSessionDescription>,
    text: &str,
) -> Result<WebRTCSessionDescription, SdpError> {
    let offer = offer.ok_or(SdpError::NoOffer)?.sdp();
    if text.is_empty() || text.contains('\0') {
        // GStreamer takes it for a programming error.
        return Err(SdpError::Malformed);
    }
    let answer = SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| SdpError::Malformed)?;
    if answer.medias_len() != offer.medias_len() {
        return Err(SdpError::Malformed);
    }
    let mut written = String::from("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    let group = offer.attribute_val("group").filter(|group| group.starts_with("BUNDLE "));
    if let Some(group) = group {
        // webrtcbin has one transport for all; a browser that wants more cannot be served.
        if answer.attribute_val("group") != Some(group) {
            return Err(SdpError::Malformed);
        }
        line(&mut written, "group", Some(group));
    }
    let session = Answered::read(&mut answer.attributes().map(|attribute| (attribute.key(), attribute.value())));
    for (offered, answered) in offer.medias().zip(answer.medias()) {
        write_media(&mut written, offered, answered, &session)?;
    }
    let message = SDPMessage::parse_buffer(written.as_bytes()).map_err(|_| SdpError::Malformed)?;
    Ok(WebRTCSessionDescription::new(WebRTCSDPType::Answer, message))
}

fn write_media(
    written: &mut String,
    offered: &SDPMediaRef,
    answered: &SDPMediaRef,
    session: &Answered,
) -> Result<(), SdpError> {
    let kind = offered.media().unwrap_or_default();
    let proto = offered.proto().unwrap_or_default();
    if answered.port() == 0 {
        return Err(SdpError::Rejected(kind.to_owned()));
    }
    let mid = offered.attribute_val("mid");
    if answered.media() != Some(kind) || answered.proto() != Some(proto) || answered.attribute_val("mid") != mid {
        return Err(SdpError::Malformed);
    }
    let formats: Vec<_> =
        offered.formats().filter(|format| answered.formats().any(|answered| answered == *format)).collect();
    if formats.is_empty() {
        return Err(SdpError::Rejected(kind.to_owned()));
    }
    let mut said = Answered::read(&mut answered.attributes().map(|attribute| (attribute.key(), attribute.value())));
    said.or(session);
    let (Some(setup), Some(ufrag), Some(pwd), Some(fingerprint)) =
        (said.setup, said.ice_ufrag, said.ice_pwd, said.fingerprint)
    else {
        return Err(SdpError::Malformed);
    };

    written.push_str(&format!("m={kind} 9 {proto} {}\r\nc=IN IP4 0.0.0.0\r\n", formats.join(" ")));
    for (key, value) in [
        ("mid", mid),
        ("setup", Some(&setup)),
        ("ice-ufrag", Some(&ufrag)),
        ("ice-pwd", Some(&pwd)),
        ("fingerprint", Some(&fingerprint)),
    ] {
        line(written, key, value);
    }
    if proto.contains("RTP") && offered.attributes().any(|attribute| attribute.key() == "recvonly") {
        line(written, if said.inactive || said.recvonly { "inactive" } else { "sendonly" }, None);
        // By which webrtcbin knows whose packets these are.
        if let Some(ssrc) = said.ssrc {
            line(written, "ssrc", Some(&format!("{ssrc} cname:browser")));
        }
    } else if proto.contains("RTP") {
        line(written, if said.inactive { "inactive" } else { "recvonly" }, None);
    }
    // Clients that do not send their candidates one by one.
    let candidates = answered.attributes().filter(|attribute| attribute.key() == "candidate");
    for candidate in candidates.filter_map(|attribute| attribute.value()).take(MAX_CANDIDATES) {
        if is_candidate(candidate) {
            line(written, "candidate", Some(candidate));
        }
    }
    for attribute in offered.attributes() {
        let (key, value) = (attribute.key(), attribute.value());
        let of_format = || {
            let format = value.unwrap_or_default().split(' ').next().unwrap_or_default();
            format == "*" || formats.contains(&format)
        };
        // What is for both sides to have counts when both say so.
        let both = || answered.attributes().any(|answered| answered.key() == key && answered.value() == value);
        let taken = match key {
            "rtpmap" | "fmtp" => of_format(),
            "rtcp-fb" => of_format() && both(),
            "rtcp-mux" | "rtcp-rsize" | "extmap" => both(),
            "sctp-port" | "sctpmap" | "max-message-size" => true,
            _ => false,
        };
        if taken {
            line(written, key, value);
        }
    }
    Ok(())
}

impl Answered {
    fn read<'a>(attributes: &mut dyn Iterator<Item = (&'a str, Option<&'a str>)>) -> Self {
        let mut said = Self::default();
        for (key, value) in attributes {
            let value = value.unwrap_or_default();
            if value.len() > MAX_VALUE {
                continue;
            }
            let place = match key {
                "setup" if matches!(value, "active" | "passive") => &mut said.setup,
                // RFC 8839 §5.4.
                "ice-ufrag" if (4..=256).contains(&value.len()) && is_ice(value) => &mut said.ice_ufrag,
                "ice-pwd" if (22..=256).contains(&value.len()) && is_ice(value) => &mut said.ice_pwd,
                "fingerprint" if is_fingerprint(value) => &mut said.fingerprint,
                "inactive" => {
                    said.inactive = true;
                    continue;
                }
                "recvonly" => {
                    said.recvonly = true;
                    continue;
                }
                "ssrc" => {
                    let ssrc = value.split(' ').next().and_then(|ssrc| ssrc.parse().ok());
                    said.ssrc = said.ssrc.or(ssrc.filter(|&ssrc| ssrc != 0));
                    continue;
                }
                _ => continue,
            };
            place.get_or_insert_with(|| value.to_owned());
        }
        said
    }

    /// What is said for the session holds for the media that say nothing.
    fn or(&mut self, session: &Self) {
        for (own, session) in [
            (&mut self.setup, &session.setup),
            (&mut self.ice_ufrag, &session.ice_ufrag),
            (&mut self.ice_pwd, &session.ice_pwd),
            (&mut self.fingerprint, &session.fingerprint),
        ] {
            if own.is_none() {
                own.clone_from(session);
            }
        }
    }
}

/// Whether this is a candidate that libnice can take (RFC 8839 §5.1), with or without `candidate:` before it. There is one
/// component: RTP and RTCP share it.
pub(super) fn is_candidate(text: &str) -> bool {
    let text = text.strip_prefix("candidate:").unwrap_or(text);
    let words: Vec<_> = text.split(' ').collect();
    let [foundation, "1", transport, priority, address, port, "typ", kind, extensions @ ..] = &words[..] else {
        return false;
    };
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    text.len() <= MAX_VALUE
        && (1..=32).contains(&foundation.len())
        && is_ice(foundation)
        && ["udp", "tcp"].iter().any(|known| transport.eq_ignore_ascii_case(known))
        && priority.parse::<u32>().is_ok()
        // Browsers hide addresses behind names of multicast DNS.
        && (address.parse::<IpAddr>().is_ok() || address.ends_with(".local") && is_name(address))
        && port.parse::<u16>().is_ok_and(|port| port > 0)
        && matches!(*kind, "host" | "srflx" | "prflx" | "relay")
        && extensions.len() % 2 == 0
        && extensions.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// `ice-char` of RFC 8839.
fn is_ice(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// A hash and hexadecimal bytes with colons between (RFC 8122 §5).
fn is_fingerprint(text: &str) -> bool {
    let Some((hash, bytes)) = text.split_once(' ') else { return false };
    let known = ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"];
    known.iter().any(|known| hash.eq_ignore_ascii_case(known))
        && bytes.split(':').all(|byte| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

fn line(text: &mut String, key: &str, value: Option<&str>) {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => text.push_str(&format!("a={key}:{value}\r\n")),
        None => text.push_str(&format!("a={key}\r\n")),
    }
}

/// See [`crate::fuzz::sdp_answer`].
#[cfg(feature = "fuzz")]
pub(in super::super) fn fuzz(text: &str) {
    const OFFER: &str = "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE video0\r\n\
         m=video 9 UDP/TLS/RTP/SAVPF 97 98\r\nc=IN IP4 0.0.0.0\r\na=mid:video0\r\na=sendonly\r\n\
         a=rtpmap:97 H264/90000\r\na=rtcp-mux\r\na=setup:actpass\r\n";
    let Ok(offer) = SDPMessage::parse_buffer(OFFER.as_bytes()) else { return };
    let offer = WebRTCSessionDescription::new(WebRTCSDPType::Offer, offer);
    if let Ok(accepted) = accept(Some(&offer), text) {
        let sdp = accepted.sdp();
        assert_eq!(sdp.medias_len(), 1, "webrtcbin aborts where media are missing");
        let media = sdp.medias().next();
        assert!(media.is_some_and(|media| media.port() != 0 && media.attribute_val("mid") == Some("video0")));
    }
    for line in text.lines() {
        assert!(!is_candidate(line) || line.len() < 2 * MAX_VALUE && !line.contains('\0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";

    #[test]
    fn h264_gets_the_parameters_that_firefox_wants() {
        gst::init().unwrap();
        let offer = format!(
            "{SESSION}m=video 9 UDP/TLS/RTP/SAVPF 97\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:97 H264/90000\r\na=fmtp:97 packetization-mode=1\r\n\
             m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:96 VP8/90000\r\n"
        );
        let offer = SDPMessage::parse_buffer(offer.as_bytes()).unwrap();
        let printed = offer_for_browsers(&offer).unwrap();
        let lines: Vec<_> = printed.lines().filter(|line| line.starts_with("a=fmtp")).collect();
        assert_eq!(lines, ["a=fmtp:97 packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1"]);
    }

    fn description(kind: WebRTCSDPType, text: &str) -> WebRTCSessionDescription {
        WebRTCSessionDescription::new(kind, SDPMessage::parse_buffer(text.as_bytes()).unwrap())
    }

    fn offer() -> WebRTCSessionDescription {
        let text = format!(
            "{SESSION}a=group:BUNDLE video0\r\nm=video 9 UDP/TLS/RTP/SAVPF 97 98\r\nc=IN IP4 0.0.0.0\r\na=mid:video0\r\n\
             a=sendonly\r\na=rtpmap:97 H264/90000\r\na=rtpmap:98 rtx/90000\r\na=fmtp:98 apt=97\r\n\
             a=rtcp-fb:97 nack\r\na=rtcp-fb:97 transport-cc\r\na=rtcp-mux\r\na=setup:actpass\r\n"
        );
        description(WebRTCSDPType::Offer, &text)
    }

    fn answer(port: u16, more: &str) -> String {
        format!(
            "{SESSION}a=group:BUNDLE video0\r\na=fingerprint:sha-256 AB:CD\r\nm=video {port} UDP/TLS/RTP/SAVPF 97 5\r\n\
             c=IN IP4 0.0.0.0\r\na=mid:video0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=recvonly\r\n{more}"
        )
    }

    #[test]
    fn an_answer_is_written_anew() {
        gst::init().unwrap();
        let more = "a=setup:active\r\na=rtcp-fb:97 nack\r\na=rtcp-fb:97 made up\r\na=rtcp-mux\r\na=ssrc:1 x:y\r\na=rtpmap:97 VP8/1\r\n";
        let accepted = accept(Some(&offer()), &answer(9, more)).unwrap();
        let text = accepted.sdp().as_text().unwrap();
        let media = text.split_once("m=").unwrap().1.lines().collect::<Vec<_>>();
        let expected = [
            "video 9 UDP/TLS/RTP/SAVPF 97",
            "c=IN IP4 0.0.0.0",
            "a=mid:video0",
            "a=setup:active",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:0123456789012345678901",
            "a=fingerprint:sha-256 AB:CD",
            "a=recvonly",
            "a=rtpmap:97 H264/90000",
            "a=rtcp-fb:97 nack",
            "a=rtcp-mux",
        ];
        assert_eq!(media, expected);
    }

    #[test]
    fn candidates_as_browsers_write_them() {
        for good in [
            "candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host generation 0 ufrag abcd network-cost 999",
            "candidate:842163049 1 UDP 1677729535 2001:db8::1 50000 typ srflx raddr 0.0.0.0 rport 0",
            "candidate:1 1 tcp 1518280447 1f4712db-ea17-4bcf.local 9 typ host tcptype active",
        ] {
            assert!(is_candidate(good), "{good}");
        }
        for bad in [
            "",
            "candidate:",
            "candidate:1 0 udp 1 192.0.2.1 5 typ host",
            "candidate:1 1 udp 1 192.0.2.1 0 typ host",
            "candidate:1 1 udp 1 example.org 5 typ host",
            "candidate:1 1 sctp 1 192.0.2.1 5 typ host",
            "candidate:1 1 udp -1 192.0.2.1 5 typ host",
            "candidate:1 1 udp 1 192.0.2.1 5 typ host raddr",
            "candidate:1 1 udp 1 192.0.2.1 5 typ other",
        ] {
            assert!(!is_candidate(bad), "{bad}");
        }
    }

    #[test]
    fn a_microphone_is_taken_only_where_one_is_sent() {
        gst::init().unwrap();
        let media = "m=audio 9 UDP/TLS/RTP/SAVPF 109\r\nc=IN IP4 0.0.0.0\r\na=mid:audio1\r\na=rtcp-mux\r\n";
        let offer = format!("{SESSION}a=group:BUNDLE audio1\r\n{media}a=recvonly\r\na=rtpmap:109 OPUS/48000/2\r\n");
        let offer = description(WebRTCSDPType::Offer, &offer);
        let answered = |direction: &str| {
            let text = format!(
                "{SESSION}a=group:BUNDLE audio1\r\na=fingerprint:sha-256 AB:CD\r\n{media}a=setup:active\r\na=ice-ufrag:abcd\r\n\
                 a=ice-pwd:0123456789012345678901\r\na={direction}\r\na=ssrc:77 cname:x\r\na=ssrc:78 made up\r\n"
            );
            accept(Some(&offer), &text).unwrap().sdp().as_text().unwrap()
        };
        for direction in ["sendonly", "sendrecv"] {
            let text = answered(direction);
            assert!(text.contains("a=sendonly\r\n") && text.contains("a=ssrc:77 cname:browser\r\n"), "{text}");
            assert!(!text.contains("ssrc:78"), "{text}");
        }
        for direction in ["recvonly", "inactive"] {
            let text = answered(direction);
            assert!(text.contains("a=inactive\r\n") && !text.contains("sendonly"), "{text}");
        }
    }

    #[test]
    fn what_webrtcbin_dies_of_never_reaches_it() {
        gst::init().unwrap();
        let error = |text: &str| accept(Some(&offer()), text).err();
        assert_eq!(error(&answer(0, "a=setup:active\r\n")), Some(SdpError::Rejected("video".into())));
        for bad in ["", "x", SESSION, "v=0\0", &answer(9, "a=setup:actpass\r\n"), &answer(9, "").replace("video0", "x")]
        {
            assert_eq!(error(bad), Some(SdpError::Malformed), "{bad}");
        }
        assert_eq!(accept(None, &answer(9, "")).err(), Some(SdpError::NoOffer));
    }
}
