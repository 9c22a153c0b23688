//! What the source can send, and what was agreed on.

use gst_video::{VideoColorMatrix, VideoColorimetry, VideoFormat};
use tile_convert::{Format, Matrix};

use crate::capture::{Picture, Size};

pub(super) const DEFAULT_FRAMERATE: i32 = 60;
const MAX_FRAMERATE: i32 = 1000;

/// Everything that can be sent of a screen of this size, best first. NV12 is what encoders work on; the conversion is
/// part of the copy, and costs no more than the copy. BGRx is the pixels as they are.
///
/// Variable rate first: time-true for encoders that support it. A fixed rate for those that insist; frames then come at
/// that rate at most. The other way round for a source that pushes at a fixed rate.
pub(super) fn all(size: Option<Size>, varies: bool) -> gst::Caps {
    let any = || gst::IntRange::new(1, i32::from(u16::MAX));
    let rate = || gst::FractionRange::new(gst::Fraction::new(1, 1), gst::Fraction::new(MAX_FRAMERATE, 1));
    let mut caps = gst::Caps::new_empty();
    for variable in [varies, !varies] {
        for format in [VideoFormat::Nv12, VideoFormat::I420, VideoFormat::Bgrx] {
            let mut picture = gst::Structure::builder("video/x-raw")
                .field("format", format.to_str())
                .field("pixel-aspect-ratio", gst::Fraction::new(1, 1));
            if format != VideoFormat::Bgrx {
                picture = picture.field("colorimetry", gst::List::new(["bt709", "bt601"]));
            }
            picture = match size {
                Some(size) => picture.field("width", i32::from(size.width)).field("height", i32::from(size.height)),
                None => picture.field("width", any()).field("height", any()),
            };
            picture = if variable {
                picture.field("framerate", gst::Fraction::new(0, 1)).field("max-framerate", rate())
            } else {
                picture.field("framerate", rate())
            };
            caps.make_mut().append_structure(picture.build());
        }
    }
    caps
}

/// The best of what is left after negotiation.
pub(super) fn fixate(mut caps: gst::Caps) -> gst::Caps {
    caps.truncate();
    if let Some(structure) = caps.make_mut().structure_mut(0) {
        let rate = gst::Fraction::new(DEFAULT_FRAMERATE, 1);
        structure.fixate_field_nearest_fraction("framerate", rate);
        if structure.has_field("max-framerate") {
            structure.fixate_field_nearest_fraction("max-framerate", rate);
        }
    }
    caps
}

/// The highest rate that fixed caps allow, in frames per second.
pub(super) fn rate(caps: &gst::Caps) -> Option<f64> {
    let structure = caps.structure(0)?;
    let fps = |field| structure.get::<gst::Fraction>(field).ok().filter(|rate| rate.numer() > 0);
    let rate = fps("framerate").or_else(|| fps("max-framerate"))?;
    Some(f64::from(rate.numer()) / f64::from(rate.denom()))
}

/// What the frames of fixed caps look like.
pub(super) fn picture(info: &gst_video::VideoInfo) -> Option<Picture> {
    let format = match info.format() {
        VideoFormat::Nv12 => Format::Nv12,
        VideoFormat::I420 => Format::I420,
        VideoFormat::Bgrx => Format::Bgrx,
        _ => return None,
    };
    let matrix = match VideoColorimetry::matrix(&info.colorimetry()) {
        VideoColorMatrix::Bt601 => Matrix::Bt601Limited,
        _ => Matrix::Bt709Limited,
    };
    let size = Size { width: info.width().try_into().ok()?, height: info.height().try_into().ok()? };
    Some(Picture { format, matrix, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nv12_at_a_variable_rate_is_preferred() {
        gst::init().unwrap();
        let caps = fixate(all(Some(Size { width: 641, height: 479 }), true));
        let expected = "video/x-raw, format=NV12, pixel-aspect-ratio=1/1, colorimetry={bt709, bt601}, width=641, \
                        height=479, framerate=0/1, max-framerate=60/1";
        assert!(caps.is_subset(&expected.parse::<gst::Caps>().unwrap()), "{caps}");
        assert_eq!(rate(&caps), Some(60.0));
    }

    #[test]
    fn a_source_of_a_fixed_rate_says_so() {
        gst::init().unwrap();
        let caps = fixate(all(None, false));
        assert_eq!(caps.structure(0).unwrap().get::<gst::Fraction>("framerate"), Ok(gst::Fraction::new(60, 1)));
    }

    #[test]
    fn caps_tell_the_picture() {
        gst::init().unwrap();
        let caps = "video/x-raw,format=I420,width=641,height=479,framerate=30/1,colorimetry=bt601"
            .parse::<gst::Caps>()
            .unwrap();
        let info = gst_video::VideoInfo::from_caps(&caps).unwrap();
        let size = Size { width: 641, height: 479 };
        assert_eq!(picture(&info), Some(Picture { format: Format::I420, matrix: Matrix::Bt601Limited, size }));
        assert_eq!(rate(&caps), Some(30.0));
    }
}
