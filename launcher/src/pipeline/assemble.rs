//! An encoder's file and the files it includes, made one: pure, so that it can be checked before anything is started.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::{
    expand::{ExpandError, Variables},
    file::{FileError, Knob, Library, PipelineFile, PropertyRef, Source},
};
use crate::settings::Value;

/// How deep includes may nest. Two is what anybody needs; a file that includes itself ends here too.
const DEPTH_LIMIT: usize = 8;

/// Everything that has to be known to build a pipeline.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    pub(crate) description: String,
    /// Labels of the files that take part.
    pub(crate) files: Vec<String>,
    /// Those that do not, with the condition that turned them off.
    pub(crate) skipped: Vec<(String, String)>,
    /// The launch texts, in order.
    pub(crate) launch: Vec<String>,
    /// Element factory → Debian package.
    pub(crate) requires: BTreeMap<String, String>,
    pub(crate) optional: BTreeSet<String>,
    /// (element, property) → value. A file's own values win over those of what it includes.
    pub(crate) properties: BTreeMap<(String, String), Property>,
    pub(crate) video_bitrate: Option<Knob>,
    pub(crate) audio_bitrate: Option<Knob>,
    pub(crate) serving: Option<PropertyRef>,
}

/// A value to set, and where it is written.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) value: Value,
    /// "file:line", for errors.
    pub(crate) origin: String,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum AssembleError {
    #[error("unknown encoder \"{name}\" in WEBRTC_ENCODER; there is {}", .known.join(", "))]
    UnknownEncoder { name: String, known: Vec<String> },
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{includer} includes {error}")]
    Include { includer: String, error: Box<AssembleError> },
    #[error("{0}: files include each other without end")]
    TooDeep(String),
    #[error("{0}: \"when\" belongs in a file that is included")]
    WhenAtTop(String),
    #[error("{file}: when = \"{text}\": {reason}")]
    When { file: String, text: String, reason: String },
    #[error(
        "{0}: a launch text takes no ${{}}: name the element and set its property in [properties.NAME], where no value can \
         be mistaken for syntax"
    )]
    DollarInLaunch(String),
    #[error("{origin}: [properties.{element}] {property}: {reason}")]
    Property { origin: String, element: String, property: String, reason: String },
}

impl Assembly {
    pub(crate) fn of(library: &Library, encoder: &str, variables: &Variables) -> Result<Self, AssembleError> {
        let known = library.encoders()?;
        if !known.contains(encoder) {
            return Err(AssembleError::UnknownEncoder { name: encoder.to_owned(), known: known.into_iter().collect() });
        }
        let mut assembly = Self::default();
        let (source, file) = library.load(&format!("{encoder}.toml"))?;
        if file.when.is_some() {
            return Err(AssembleError::WhenAtTop(source.label));
        }
        assembly.description = file.description.clone();
        assembly.add(library, variables, &source, file, 0)?;
        Ok(assembly)
    }

    fn add(
        &mut self,
        library: &Library,
        variables: &Variables,
        source: &Source,
        file: PipelineFile,
        depth: usize,
    ) -> Result<(), AssembleError> {
        if depth > DEPTH_LIMIT {
            return Err(AssembleError::TooDeep(source.label.clone()));
        }
        for name in &file.include {
            self.include(library, variables, name, depth).map_err(|error| match error {
                error @ AssembleError::File(_) => {
                    AssembleError::Include { includer: source.label.clone(), error: Box::new(error) }
                }
                error => error,
            })?;
        }
        if file.launch.contains('$') {
            return Err(AssembleError::DollarInLaunch(source.label.clone()));
        }
        self.files.push(source.label.clone());
        self.launch.push(file.launch.trim().to_owned());
        self.requires.extend(file.requires);
        self.optional.extend(file.optional);
        for (element, properties) in file.properties {
            for (property, value) in properties {
                let origin = format!("{}:{}", source.label, source.line(value.span()));
                let value = property_value(&value, variables).map_err(|reason| AssembleError::Property {
                    origin: origin.clone(),
                    element: element.clone(),
                    property: property.clone(),
                    reason,
                })?;
                self.properties.insert((element.clone(), property), Property { value, origin });
            }
        }
        self.video_bitrate = file.video_bitrate.or(self.video_bitrate.take());
        self.audio_bitrate = file.audio_bitrate.or(self.audio_bitrate.take());
        self.serving = file.serving.or(self.serving.take());
        Ok(())
    }

