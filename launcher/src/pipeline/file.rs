//! The format of a pipeline file. pipelines/README.md is its reference, pipelines/schema.json its JSON Schema, which a test
//! compares with the types here.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::control::Control;

/// Element → property → value.
type Properties = BTreeMap<String, BTreeMap<String, Spanned<toml::Value>>>;

/// A pipeline file: how the desktop is captured, encoded and sent.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct PipelineFile {
    /// One line, for people.
    pub(crate) description: String,
    /// Files to take in before this one, by their path in the folder.
    #[serde(default)]
    pub(crate) include: Vec<String>,
    /// In an included file: it takes part when this expands to "true", not when to "false".
    #[serde(default)]
    pub(crate) when: Option<String>,
    /// Place in the order in which WEBRTC_ENCODER=auto tries encoders, lowest first; without it, it is never picked.
    #[serde(default)]
    pub(crate) auto: Option<u32>,
    /// Whether viewers may choose it while the desktop runs, where EGLDESKTOP_ENCODERS names none; true where it is not said.
    #[serde(default)]
    pub(crate) offer: Option<bool>,
    /// Environment variables that this file adds to those of the launcher.
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Declaration>,
    /// What the machine must have. Where there is any, the encoder is one of hardware and tried before it is used.
    #[serde(default)]
    pub(crate) checks: Vec<Check>,
    /// Text as for gst-launch-1.0; the texts of all files together make one pipeline. `${ENCODER}` is the element that
    /// was chosen among [[encoder]].
    #[serde(default)]
    pub(crate) launch: String,
    /// Stands in for `launch` while an encoder is tried with one frame; the file's properties are left out then.
    #[serde(default)]
    pub(crate) trial: Option<String>,
    /// The encoders that `${ENCODER}` can be, best first: the first that works is taken.
    #[serde(default)]
    pub(crate) encoder: Vec<Encoder>,
    /// Element factory → the Debian package it comes in.
    #[serde(default)]
    pub(crate) requires: BTreeMap<String, String>,
    /// Bins of the launch text that run only while this boolean property is true. When one fails, that is reported, and it
    /// is started again; the desktop goes on.
    #[serde(default)]
    pub(crate) branches: BTreeMap<String, PropertyRef>,
    /// Element name → property → value.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, BTreeMap<String, super::value::PropertyValue>>"))]
    pub(crate) properties: Properties,
    /// Properties in which an element says, while it runs, what a control shall be.
    #[serde(default)]
    pub(crate) controls: BTreeMap<Control, PropertyRef>,
    /// Variable → the property in which viewers change it, for those that are kept until the next start.
    #[serde(default)]
    pub(crate) saved: BTreeMap<String, PropertyRef>,
    /// How the encoder is exchanged while the desktop runs.
    #[serde(default)]
    pub(crate) exchange: Option<Exchange>,
    /// The property that takes the GPU's load and memory, each second.
    #[serde(default)]
    pub(crate) gpu_statistics: Option<PropertyRef>,
    /// The property in which the address stands on which the desktop is served.
    #[serde(default)]
    pub(crate) serving: Option<PropertyRef>,
}

/// One of the elements that `${ENCODER}` can be.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Encoder {
    /// Element factory. `${NAME}` stands for a variable that is a number, as in `varenderD${RENDER_NODE}h264enc`.
    pub(crate) element: String,
    /// The Debian package it comes in.
    pub(crate) package: String,
    /// Properties of the element named `encoder` that only this one has.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, super::value::PropertyValue>"))]
    pub(crate) properties: BTreeMap<String, Spanned<toml::Value>>,
    /// What its properties must say for it to be the right one, such as the device it stands for.
    #[serde(default)]
    pub(crate) expect: BTreeMap<String, String>,
}

/// An environment variable, with what it is when it is not set.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Declaration {
    /// One line, for people.
    pub(crate) meaning: String,
    /// The value when it is not set; none leaves the properties that use it as their elements have them.
    #[serde(default)]
    pub(crate) default: Option<Default>,
    /// With `min` or `max` it must be a whole number, and not less than this.
    #[serde(default)]
    pub(crate) min: Option<i64>,
    /// As `min`: not more than this.
    #[serde(default)]
    pub(crate) max: Option<i64>,
}

/// A variable's default: text or a whole number.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum Default {
    Number(i64),
    Text(String),
}

/// Something that the machine must have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Check {
    pub(crate) kind: CheckKind,
    /// Name of the plug-in, path of the device, file name of the library; `${NAME}` stands for a variable.
    pub(crate) name: String,
    /// What it means when it is not there: the reason that is told.
    pub(crate) otherwise: String,
}

/// What kind of thing it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CheckKind {
    /// A GStreamer plug-in that is installed.
    Plugin,
    /// A device file that this user may open.
    Device,
    /// A shared library that loads.
    Library,
}

/// How the encoder is exchanged while the desktop runs.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    /// The encoder, and what belongs to it, begins after this element, which has one source pad.
    pub(crate) from: String,
    /// It ends before this element.
    pub(crate) to: String,
    /// The property in which viewers choose one, by the name of its file.
    pub(crate) chosen: PropertyRef,
    /// The property that takes those that work, as `name=media/type,…`.
    pub(crate) offered: PropertyRef,
    /// The boolean property that says whether anybody is there to choose.
    pub(crate) wanted: PropertyRef,
}

/// A property of an element of the launch text.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct PropertyRef {
    /// The element's name.
    pub(crate) element: String,
    /// The property's name.
    pub(crate) property: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../pipelines/schema.json");

    /// Write it anew with `UPDATE_SCHEMA=1 cargo test -p egldesktop-launcher schema`.
    #[test]
    fn the_schema_in_the_repository_is_that_of_the_parser() {
        let schema = serde_json::to_value(schemars::schema_for!(PipelineFile)).unwrap();
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(SCHEMA, format!("{}\n", serde_json::to_string_pretty(&schema).unwrap())).unwrap();
        }
        let written: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(SCHEMA).unwrap()).unwrap();
        assert_eq!(written, schema, "pipelines/schema.json is out of date: UPDATE_SCHEMA=1 writes it anew");
    }
}
