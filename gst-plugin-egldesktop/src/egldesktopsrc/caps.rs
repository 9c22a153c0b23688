//! What the source can send, and what was agreed on.

use egl_convert::LINEAR;
use gst_video::{VideoColorMatrix, VideoColorimetry, VideoFormat};
use tile_convert::{Format, Matrix};

use super::gl::Output;
use crate::capture::{Picture, Size};

pub(super) const DEFAULT_FRAMERATE: i32 = 60;
const MAX_FRAMERATE: i32 = 1000;
/// The format whose real name is in `drm-format` (GStreamer 1.24).
const DMA_DRM: &str = "DMA_DRM";

/// Where frames can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// `memory:GLMemory`.
    Textures,
    /// `memory:DMABuf`, with the DRM modifier of the layout that it has there.
    DmaBuf(u64),
    /// Written by the CPU.
    Memory,
    /// Downloaded from the GPU, which makes NV12 only.
    Downloaded,
}

impl Place {
    /// All that an element of this kind can ever have; `LINEAR` stands for every layout.
    pub(super) const ALL: [Self; 3] = [Self::Textures, Self::DmaBuf(LINEAR), Self::Memory];

    fn formats(self) -> &'static [VideoFormat] {
        match self {
            Self::Memory => &[VideoFormat::Nv12, VideoFormat::I420, VideoFormat::Bgrx],
            Self::Textures | Self::DmaBuf(_) | Self::Downloaded => &[VideoFormat::Nv12],
        }
    }

    fn feature(self) -> Option<&'static str> {
        match self {
            Self::Textures => Some(gst_gl::CAPS_FEATURE_MEMORY_GL_MEMORY.as_str()),
            Self::DmaBuf(_) => Some(gst_allocators::CAPS_FEATURE_MEMORY_DMABUF.as_str()),
            Self::Memory | Self::Downloaded => None,
        }
    }
}

/// Everything that can be sent of a screen of this size, best first. NV12 is what encoders work on; the conversion is
/// part of the copy, and costs no more than the copy. BGRx is the pixels as they are.
///
/// Variable rate first: time-true for encoders that support it. A fixed rate for those that insist; frames then come at
/// that rate at most. The other way round for a source that pushes at a fixed rate.
pub(super) fn all(size: Option<Size>, varies: bool, places: &[Place]) -> gst::Caps {
    let any = || gst::IntRange::new(1, i32::from(u16::MAX));
    let rate = || gst::FractionRange::new(gst::Fraction::new(1, 1), gst::Fraction::new(MAX_FRAMERATE, 1));
    let mut caps = gst::Caps::new_empty();
    for variable in [varies, !varies] {
        for (place, format) in places.iter().flat_map(|place| place.formats().iter().map(move |format| (place, format)))
        {
            let mut picture =
                gst::Structure::builder("video/x-raw").field("pixel-aspect-ratio", gst::Fraction::new(1, 1));
            picture = match place {
                Place::DmaBuf(modifier) if *modifier != LINEAR => {
                    picture.field("format", DMA_DRM).field("drm-format", format!("{format}:{modifier:#018x}"))
                }
                _ => picture.field("format", format.to_str()),
            };
            if *format != VideoFormat::Bgrx {
                picture = picture.field("colorimetry", gst::List::new(["bt709", "bt601"]));
            }
            if *place == Place::Textures {
                picture = picture.field("texture-target", "2D");
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
            let features = place.feature().map(|feature| gst::CapsFeatures::new([feature]));
            caps.make_mut().append_structure_full(picture.build(), features);
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

/// Whether there are caps for frames that lie in memory like this. Other layouts than row by row got names with GStreamer
/// 1.24.
pub(super) fn has_name(modifier: u64) -> bool {
    let (major, minor, ..) = gst::version();
    modifier == LINEAR || (major, minor) >= (1, 24)
}

/// Where frames of fixed caps go, if that is not plain memory.
pub(super) fn output(caps: &gst::Caps) -> Option<Output> {
    let features = caps.features(0)?;
    let is = |place: Place| place.feature().is_some_and(|feature| features.contains(feature));
    let outputs = [(Place::Textures, Output::Textures), (Place::DmaBuf(LINEAR), Output::DmaBuf)];
    outputs.into_iter().find(|(place, _)| is(*place)).map(|(_, output)| output)
}

/// What fixed caps say of the picture.
pub(super) fn info(caps: &gst::Caps) -> Option<gst_video::VideoInfo> {
    let mut caps = caps.copy();
    let structure = caps.make_mut().structure_mut(0)?;
    if structure.get::<&str>("format") == Ok(DMA_DRM) {
        // A name of its own for a layout that only the GPU knows; the picture is the same.
        structure.remove_field("drm-format");
        structure.set("format", VideoFormat::Nv12.to_str());
    }
    gst_video::VideoInfo::from_caps(&caps).ok()
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
        let caps = fixate(all(Some(Size { width: 641, height: 479 }), true, &[Place::Memory]));
        let expected = "video/x-raw, format=NV12, pixel-aspect-ratio=1/1, colorimetry={bt709, bt601}, width=641, \
                        height=479, framerate=0/1, max-framerate=60/1";
        assert!(caps.is_subset(&expected.parse::<gst::Caps>().unwrap()), "{caps}");
        assert_eq!(rate(&caps), Some(60.0));
    }

    #[test]
    fn a_source_of_a_fixed_rate_says_so() {
        gst::init().unwrap();
        let caps = fixate(all(None, false, &[Place::Memory]));
        assert_eq!(caps.structure(0).unwrap().get::<gst::Fraction>("framerate"), Ok(gst::Fraction::new(60, 1)));
    }

    #[test]
    fn layouts_of_the_gpu_have_a_name_of_their_own() {
        gst::init().unwrap();
        let size = Some(Size { width: 641, height: 479 });
        let caps = fixate(all(size, true, &[Place::DmaBuf(0x0100_0000_0000_0002)]));
        let structure = caps.structure(0).unwrap();
        assert_eq!(structure.get::<&str>("drm-format"), Ok("NV12:0x0100000000000002"));
        assert_eq!(output(&caps), Some(Output::DmaBuf));
        let linear = fixate(all(size, true, &[Place::DmaBuf(LINEAR)]));
        assert_eq!(linear.structure(0).unwrap().get::<&str>("format"), Ok("NV12"));
        assert_eq!(output(&fixate(all(size, true, &[Place::Textures]))), Some(Output::Textures));
        assert_eq!(output(&fixate(all(size, true, &[Place::Downloaded]))), None);
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