    fn include(
        &mut self,
        library: &Library,
        variables: &Variables,
        name: &str,
        depth: usize,
    ) -> Result<(), AssembleError> {
        let (source, file) = library.load(name)?;
        if let Some(text) = &file.when {
            let error = |reason: String| AssembleError::When { file: source.label.clone(), text: text.clone(), reason };
            let value = variables.expand(text).map_err(|reason: ExpandError| error(reason.to_string()))?;
            match value.expose() {
                "true" => {}
                "false" => {
                    self.skipped.push((source.label, text.clone()));
                    return Ok(());
                }
                _ => return Err(error("is neither true nor false".to_owned())),
            }
        }
        self.add(library, variables, &source, file, depth + 1)
    }
}

/// A number that is computed: the value times `scale`, then held between `min` and `max`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    value: toml::Value,
    #[serde(default = "one")]
    scale: i64,
    #[serde(default)]
    min: Option<i64>,
    #[serde(default)]
    max: Option<i64>,
}

fn one() -> i64 {
    1
}

fn property_value(value: &Spanned<toml::Value>, variables: &Variables) -> Result<Value, String> {
    match value.get_ref() {
        toml::Value::Table(table) => {
            let number: Number =
                table.clone().try_into().map_err(|error: toml::de::Error| error.message().to_owned())?;
            number.compute(variables)
        }
        value => plain_value(value, variables),
    }
}

fn plain_value(value: &toml::Value, variables: &Variables) -> Result<Value, String> {
    match value {
        toml::Value::String(text) => variables.expand(text).map_err(|error| error.to_string()),
        toml::Value::Integer(number) => Ok(Value::public(number.to_string())),
        toml::Value::Float(number) => Ok(Value::public(number.to_string())),
        toml::Value::Boolean(truth) => Ok(Value::public(truth.to_string())),
        other => Err(format!("a {} cannot be a property's value", other.type_str())),
    }
}

impl Number {
    fn compute(self, variables: &Variables) -> Result<Value, String> {
        let value = plain_value(&self.value, variables)?;
        if value.expose().is_empty() {
            return Ok(value);
        }
        let number: i64 = value.expose().parse().map_err(|_| format!("\"{}\" is not a whole number", value.shown()))?;
        let number = number.checked_mul(self.scale).ok_or("the number is too large")?;
        let number = number.max(self.min.unwrap_or(i64::MIN)).min(self.max.unwrap_or(i64::MAX));
        Ok(Value::new(number.to_string(), value.secret))
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
        let settings = Settings::read(&Environment::from(pairs)).unwrap();
        Variables::new(&settings, &Access::of(&settings).unwrap(), "")
    }

