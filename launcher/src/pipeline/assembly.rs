//! A pipeline as its files describe it: what to launch, what to set, what it needs. Pure.

use std::collections::BTreeMap;

use super::{
    assemble::AssembleError,
    control::Control,
    expand::Variables,
    file::{Check, Exchange, PropertyRef},
    value,
};
use crate::settings::Value;

/// What `${ENCODER}` is written as in a launch text: all that is replaced there.
pub(super) const ENCODER: &str = "${ENCODER}";

/// Everything that has to be known to build a pipeline.
#[derive(Debug)]
pub(crate) struct Assembly {
    pub(crate) description: String,
    /// Labels of the files that take part.
    pub(crate) files: Vec<String>,
    /// Those that do not, with the condition that turned them off.
    pub(crate) skipped: Vec<(String, String)>,
    pub(crate) auto: Option<u32>,
    /// Whether viewers may choose it.
    pub(crate) offer: bool,
    pub(crate) checks: Vec<Check>,
    /// Which of the elements that `${ENCODER}` can be it is.
    pub(super) chosen: usize,
    pub(super) parts: Vec<Part>,
    pub(crate) branches: BTreeMap<String, PropertyRef>,
    pub(crate) controls: BTreeMap<Control, PropertyRef>,
    /// By the name of the variable.
    pub(crate) saved: BTreeMap<String, PropertyRef>,
    pub(crate) exchange: Option<Exchange>,
    pub(crate) gpu_statistics: Option<PropertyRef>,
    pub(crate) serving: Option<PropertyRef>,
    pub(crate) variables: Variables,
}

/// What one file gives.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) launch: String,
    pub(super) trial: Option<String>,
    /// Element factory → Debian package.
    pub(super) requires: BTreeMap<String, String>,
    pub(super) properties: BTreeMap<Key, Definition>,
    /// The elements that `${ENCODER}` can be; none where the launch text names its own.
    pub(super) encoders: Vec<Alternative>,
}

/// One of the elements that `${ENCODER}` can be.
#[derive(Debug)]
pub(crate) struct Alternative {
    pub(crate) element: String,
    pub(super) package: String,
    pub(super) properties: BTreeMap<Key, Definition>,
    /// What its properties must say.
    pub(crate) expect: BTreeMap<String, String>,
}

/// Element and property.
pub(crate) type Key = (String, String);

/// A value as it is written, and where.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) value: toml::Value,
    /// "file:line", for errors.
    pub(super) origin: String,
}

/// What a pipeline is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To serve a desktop.
    Run,
    /// To see whether the encoder works: what is captured and served is left out.
    Trial,
}

/// A value to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) value: Value,
    /// "file:line", for errors.
    pub(crate) origin: String,
    /// The variables that it is made of.
    pub(crate) variables: Vec<String>,
}

impl Assembly {
    /// The elements that `${ENCODER}` can be. A file can have some of its own in place of an included file's.
    pub(crate) fn encoders(&self) -> &[Alternative] {
        let own = self.parts.iter().rev().find(|part| !part.encoders.is_empty());
        own.map_or(&[], |part| &part.encoders)
    }

    /// The one it is.
    pub(crate) fn encoder(&self) -> Option<&Alternative> {
        self.encoders().get(self.chosen)
    }

    /// Whether it encodes on hardware, which may not be there.
    pub(crate) fn is_hardware(&self) -> bool {
        !self.checks.is_empty()
    }

    /// Whether its files say what to try it with.
    pub(crate) fn has_trial(&self) -> bool {
        self.parts.iter().any(|part| part.trial.is_some())
    }

    /// The launch text, a line for each file.
    pub(crate) fn launch(&self, purpose: Purpose) -> String {
        let encoder = self.encoder().map_or("", |encoder| &encoder.element);
        let texts = self.parts.iter().map(|part| match (&part.trial, purpose) {
            (Some(trial), Purpose::Trial) => trial,
            _ => &part.launch,
        });
        let texts: Vec<_> = texts.filter(|text| !text.is_empty()).map(|text| text.replace(ENCODER, encoder)).collect();
        texts.join("\n")
    }

    fn parts(&self, purpose: Purpose) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| purpose == Purpose::Run || part.trial.is_none())
    }

    /// Element factory → Debian package.
    pub(crate) fn requires(&self, purpose: Purpose) -> BTreeMap<&str, &str> {
        let named = self.parts(purpose).flat_map(|part| &part.requires);
        let named = named.map(|(element, package)| (element.as_str(), package.as_str()));
        named.chain(self.encoder().map(|encoder| (encoder.element.as_str(), encoder.package.as_str()))).collect()
    }

    /// What to set, by what the variables are now. A file's own values win over those of what it includes.
    pub(crate) fn properties(&self, purpose: Purpose) -> Result<BTreeMap<Key, Property>, AssembleError> {
        let mut definitions = BTreeMap::new();
        for part in self.parts(purpose) {
            definitions.extend(&part.properties);
            let is_it = !part.encoders.is_empty() && std::ptr::eq(self.encoders(), part.encoders.as_slice());
            definitions.extend(self.encoder().filter(|_| is_it).into_iter().flat_map(|encoder| &encoder.properties));
        }
        let evaluate = |(key, definition): (&Key, &Definition)| {
            let value = value::evaluate(&definition.value, &self.variables).map_err(|reason| {
                let ((element, property), origin) = (key.clone(), definition.origin.clone());
                AssembleError::Property { origin, element, property, reason }
            })?;
            let (origin, variables) = (definition.origin.clone(), value::names(&definition.value));
            Ok((key.clone(), Property { value, origin, variables }))
        };
        definitions.into_iter().map(evaluate).collect()
    }
}
