//! Who captures: one pipeline each.

use clap::ValueEnum;

/// A way to capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Candidate {
    /// ximagesrc use-damage=false ! videoconvert to I420; all others are compared with this
    #[value(name = "ximage-i420")]
    XimageI420,
    /// ximagesrc use-damage=true (its default) ! videoconvert to I420
    #[value(name = "ximage-damage-i420")]
    XimageDamageI420,
    /// ximagesrc use-damage=false, not converted
    XimageBgrx,
    /// egldesktopsrc, not converted
    OursBgrx,
    /// egldesktopsrc that converts by itself; skipped where it does not
    OursNv12,
    /// egldesktopsrc ! videoconvert to I420
    #[value(name = "ours-i420")]
    OursI420,
    /// ximage-i420 and x264enc, superfast and zerolatency
    #[value(name = "ximage-x264")]
    XimageX264,
    /// egldesktopsrc and the same encoder; converted by whoever can
    #[value(name = "ours-x264")]
    OursX264,
}

const I420: &str = "videoconvert ! video/x-raw,format=I420";
const X264: &str = "x264enc speed-preset=superfast tune=zerolatency bitrate=8000";

impl Candidate {
    /// All others are compared with this one.
    pub(crate) const REFERENCE: Self = Self::XimageI420;

    /// Its name on the command line and in the results.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Its pipeline, up to the sink, for gst-launch.
    pub(crate) fn pipeline(self, display: &str) -> String {
        // 60 per second for all: ximagesrc would choose 25. No pointer: ours has none in the picture.
        let ximage = |damage| {
            format!(
                "ximagesrc display-name={display} use-damage={damage} show-pointer=false ! video/x-raw,framerate=60/1"
            )
        };
        let ours = format!("egldesktopsrc display-name={display} show-pointer=false");
        match self {
            Self::XimageI420 => format!("{} ! {I420}", ximage(false)),
            Self::XimageDamageI420 => format!("{} ! {I420}", ximage(true)),
            Self::XimageBgrx => ximage(false),
            Self::OursBgrx => format!("{ours} ! video/x-raw,format=BGRx"),
            Self::OursNv12 => format!("{ours} ! video/x-raw,format=NV12"),
            Self::OursI420 => format!("{ours} ! video/x-raw,format=BGRx ! {I420}"),
            Self::XimageX264 => format!("{} ! {I420} ! {X264}", ximage(false)),
            Self::OursX264 => format!("{ours} ! videoconvert ! video/x-raw,format=NV12 ! {X264}"),
        }
    }

    /// Why it can't take part, if it can't.
    pub(crate) fn missing(self) -> Option<String> {
        let factory = |name: &str| gst::ElementFactory::find(name);
        let elements: &[&str] = match self {
            Self::XimageI420 | Self::XimageDamageI420 => &["ximagesrc", "videoconvert"],
            Self::XimageBgrx => &["ximagesrc"],
            Self::OursBgrx | Self::OursNv12 => &["egldesktopsrc"],
            Self::OursI420 => &["egldesktopsrc", "videoconvert"],
            Self::XimageX264 => &["ximagesrc", "videoconvert", "x264enc"],
            Self::OursX264 => &["egldesktopsrc", "videoconvert", "x264enc"],
        };
        if let Some(name) = elements.iter().find(|name| factory(name).is_none()) {
            return Some(format!("there is no element {name}"));
        }
        let nv12 = || gst::Caps::builder("video/x-raw").field("format", "NV12").build();
        let declines = self == Self::OursNv12
            && !factory("egldesktopsrc").is_some_and(|factory| factory.can_src_any_caps(&nv12()));
        declines.then(|| "egldesktopsrc does not offer NV12".to_owned())
    }
}
