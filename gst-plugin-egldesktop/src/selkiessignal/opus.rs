//! Opus with one, two, six or eight channels: its caps, and what it is called in SDP.
//!
//! One and two channels are `opus/48000/2` (RFC 7587). More are `multiopus`, which is libwebrtc's: the streams of RFC 7845,
//! 5.1.1.2, with their number and order as parameters. Caps say all of it.

use gst::caps::NoFeature;

/// Numbers of channels that there are layouts for.
pub(super) const CHANNELS: [u32; 4] = [1, 2, 6, 8];

/// The caps of so many channels before any sound flows. `opusenc` makes the same ones.
pub(super) fn caps(channels: u32) -> gst::Caps {
    let (streams, coupled, mapping): (i32, i32, &[i32]) = match channels {
        6 => (4, 2, &[0, 4, 1, 2, 3, 5]),
        8 => (5, 3, &[0, 6, 1, 4, 5, 2, 3, 7]),
        1 => (1, 0, &[]),
        _ => (1, 1, &[]),
    };
    let builder = gst::Caps::builder("audio/x-opus")
        .field("channels", if channels == 1 { 1 } else { channels.max(2) as i32 })
        .field("channel-mapping-family", i32::from(!mapping.is_empty()))
        .field("stream-count", streams)
        .field("coupled-count", coupled);
    if mapping.is_empty() { builder } else { builder.field("channel-mapping", gst::Array::new(mapping)) }.build()
}

/// More than stereo.
pub(super) fn is_surround(caps: &gst::CapsRef) -> bool {
    number(caps, "channel-mapping-family").is_some_and(|family| family > 0)
}

/// How many there are; two where caps do not say.
pub(super) fn channels(caps: &gst::CapsRef) -> u32 {
    number(caps, "channels").and_then(|channels| u32::try_from(channels).ok()).unwrap_or(2)
}

/// Puts into the caps of RTP what a browser has to know, as `rtpopuspay` does: of two channels that they are two, even
/// where it is one (RFC 7587, 7). None of it can wait for the first packet, or browsers refuse the offer.
pub(super) fn describe(rtp: gst::caps::Builder<NoFeature>, caps: &gst::CapsRef) -> gst::caps::Builder<NoFeature> {
    if !is_surround(caps) {
        return rtp.field("encoding-params", "2");
    }
    let mapping = caps.structure(0).and_then(|structure| structure.get::<gst::ArrayRef>("channel-mapping").ok());
    let mapping = mapping.iter().flat_map(|mapping| mapping.iter()).filter_map(|place| place.get::<i32>().ok());
    rtp.field("encoding-params", channels(caps).to_string())
        .field("num_streams", number(caps, "stream-count").unwrap_or_default().to_string())
        .field("coupled_streams", number(caps, "coupled-count").unwrap_or_default().to_string())
        .field("channel_mapping", mapping.map(|place| place.to_string()).collect::<Vec<_>>().join(","))
}

/// The header of RFC 7845, 5.1, which decoders need for more than two channels.
pub(super) fn header(caps: &gst::CapsRef) -> Option<gst::MappedBuffer<gst::buffer::Readable>> {
    let headers = caps.structure(0)?.get::<gst::ArrayRef>("streamheader").ok()?;
    let header = headers.first()?.get::<gst::Buffer>().ok()?;
    header.into_mapped_buffer_readable().ok()
}

fn number(caps: &gst::CapsRef, field: &str) -> Option<i32> {
    caps.structure(0)?.get(field).ok()
}

#[cfg(test)]
mod tests {
    use gst::prelude::*;

    use super::*;

    /// What `opusenc` and `rtpopuspay` make of so many channels.
    fn made(channels: u32) -> (gst::Caps, gst::Caps) {
        gst::init().unwrap();
        let launch = format!(
            "audiotestsrc num-buffers=1 ! audio/x-raw,rate=48000,channels={channels} ! opusenc name=encoder !
             rtpopuspay name=payloader ! appsink name=sink"
        );
        let pipeline = gst::parse::launch(&launch).unwrap().downcast::<gst::Bin>().unwrap();
        pipeline.set_state(gst::State::Playing).unwrap();
        let sink = pipeline.by_name("sink").unwrap().downcast::<gst_app::AppSink>().unwrap();
        let rtp = sink.pull_sample().unwrap().caps_owned().unwrap();
        let opus = pipeline.by_name("encoder").unwrap().static_pad("src").unwrap().current_caps().unwrap();
        pipeline.set_state(gst::State::Null).unwrap();
        (opus, rtp)
    }

    #[test]
    fn what_is_said_before_any_sound_is_what_the_sound_says() {
        for channels in CHANNELS {
            let (opus, rtp) = made(channels);
            let announced = caps(channels);
            assert!(opus.is_subset(&announced), "{opus} is none of {announced}");
            let described = describe(gst::Caps::builder("application/x-rtp"), &announced).build();
            assert!(rtp.is_subset(&described), "{rtp} is none of {described}");
            assert_eq!(is_surround(&opus), channels > 2);
            assert_eq!(super::channels(&opus), channels);
            assert!(header(&opus).is_some_and(|header| header.starts_with(b"OpusHead")), "{opus}");
        }
    }
}
