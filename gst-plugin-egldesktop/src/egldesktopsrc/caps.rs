//! What the source can send, and what was agreed on.

use gst_video::{VideoColorMatrix, VideoColorimetry, VideoFormat};
use tile_convert::{Format, Matrix};

use crate::capture::{Layout, Size};

pub(super) const DEFAULT_FRAMERATE: i32 = 60;
const MAX_FRAMERATE: i32 = 1000;

/// Everything that can be sent of a screen of this size, best first. NV12 is what encoders work on; the conversion is
/// part of the copy, and costs no more than the copy. BGRx is the pixels as they are.
///
/// Variable rate first: time-true for encoders that support it. A fixed rate for those that insist; frames then come at
/// that rate at most.
pub(super) fn all(size: Option<Size>) -> gst::Caps {
    let any = || gst::IntRange::new(1, i32::from(u16::MAX));
    let rate = || gst::FractionRange::new(gst::Fraction::new(1, 1), gst::Fraction::new(MAX_FRAMERATE, 1));
    let mut caps = gst::Caps::new_empty();
    for variable in [true, false] {
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

/// The same caps for another size of the screen.
pub(super) fn resized(mut caps: gst::Caps, size: Size) -> gst::Caps {
    if let Some(structure) = caps.make_mut().structure_mut(0) {
        structure.set("width", i32::from(size.width));
        structure.set("height", i32::from(size.height));
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

/// How frames of fixed caps lie in memory: GStreamer's own layout, so that no frame needs a description of it.
pub(super) fn layout(caps: &gst::Caps) -> Option<Layout> {
    let info = gst_video::VideoInfo::from_caps(caps).ok()?;
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
    let (mut offsets, mut strides) = ([0; 3], [0; 3]);
    for (to, from) in offsets.iter_mut().zip(info.offset()) {
        *to = *from;
    }
    for (to, from) in strides.iter_mut().zip(info.stride()) {
        *to = usize::try_from(*from).ok()?;
    }
    Some(Layout { format, matrix, size, offsets, strides, length: info.size() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nv12_at_a_variable_rate_is_preferred() {
        gst::init().unwrap();
        let caps = fixate(all(Some(Size { width: 641, height: 479 })));
        let expected = "video/x-raw, format=NV12, pixel-aspect-ratio=1/1, colorimetry={bt709, bt601}, width=641, \
                        height=479, framerate=0/1, max-framerate=60/1";
        assert!(caps.is_subset(&expected.parse::<gst::Caps>().unwrap()), "{caps}");
        assert_eq!(rate(&caps), Some(60.0));
    }

    #[test]
    fn odd_sizes_have_room_for_their_last_row_and_column() {
        gst::init().unwrap();
        let caps = "video/x-raw,format=I420,width=641,height=479,framerate=30/1,colorimetry=bt601".parse().unwrap();
        let layout = layout(&caps).unwrap();
        assert_eq!((layout.strides, layout.matrix), ([644, 324, 324], Matrix::Bt601Limited));
        assert_eq!(layout.length, layout.offsets[2] + 324 * 240);
        assert_eq!(rate(&caps), Some(30.0));
    }
}
