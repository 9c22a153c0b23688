//! An encoder's file and the files it includes, made one: pure, so that it can be checked before anything is started.

use std::collections::BTreeMap;

use toml::Spanned;

use super::{
    assembly::{Alternative, Assembly, Definition, ENCODER, Part, Purpose},
    expand::{DeclareError, ExpandError, Variables},
    file::{Encoder, PipelineFile},
    library::{FileError, Library, Source},
};
use crate::settings::table::TABLE;

/// How deep includes may nest. Two is what anybody needs; a file that includes itself ends here too.
const DEPTH_LIMIT: usize = 8;

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
    #[error("{file}: [variables.{name}] ({meaning}): {error}")]
    Variable { file: String, name: String, meaning: String, error: Box<DeclareError> },
    #[error(
        "{0}: a launch text takes no ${{}} but ${{ENCODER}}: name the element and set its property in [properties.NAME], \
         where no value can be mistaken for syntax"
    )]
    DollarInLaunch(String),
    #[error("{0}: ${{ENCODER}} in a launch text, but no [[encoder]] says what it can be")]
    NoEncoder(String),
    #[error("{file}: [saved] {name}: there is no such variable, or it is none that is kept")]
    NotSaved { file: String, name: String },
    #[error("element = \"{element}\" of an [[encoder]]: {reason}")]
    Element { element: String, reason: String },
    #[error("{origin}: [properties.{element}] {property}: {reason}")]
    Property { origin: String, element: String, property: String, reason: String },
}

impl Assembly {
    /// `encoder` is the name of a file, `chosen` which of its elements `${ENCODER}` is.
    pub(crate) fn of(
        library: &Library,
        encoder: &str,
        chosen: usize,
        variables: &Variables,
    ) -> Result<Self, AssembleError> {
        let known = library.encoders()?;
        if !known.contains(encoder) {
            let known = std::iter::once("auto".to_owned()).chain(known).collect();
            return Err(AssembleError::UnknownEncoder { name: encoder.to_owned(), known });
        }
        let (source, file) = library.load(&format!("{encoder}.toml"))?;
        if file.when.is_some() {
            return Err(AssembleError::WhenAtTop(source.label));
        }
        let mut assembly = Self {
            description: file.description.clone(),
            files: Vec::new(),
            skipped: Vec::new(),
            auto: file.auto,
            offer: file.offer.unwrap_or(true),
            checks: Vec::new(),
            chosen,
            parts: Vec::new(),
            branches: BTreeMap::new(),
            controls: BTreeMap::new(),
            saved: BTreeMap::new(),
            exchange: None,
            gpu_statistics: None,
            serving: None,
            variables: variables.clone(),
        };
        assembly.add(library, &source, file, 0)?;
        if assembly.encoder().is_none() && assembly.parts.iter().any(|part| part.launch.contains(ENCODER)) {
            return Err(AssembleError::NoEncoder(source.label));
        }
        // Values that cannot be are better found now than once everything runs.
        assembly.properties(Purpose::Run)?;
        Ok(assembly)
    }

    fn add(
        &mut self,
        library: &Library,
        source: &Source,
        file: PipelineFile,
        depth: usize,
    ) -> Result<(), AssembleError> {
        if depth > DEPTH_LIMIT {
            return Err(AssembleError::TooDeep(source.label.clone()));
        }
        for name in &file.include {
            self.include(library, name, depth).map_err(|error| match error {
                error @ AssembleError::File(_) => {
                    AssembleError::Include { includer: source.label.clone(), error: Box::new(error) }
                }
                error => error,
            })?;
        }
        for text in [Some(&file.launch), file.trial.as_ref()].into_iter().flatten() {
            if text.replace(ENCODER, "").contains('$') {
                return Err(AssembleError::DollarInLaunch(source.label.clone()));
            }
        }
        for (name, declaration) in &file.variables {
            let error = |error| AssembleError::Variable {
                file: source.label.clone(),
                name: name.clone(),
                meaning: declaration.meaning.clone(),
                error: Box::new(error),
            };
            self.variables.declare(name, declaration).map_err(error)?;
        }
        let define = |element: &str, properties: BTreeMap<String, Spanned<toml::Value>>| {
            let defined = properties.into_iter().map(|(name, value)| {
                let origin = format!("{}:{}", source.label, source.line(value.span()));
                ((element.to_owned(), name), Definition { value: value.into_inner(), origin })
            });
            defined.collect::<BTreeMap<_, _>>()
        };
        let encoders = file.encoder.into_iter().map(|encoder| {
            let Encoder { element, package, properties, expect } = encoder;
            let element = self.factory(element)?;
            Ok(Alternative { element, package, properties: define("encoder", properties), expect })
        });
        let part = Part {
            launch: file.launch.trim().to_owned(),
            trial: file.trial.map(|text| text.trim().to_owned()),
            requires: file.requires,
            encoders: encoders.collect::<Result<_, AssembleError>>()?,
            properties: file.properties.into_iter().flat_map(|(name, values)| define(&name, values)).collect(),
        };
        self.files.push(source.label.clone());
        self.parts.push(part);
        self.checks.extend(file.checks);
        self.branches.extend(file.branches);
        self.controls.extend(file.controls);
        for name in file.saved.keys() {
            if !TABLE.iter().any(|variable| variable.name == name && variable.saved_as.is_some()) {
                return Err(AssembleError::NotSaved { file: source.label.clone(), name: name.clone() });
            }
        }
        self.saved.extend(file.saved);
        self.exchange = file.exchange.or(self.exchange.take());
        self.gpu_statistics = file.gpu_statistics.or(self.gpu_statistics.take());
        self.serving = file.serving.or(self.serving.take());
        Ok(())
    }

