//! See [`crate::fuzz::sdp_offer`].

use super::description::Agreed;
use super::fragment::Fragment;
use super::offer::{Offer, Wanted};

/// What would go to webrtcbin has all that webrtcbin aborts without.
pub(in super::super::super) fn offer(text: &str) {
    let _ = Fragment::parse(text);
    for mime_type in ["video/H264", "video/VP8", "video/VP9", "video/AV1", "video/H265"] {
        let Ok(offer) = Offer::parse(text) else { return };
        let Ok(video) = offer.choose(Wanted { mime_type, profile: Some("main") }) else { continue };
        let audio = offer.choose(Wanted { mime_type: "audio/OPUS", profile: None }).ok();
        let audio = audio.filter(|audio| offer.go_together(&video, audio));
        let Ok(transport) = offer.transport(&video) else { continue };
        let agreed = Agreed { offer, video, audio, transport };
        let Ok(written) = agreed.for_webrtcbin() else { panic!("what was agreed on cannot be written: {agreed:?}") };
        let streams = agreed.streams().count();
        assert_eq!(written.sdp().medias_len() as usize, streams, "{agreed:?}");
        for media in written.sdp().medias() {
            for key in ["mid", "setup", "ice-ufrag", "ice-pwd", "fingerprint", "rtpmap"] {
                assert!(media.attribute_val(key).is_some_and(|value| !value.is_empty()), "no {key}: {agreed:?}");
            }
            assert!(media.port() != 0 && media.formats().count() <= 2, "{agreed:?}");
        }
    }
}
