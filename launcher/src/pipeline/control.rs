//! What can be changed while a desktop runs, and how a property says it in a unit of its own. Pure.

use serde::{Deserialize, Serialize};

use super::expand::Variables;
use crate::settings::{
    Value,
    table::{self, Variable},
};

/// A quantity that can be changed while a desktop runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Control {
    /// In kbit/s.
    VideoBitrate,
    /// Most frames per second.
    Framerate,
    /// In bit/s.
    AudioBitrate,
}

impl Control {
    pub(crate) const ALL: [Self; 3] = [Self::VideoBitrate, Self::Framerate, Self::AudioBitrate];

    /// The variable that holds it, in the control's own unit.
    pub(crate) fn variable(self) -> &'static Variable {
        match self {
            Self::VideoBitrate => &table::VIDEO_BITRATE,
            Self::Framerate => &table::FRAMERATE,
            Self::AudioBitrate => &table::AUDIO_BITRATE,
        }
    }

    /// What it is now.
    pub(crate) fn get(self, variables: &Variables) -> Result<u32, String> {
        variables.number(self.variable().name)
    }
}

/// A quantity that a property holds; it follows the controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Quantity {
    /// Unit `bit/s` or `kbit/s`.
    VideoBitrate,
    /// Unit `bit/s` or `kbit/s`.
    AudioBitrate,
    /// Unit `1/s`.
    Framerate,
    /// What the bitrate carries while `frames` frames last: the encoder's buffer. Unit `bit`, `kbit` or `ms`.
    Vbv,
    /// Distance of keyframes. Unit `frame`; `never` when there shall be none but those that are asked for.
    Keyframe,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum Unit {
    #[serde(rename = "bit/s")]
    BitPerSecond,
    #[serde(rename = "kbit/s")]
    KilobitPerSecond,
    #[serde(rename = "1/s")]
    PerSecond,
    #[serde(rename = "bit")]
    Bit,
    #[serde(rename = "kbit")]
    Kilobit,
    #[serde(rename = "ms")]
    Millisecond,
    #[serde(rename = "frame")]
    Frame,
}

/// A quantity in the unit of a property, held between `min` and `max`.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Controlled {
    pub(crate) control: Quantity,
    pub(crate) unit: Unit,
    /// Of `vbv`: how many frames fit into the buffer.
    #[serde(default)]
    pub(crate) frames: Option<f64>,
    /// Of `keyframe`: the value for "none by itself".
    #[serde(default)]
    pub(crate) never: Option<i64>,
    /// The value is at least this.
    #[serde(default)]
    pub(crate) min: Option<i64>,
    /// The value is at most this.
    #[serde(default)]
    pub(crate) max: Option<i64>,
    /// Text in which `{}` stands for the value, for a property that holds several; `${NAME}` stands for a variable.
    #[serde(default)]
    pub(crate) format: Option<String>,
}

/// Frames that fit into an encoder's buffer where a file does not say. One has to; half of another lets a frame that
/// needs more have it. More would be delay: what the buffer holds has to be sent.
const VBV_FRAMES: f64 = 1.5;

/// A finite distance of keyframes is at least this many frames, as Selkies has it.
const LEAST_KEYFRAME_DISTANCE: f64 = 60.0;

