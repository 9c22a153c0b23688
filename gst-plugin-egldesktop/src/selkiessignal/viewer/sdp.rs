//! What goes into offers beside what webrtcbin writes, and what answers are refused.

use gst_sdp::{SDPMediaRef, SDPMessage, SDPMessageRef};
use gst_webrtc::{WebRTCSDPType, WebRTCSessionDescription};

use super::transport::{MAX_CANDIDATES, MAX_VALUE, Transport, is_candidate, line};

/// Why an answer can't be used; the text is for the user.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum SdpError {
    #[error("the browser sent an answer that does not fit the offer ({0})")]
    Malformed(&'static str),
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
    transport: Transport,
    inactive: bool,
    recvonly: bool,
    /// The first one: a microphone sends one stream.
    ssrc: Option<u32>,
}

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
        return Err(SdpError::Malformed("no text"));
    }
    let answer = SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| SdpError::Malformed("no SDP"))?;
    if answer.medias_len() != offer.medias_len() {
        return Err(SdpError::Malformed("another number of media"));
    }
    let mut written = String::from("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n");
    let group = offer.attribute_val("group").filter(|group| group.starts_with("BUNDLE "));
    if let Some(group) = group {
        // webrtcbin has one transport for all; a browser that wants more cannot be served.
        if answer.attribute_val("group") != Some(group) {
            return Err(SdpError::Malformed("another group"));
        }
        line(&mut written, "group", Some(group));
    }
    let session = Answered::read(&mut answer.attributes().map(|attribute| (attribute.key(), attribute.value())));
    for (offered, answered) in offer.medias().zip(answer.medias()) {
        write_media(&mut written, offered, answered, &session)?;
    }
    let message = SDPMessage::parse_buffer(written.as_bytes()).map_err(|_| SdpError::Malformed("no SDP"))?;
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
        return Err(SdpError::Malformed("other media"));
    }
    let formats: Vec<_> =
        offered.formats().filter(|format| answered.formats().any(|answered| answered == *format)).collect();
    if formats.is_empty() {
        return Err(SdpError::Rejected(kind.to_owned()));
    }
    let mut said = Answered::read(&mut answered.attributes().map(|attribute| (attribute.key(), attribute.value())));
    said.transport.or(&session.transport);
    let (Some(setup), Some(ufrag), Some(pwd), Some(fingerprint)) = (
        said.transport.setup.filter(|setup| setup != "actpass"),
        said.transport.ice_ufrag,
        said.transport.ice_pwd,
        said.transport.fingerprint,
    ) else {
        return Err(SdpError::Malformed("no transport"));
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
            match key {
                "inactive" => said.inactive = true,
                "recvonly" => said.recvonly = true,
                "ssrc" => {
                    let ssrc = value.split(' ').next().and_then(|ssrc| ssrc.parse().ok());
                    said.ssrc = said.ssrc.or(ssrc.filter(|&ssrc| ssrc != 0));
                }
                _ => said.transport.read(key, value),
            }
        }
        said
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
            assert!(matches!(error(bad), Some(SdpError::Malformed(_))), "{bad}");
        }
        assert_eq!(accept(None, &answer(9, "")).err(), Some(SdpError::NoOffer));
    }
}
