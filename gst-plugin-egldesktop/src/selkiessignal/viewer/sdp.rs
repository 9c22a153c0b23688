//! What goes into offers beside what webrtcbin writes, and what answers are refused.

use gst_sdp::{SDPMessage, SDPMessageRef};
use gst_webrtc::{WebRTCSDPType, WebRTCSessionDescription};

/// Why an answer can't be used; the text is for the user.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum SdpError {
    #[error("the browser sent an answer that is no SDP")]
    Malformed,
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

/// Parses an answer. webrtcbin 1.22 aborts the process on an answer that rejects a medium, so that must not get there.
pub(super) fn parse_answer(text: &str) -> Result<WebRTCSessionDescription, SdpError> {
    if text.is_empty() {
        // GStreamer takes it for a programming error.
        return Err(SdpError::Malformed);
    }
    let answer = SDPMessage::parse_buffer(text.as_bytes()).map_err(|_| SdpError::Malformed)?;
    if answer.medias_len() == 0 {
        return Err(SdpError::Malformed);
    }
    for media in answer.medias() {
        if media.port() == 0 {
            return Err(SdpError::Rejected(media.media().unwrap_or("stream").to_owned()));
        }
    }
    Ok(WebRTCSessionDescription::new(WebRTCSDPType::Answer, answer))
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

    #[test]
    fn a_rejected_medium_never_reaches_webrtcbin() {
        gst::init().unwrap();
        let answer = |port| format!("{SESSION}m=video {port} UDP/TLS/RTP/SAVPF 97\r\nc=IN IP4 0.0.0.0\r\n");
        assert!(parse_answer(&answer(9)).is_ok());
        assert_eq!(parse_answer(&answer(0)).err(), Some(SdpError::Rejected("video".into())));
        assert_eq!(parse_answer(SESSION).err(), Some(SdpError::Malformed));
        assert_eq!(parse_answer("").err(), Some(SdpError::Malformed));
    }
}