impl Controlled {
    /// The variables that it follows.
    pub(crate) fn variables(&self) -> Vec<&'static Variable> {
        match self.control {
            Quantity::VideoBitrate => vec![&table::VIDEO_BITRATE],
            Quantity::AudioBitrate => vec![&table::AUDIO_BITRATE],
            Quantity::Framerate => vec![&table::FRAMERATE],
            Quantity::Vbv => vec![&table::VIDEO_BITRATE, &table::FRAMERATE],
            Quantity::Keyframe => vec![&table::KEYFRAME_DISTANCE, &table::FRAMERATE],
        }
    }

    /// The property's value, by what the controls are now.
    pub(crate) fn value(&self, variables: &Variables) -> Result<Value, String> {
        let number = self.number(variables)?.to_string();
        let Some(format) = &self.format else { return Ok(Value::public(number)) };
        let text = variables.expand(format).map_err(|error| error.to_string())?;
        Ok(Value::new(text.expose().replace("{}", &number), text.secret))
    }

    fn number(&self, variables: &Variables) -> Result<i64, String> {
        if self.frames.is_some() && self.control != Quantity::Vbv {
            return Err("\"frames\" belongs to control = \"vbv\"".to_owned());
        }
        if self.never.is_some() != (self.control == Quantity::Keyframe) {
            return Err("\"never\" belongs to control = \"keyframe\", which needs it".to_owned());
        }
        let video_bits = || Ok::<_, String>(f64::from(Control::VideoBitrate.get(variables)?) * 1000.0);
        let framerate = || Control::Framerate.get(variables).map(f64::from);
        let frames = self.frames.unwrap_or(VBV_FRAMES);

        let value = match (self.control, self.unit) {
            (Quantity::VideoBitrate, Unit::BitPerSecond) => video_bits()?,
            (Quantity::VideoBitrate, Unit::KilobitPerSecond) => video_bits()? / 1000.0,
            (Quantity::AudioBitrate, Unit::BitPerSecond) => Control::AudioBitrate.get(variables)?.into(),
            (Quantity::AudioBitrate, Unit::KilobitPerSecond) => {
                f64::from(Control::AudioBitrate.get(variables)?) / 1000.0
            }
            (Quantity::Framerate, Unit::PerSecond) => framerate()?,
            (Quantity::Vbv, Unit::Bit) => video_bits()? * frames / framerate()?,
            (Quantity::Vbv, Unit::Kilobit) => video_bits()? * frames / framerate()? / 1000.0,
            (Quantity::Vbv, Unit::Millisecond) => 1000.0 * frames / framerate()?,
            (Quantity::Keyframe, Unit::Frame) => match variables.keyframe_distance()? {
                Some(seconds) => (seconds * framerate()?).max(LEAST_KEYFRAME_DISTANCE),
                None => return Ok(self.never.unwrap_or(i64::MAX)),
            },
            (control, unit) => return Err(format!("{control:?} is not measured in {unit:?}")),
        };
        // `as` saturates, and no variable is large enough for that.
        let value = value.round() as i64;
        Ok(value.max(self.min.unwrap_or(i64::MIN)).min(self.max.unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        password::Access,
        settings::{Environment, Settings},
    };

    fn variables<const N: usize>(pairs: [(&str, &str); N]) -> Variables {
        let environment = Environment::from(pairs);
        let settings = Settings::read(&environment).unwrap();
        Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "")
    }

    fn value(text: &str, variables: &Variables) -> Result<i64, String> {
        toml::from_str::<Controlled>(text).unwrap().number(variables)
    }

    #[test]
    fn each_property_gets_its_own_unit() {
        let variables = variables([("SELKIES_VIDEO_BITRATE", "8000"), ("SELKIES_FRAMERATE", "60")]);
        for (text, expected) in [
            ("control = 'video-bitrate'\nunit = 'bit/s'", 8_000_000),
            ("control = 'video-bitrate'\nunit = 'kbit/s'", 8000),
            ("control = 'audio-bitrate'\nunit = 'bit/s'", 128_000),
            ("control = 'framerate'\nunit = '1/s'", 60),
            ("control = 'vbv'\nunit = 'bit'", 200_000),
            ("control = 'vbv'\nunit = 'kbit'", 200),
            ("control = 'vbv'\nunit = 'ms'", 25),
            ("control = 'vbv'\nunit = 'ms'\nframes = 3", 50),
            ("control = 'vbv'\nunit = 'ms'\nmin = 40", 40),
            ("control = 'video-bitrate'\nunit = 'kbit/s'\nmax = 5000", 5000),
            ("control = 'keyframe'\nunit = 'frame'\nnever = -1", -1),
        ] {
            assert_eq!(value(text, &variables), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_finite_distance_of_keyframes_is_in_seconds() {
        let distance = |seconds| {
            let variables = variables([("SELKIES_KEYFRAME_DISTANCE", seconds), ("SELKIES_FRAMERATE", "30")]);
            value("control = 'keyframe'\nunit = 'frame'\nnever = 0", &variables)
        };
        assert_eq!(distance("10"), Ok(300));
        assert_eq!(distance("0.5"), Ok(60));
        assert_eq!(distance("-1"), Ok(0));
    }

    #[test]
    fn a_property_that_holds_several_values_has_a_text() {
        let text = "control = 'vbv'\nunit = 'kbit'\nformat = 'maxrate=${SELKIES_VIDEO_BITRATE}:bufsize={}'";
        let value = toml::from_str::<Controlled>(text).unwrap().value(&variables([])).unwrap();
        assert_eq!(value.expose(), "maxrate=8000:bufsize=200");
    }

    #[test]
    fn what_does_not_belong_together_is_an_error() {
        let variables = variables([]);
        for text in [
            "control = 'framerate'\nunit = 'bit/s'",
            "control = 'vbv'\nunit = '1/s'",
            "control = 'framerate'\nunit = '1/s'\nframes = 2",
            "control = 'framerate'\nunit = '1/s'\nnever = 2",
            "control = 'keyframe'\nunit = 'frame'",
        ] {
            assert!(value(text, &variables).is_err(), "{text}");
        }
    }
}
