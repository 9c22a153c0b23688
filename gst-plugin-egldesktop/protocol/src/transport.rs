//! Picture and sound over the WebSocket itself, where a browser asked for that in `HELLO`. Extension.
//!
//! After `HELLO`, text frames in both directions are those of the data channel. Binary frames to the browser are an encoded
//! frame each, behind a [`MediaHeader`]; binary frames to the server are a [`Receipt`]. Before the first frame of a medium,
//! and whenever it changes, a text frame says how it is encoded ([`video_format`], [`audio_format`]).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

/// What a binary frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Medium {
    /// An access unit; H.264 and H.265 as byte stream (Annex B), parameter sets with each keyframe.
    Video = 1,
    /// An Opus packet (RFC 6716).
    Audio = 2,
}

/// What stands before an encoded frame: 16 bytes, numbers in network order.
///
/// | byte | |
/// | --- | --- |
/// | 0 | [`Medium`] |
/// | 1 | flags: 1 for a keyframe |
/// | 2, 3 | 0 |
/// | 4–7 | sequence number of the binary frame, whatever it carries; it wraps |
/// | 8–15 | when it was captured by the server's clock, in microseconds since 1970 |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaHeader {
    /// What follows.
    pub medium: Medium,
    /// Whether it can be decoded without the frames before it.
    pub keyframe: bool,
    /// Counts the binary frames of the connection.
    pub sequence: u32,
    /// Microseconds since 1970.
    pub captured: u64,
}

impl MediaHeader {
    /// Its length, in bytes.
    pub const LENGTH: usize = 16;

    /// As it goes over the wire.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = self.medium as u8;
        bytes[1] = u8::from(self.keyframe);
        bytes[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[8..].copy_from_slice(&self.captured.to_be_bytes());
        bytes
    }
}

/// What a browser says in a binary frame: 8 bytes, of which the first tells what, and the last four are a number in network
/// order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// 1: it has got everything up to the frame with this sequence number.
    Received(u32),
    /// 2: it cannot decode what comes, and needs a keyframe.
    NeedsKeyframe,
}

/// A binary frame is no receipt.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a receipt")]
pub struct ReceiptError;

impl Receipt {
    /// Parses a binary frame.
    pub fn parse(frame: &[u8]) -> Result<Self, ReceiptError> {
        let [kind, 0, 0, 0, number @ ..] = frame else { return Err(ReceiptError) };
        let number = u32::from_be_bytes(number.try_into().map_err(|_| ReceiptError)?);
        match kind {
            1 => Ok(Self::Received(number)),
            2 => Ok(Self::NeedsKeyframe),
            _ => Err(ReceiptError),
        }
    }
}

/// `{"type": "media", "data": {"kind": "video", "codec": …}}`: how the picture is encoded from the next frame on.
/// `codec` is as in WebCodecs' codec registry, such as `avc1.42e01f`.
pub fn video_format(codec: &str) -> String {
    json!({ "type": "media", "data": { "kind": "video", "codec": codec } }).to_string()
}

/// The same for sound, which is Opus with 48 000 samples a second. `header` is that of RFC 7845, 5.1, which more than two
/// channels need; it becomes the `description` of WebCodecs' Opus registration, in base64.
pub fn audio_format(channels: u32, header: Option<&[u8]>) -> String {
    let mut data = json!({ "kind": "audio", "codec": "opus", "channels": channels });
    if let Some(header) = header {
        data["description"] = BASE64_STANDARD.encode(header).into();
    }
    json!({ "type": "media", "data": data }).to_string()
}

/// `{"type": "connection", "data": {"rtt": …, "time": …}}`: the round-trip time in milliseconds, and what the server's
/// clock says, in milliseconds since 1970.
pub fn connection(rtt: f64, time: f64) -> String {
    json!({ "type": "connection", "data": { "rtt": rtt, "time": time } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_as_browsers_read_it() {
        let header = MediaHeader { medium: Medium::Video, keyframe: true, sequence: 0x0102_0304, captured: 5 };
        assert_eq!(header.to_bytes(), [1, 1, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 5]);
    }

    #[test]
    fn receipts_and_what_is_none() {
        assert_eq!(Receipt::parse(&[1, 0, 0, 0, 0, 0, 1, 0]), Ok(Receipt::Received(256)));
        assert_eq!(Receipt::parse(&[2, 0, 0, 0, 0, 0, 0, 0]), Ok(Receipt::NeedsKeyframe));
        for bad in [&[][..], &[1], &[1, 0, 0, 0, 0, 0, 1], &[1, 0, 0, 0, 0, 0, 1, 0, 0], &[3, 0, 0, 0, 0, 0, 1, 0]] {
            assert_eq!(Receipt::parse(bad), Err(ReceiptError), "{bad:?}");
        }
        assert_eq!(Receipt::parse(&[1, 0, 0, 1, 0, 0, 1, 0]), Err(ReceiptError));
    }

    #[test]
    fn formats_are_messages_like_others() {
        assert_eq!(video_format("vp8"), r#"{"data":{"codec":"vp8","kind":"video"},"type":"media"}"#);
    }
}
