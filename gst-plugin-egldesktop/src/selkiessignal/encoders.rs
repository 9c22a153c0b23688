//! The encoder that runs, and those that viewers may have instead.

use super::viewer::codec;

/// See the module. Nothing is offered where there is no choice.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Encoders {
    /// Name of the one that is wanted; empty where it is not known.
    pub(super) current: String,
    /// Names and MIME types of all that may be chosen.
    pub(super) offered: Vec<(String, String)>,
}

/// Why another encoder cannot be had; the text goes to the viewer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum EncoderError {
    #[error("This desktop does not change its encoder while it runs")]
    NoChoice,
    #[error("{0} is none of the encoders of this desktop")]
    Unknown(String),
    #[error("Somebody who is connected cannot play {0}")]
    NotReceivable(String),
}

impl Encoders {
    /// Names with the media types of what they make: `x264enc=video/x-h264,vp8enc=video/x-vp8`. Media types that cannot be
    /// sent are left out.
    pub(super) fn parse_offers(text: &str) -> Vec<(String, String)> {
        let offer = |entry: &str| {
            let (name, media_type) = entry.trim().split_once('=')?;
            Some((name.to_owned(), codec(media_type)?))
        };
        text.split(',').filter_map(offer).collect()
    }

    /// As the property says it: names alone.
    pub(super) fn print_offers(&self) -> String {
        let names: Vec<_> = self.offered.iter().map(|(name, _)| name.as_str()).collect();
        names.join(",")
    }

    /// The MIME type of what this one makes, if it may be chosen.
    pub(super) fn codec_of(&self, name: &str) -> Result<&str, EncoderError> {
        if self.offered.is_empty() {
            return Err(EncoderError::NoChoice);
        }
        let found = self.offered.iter().find(|(offered, _)| offered == name);
        found.map(|(_, codec)| codec.as_str()).ok_or_else(|| EncoderError::Unknown(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_not_offered() {
        gst::init().unwrap();
        let offered = Encoders::parse_offers("x264enc=video/x-h264, vp8enc=video/x-vp8,theora=video/x-theora,x=y z,q");
        let encoders = Encoders { offered, ..Encoders::default() };
        assert_eq!(encoders.print_offers(), "x264enc,vp8enc");
        assert_eq!(encoders.codec_of("vp8enc"), Ok("video/VP8"));
        assert_eq!(encoders.codec_of("theora"), Err(EncoderError::Unknown("theora".to_owned())));
        assert_eq!(Encoders::default().codec_of("vp8enc"), Err(EncoderError::NoChoice));
    }
}