    fn assemble(files: &[(&str, &str)]) -> Result<Assembly, AssembleError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Assembly::of(&Library::new(Some(folder.path().to_owned())), "a", &variables([("SELKIES_VIDEO_BITRATE", "500")]))
    }

    fn value<'a>(assembly: &'a Assembly, element: &str, property: &str) -> &'a str {
        assembly.properties[&(element.to_owned(), property.to_owned())].value.expose()
    }

    #[test]
    fn every_built_in_encoder_comes_together() {
        let library = Library::new(None);
        for encoder in library.encoders().unwrap() {
            let with = Assembly::of(&library, &encoder, &variables([])).unwrap();
            let without = Assembly::of(&library, &encoder, &variables([("ENABLE_AUDIO", "false")])).unwrap();
            assert_eq!((with.skipped.len(), without.skipped.len()), (0, 1), "{encoder}");
            assert!(with.video_bitrate.is_some() && with.serving.is_some(), "{encoder}");
        }
    }

    #[test]
    fn the_built_in_files_get_the_settings() {
        let library = Library::new(None);
        let x264 = Assembly::of(&library, "x264enc", &variables([("WEBRTC_VIDEO_BITRATE", "3000")])).unwrap();
        assert_eq!(value(&x264, "encoder", "bitrate"), "3000");
        assert_eq!(value(&x264, "signal", "listen"), "127.0.0.1:8080");
        let vp8 = Assembly::of(&library, "vp8enc", &variables([("WEBRTC_VIDEO_BITRATE", "3000")])).unwrap();
        assert_eq!(value(&vp8, "encoder", "target-bitrate"), "3000000");
    }

    #[test]
    fn own_values_win_over_included_ones() {
        let assembly = assemble(&[
            ("a.toml", "description='a'\ninclude=['b.toml']\nlaunch='y'\n[properties.e]\np=2\n"),
            ("b.toml", "description='b'\nlaunch='x'\n[properties.e]\np=1\nq=true\n"),
        ])
        .unwrap();
        assert_eq!(assembly.launch, ["x", "y"]);
        assert_eq!((value(&assembly, "e", "p"), value(&assembly, "e", "q")), ("2", "true"));
    }

    #[test]
    fn numbers_can_be_scaled_and_held() {
        let assembly = assemble(&[(
            "a.toml",
            "description='a'\n[properties.e]\nbits={value='${SELKIES_VIDEO_BITRATE}',scale=1000}\n\
             few={value='${SELKIES_VIDEO_BITRATE}',max=4}\nnone={value='${SELKIES_TURN_HOST}',max=4}\n",
        )])
        .unwrap();
        assert_eq!(value(&assembly, "e", "bits"), "500000");
        assert_eq!(value(&assembly, "e", "few"), "4");
        assert_eq!(value(&assembly, "e", "none"), "");
    }

    #[test]
    fn mistakes_name_the_file_and_where_in_it() {
        let cases = [
            ("[properties.e]\nf=1\np='${NOPE}'", "a.toml:4: [properties.e] p: unknown variable ${NOPE}"),
            ("[properties.e]\np=[1]", "a.toml:3: [properties.e] p: a array cannot"),
            ("[properties.e]\np={value=1,sclae=2}", "a.toml:3: [properties.e] p: unknown field `sclae`"),
            ("[properties.e]\np={value='x'}", "\"x\" is not a whole number"),
            ("launch='fakesrc name=${USER}'", "takes no ${}"),
            ("include=['b.toml']", "a.toml includes there is no pipeline file b.toml"),
            ("include=['a.toml']", "without end"),
            ("when='true'", "belongs in a file that is included"),
        ];
        for (text, expected) in cases {
            let error = assemble(&[("a.toml", &format!("description='a'\n{text}\n"))]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\nshould hold {expected}");
        }
    }

    #[test]
    fn a_condition_must_be_true_or_false() {
        let files = |when| {
            let included = format!("description='b'\nwhen='{when}'\nlaunch='x'");
            assemble(&[("a.toml", "description='a'\ninclude=['b.toml']"), ("b.toml", &included)])
        };
        assert_eq!(files("${ENABLE_AUDIO}").unwrap().files.len(), 2);
        assert_eq!(files("false").unwrap().skipped.len(), 1);
        assert!(files("${SELKIES_PORT}").unwrap_err().to_string().contains("neither true nor false"));
    }

    #[test]
    fn an_unknown_encoder_is_answered_with_the_list() {
        let error = Assembly::of(&Library::new(None), "x265enc", &variables([])).unwrap_err().to_string();
        assert!(error.contains("\"x265enc\"") && error.contains("vp8enc, x264enc"), "{error}");
    }
}