    fn include(&mut self, library: &Library, name: &str, depth: usize) -> Result<(), AssembleError> {
        let (source, file) = library.load(name)?;
        if let Some(text) = &file.when {
            let error = |reason: String| AssembleError::When { file: source.label.clone(), text: text.clone(), reason };
            let value = self.variables.expand(text).map_err(|reason: ExpandError| error(reason.to_string()))?;
            match value.expose() {
                "true" => {}
                "false" => {
                    self.skipped.push((source.label, text.clone()));
                    return Ok(());
                }
                _ => return Err(error("is neither true nor false".to_owned())),
            }
        }
        self.add(library, &source, file, depth + 1)
    }

    /// The name of an element factory. It becomes launch text, so a variable in it must be a number.
    fn factory(&self, text: String) -> Result<String, AssembleError> {
        let error = |reason: String| AssembleError::Element { element: text.clone(), reason };
        for name in Variables::names(&text) {
            self.variables.number(&name).map_err(error)?;
        }
        let element = self.variables.expand(&text).map_err(|reason| error(reason.to_string()))?;
        let element = element.expose();
        if element.is_empty() || !element.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char)) {
            return Err(error("is not the name of an element".to_owned()));
        }
        Ok(element.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::Control;
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

    fn assemble(files: &[(&str, &str)]) -> Result<Assembly, AssembleError> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let variables = variables([("SELKIES_VIDEO_BITRATE", "500"), ("MINE", "7")]);
        Assembly::of(&Library::new(Some(folder.path().to_owned())), "a", 0, &variables)
    }

    fn value(assembly: &Assembly, element: &str, property: &str) -> String {
        let properties = assembly.properties(Purpose::Run).unwrap();
        properties[&(element.to_owned(), property.to_owned())].value.expose().to_owned()
    }

    #[test]
    fn every_built_in_encoder_comes_together() {
        let library = Library::new(None);
        for encoder in library.encoders().unwrap() {
            let with = Assembly::of(&library, &encoder, 0, &variables([])).unwrap();
            let without = Assembly::of(&library, &encoder, 0, &variables([("ENABLE_AUDIO", "false")])).unwrap();
            // The microphone is off by default.
            assert_eq!((with.skipped.len(), without.skipped.len()), (1, 2), "{encoder}");
            assert!(with.serving.is_some() && with.has_trial() && with.encoder().is_some(), "{encoder}");
            assert_eq!(with.controls.len(), Control::ALL.len(), "{encoder}");
            assert!(Control::ALL.iter().all(|control| with.saved.contains_key(control.variable().name)), "{encoder}");
        }
    }

    #[test]
    fn every_built_in_encoder_follows_the_bitrate_and_has_an_infinite_group_of_pictures() {
        let library = Library::new(None);
        for encoder in library.encoders().unwrap() {
            let mut assembly = Assembly::of(&library, &encoder, 0, &variables([])).unwrap();
            let of_encoder = |assembly: &Assembly| {
                let properties = assembly.properties(Purpose::Trial).unwrap();
                properties.into_iter().filter(|((element, _), _)| element == "encoder").collect::<BTreeMap<_, _>>()
            };
            let before = of_encoder(&assembly);
            let uses = |name: &str| before.values().any(|value| value.variables.iter().any(|used| used == name));
            assert!(uses("SELKIES_KEYFRAME_DISTANCE"), "{encoder}");
            assembly.variables.set_number(Control::VideoBitrate.variable(), 3000);
            assert_ne!(of_encoder(&assembly), before, "{encoder}");
        }
    }

    #[test]
    fn own_values_win_over_included_ones() {
        let assembly = assemble(&[
            ("a.toml", "description='a'\ninclude=['b.toml']\nlaunch='y'\n[properties.e]\np=2\n"),
            ("b.toml", "description='b'\nlaunch='x'\n[properties.e]\np=1\nq=true\n"),
        ])
        .unwrap();
        assert_eq!(assembly.launch(Purpose::Run), "x\ny");
        assert_eq!((value(&assembly, "e", "p").as_str(), value(&assembly, "e", "q").as_str()), ("2", "true"));
    }

    #[test]
    fn an_encoder_can_be_one_of_several_elements() {
        let file = "description='a'\nlaunch='x ! ${ENCODER} name=encoder ! y'\n[properties.encoder]\np=1\nq=1\n\
                    [[encoder]]\nelement='dev${CPUS}enc'\npackage='z'\nproperties.p=2\nexpect.d='e'\n\
                    [[encoder]]\nelement='other'\npackage='z'\n";
        let own = "description='b'\ninclude=['b.toml']\n[properties.encoder]\nq=3\n";
        let assembly = assemble(&[("a.toml", own), ("b.toml", file)]).unwrap();
        let cpus = assembly.variables.number("CPUS").unwrap();
        assert_eq!(assembly.launch(Purpose::Run), format!("x ! dev{cpus}enc name=encoder ! y"));
        assert_eq!((value(&assembly, "encoder", "p"), value(&assembly, "encoder", "q")), ("2".into(), "3".into()));
        assert!(assembly.requires(Purpose::Run).contains_key(format!("dev{cpus}enc").as_str()));
        assert_eq!(assembly.encoders().len(), 2);
        let origin = &assembly.properties(Purpose::Run).unwrap()[&("encoder".into(), "p".into())].origin;
        assert!(origin.ends_with("b.toml:9"), "{origin}");
    }

    #[test]
    fn a_trial_leaves_out_what_a_file_stands_in_for() {
        let assembly = assemble(&[
            ("a.toml", "description='a'\ninclude=['b.toml']\nlaunch='y'\n[properties.e]\np=2\n"),
            ("b.toml", "description='b'\nlaunch='x'\ntrial='t'\n[requires]\nx='p'\n[properties.e]\np=1\nq=true\n"),
        ])
        .unwrap();
        assert_eq!(assembly.launch(Purpose::Trial), "t\ny");
        assert_eq!(assembly.properties(Purpose::Trial).unwrap().len(), 1);
        assert!(assembly.requires(Purpose::Trial).is_empty());
    }

    #[test]
    fn a_value_can_be_made_of_a_variable_that_the_file_declares() {
        let text = "description='a'\n[variables.MINE]\nmeaning='m'\ndefault=3\n[properties.e]\np='${MINE}'\n";
        assert_eq!(value(&assemble(&[("a.toml", text)]).unwrap(), "e", "p"), "7");
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
            ("[properties.e]\np={control='vbv',unit='1/s'}", "a.toml:3: [properties.e] p: Vbv is not measured"),
            ("[properties.e]\np={control='vbb',unit='1/s'}", "a.toml:3: [properties.e] p: unknown variant `vbb`"),
            ("[variables.MINE]\nmeaning='m'\nmax=3", "a.toml: [variables.MINE] (m): MINE is \"7\", but must be"),
            ("[[encoder]]\nelement='x${USER}'\npackage='p'", "USER is not a whole number"),
            ("[[encoder]]\nelement='x ! y'\npackage='p'", "is not the name of an element"),
            ("[saved]\nPASSWD={element='e',property='p'}", "[saved] PASSWD: "),
            ("launch='${ENCODER}'", "no [[encoder]] says"),
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
        let error = Assembly::of(&Library::new(None), "nonsense", 0, &variables([])).unwrap_err().to_string();
        assert!(error.contains("\"nonsense\"") && error.contains("there is auto, "), "{error}");
    }
}
