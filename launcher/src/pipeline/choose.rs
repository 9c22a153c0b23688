//! Which encoder to take: the one that was named, or the best that works.

use std::fmt;

use super::{
    assemble::AssembleError,
    assembly::{Assembly, Purpose},
    build::{missing_elements, missing_text},
    check,
    expand::Variables,
    library::Library,
};

/// What WEBRTC_ENCODER is to leave the choice to us.
const AUTO: &str = "auto";

/// The encoder that runs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Name of the pipeline file.
    pub(crate) name: String,
    /// Which of the elements that its `${ENCODER}` can be.
    pub(crate) chosen: usize,
    /// What was tried before it.
    pub(crate) rejected: Vec<Rejection>,
    /// What users have to know: another encoder runs than the one that was named.
    pub(crate) notice: Option<String>,
}

/// An encoder that cannot work here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Rejection {
    /// Name of the pipeline file.
    pub(crate) encoder: String,
    /// The element, where the file has several.
    pub(crate) element: Option<String>,
    pub(crate) reason: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.element {
            Some(element) if *element != self.encoder => write!(f, "{} as {element}: {}", self.encoder, self.reason),
            _ => write!(f, "{}: {}", self.encoder, self.reason),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ChooseError {
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error("the encoder of WEBRTC_ENCODER cannot work here: {}{}", list(.rejected), would_work(.others))]
    Unusable { rejected: Vec<Rejection>, others: Vec<String> },
    #[error("no encoder works here: {}", list(.0))]
    None(Vec<Rejection>),
}

fn list(rejected: &[Rejection]) -> String {
    rejected.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn would_work(others: &[String]) -> String {
    match others {
        [] => String::new(),
        [first, ..] => {
            format!(". These would work: {} (WEBRTC_ENCODER_FALLBACK=true takes {first})", others.join(", "))
        }
    }
}

/// Tries an encoder: name of its file and number of its element. An error is the reason why it does not work.
type Trial<'a> = &'a dyn Fn(&str, usize) -> Result<(), String>;

/// See [`Chooser::choose`].
pub(crate) struct Chooser<'a> {
    pub(crate) library: &'a Library,
    pub(crate) variables: &'a Variables,
    /// What became of our own plug-in, for the case that an element is missing.
    pub(crate) plugin_note: &'a str,
    pub(crate) trial: Trial<'a>,
}

impl Chooser<'_> {
    /// `named` is WEBRTC_ENCODER; with `fallback`, an encoder on the CPU stands in for one that cannot work.
    pub(crate) fn choose(&self, named: &str, fallback: bool) -> Result<Choice, ChooseError> {
        let mut rejected = Vec::new();
        if named == AUTO {
            let mut candidates = self.candidates(|_| true)?.into_iter();
            let found = candidates.find_map(|name| self.usable(&name, true, &mut rejected).transpose());
            let (name, chosen) = found.transpose()?.ok_or_else(|| ChooseError::None(rejected.clone()))?;
            return Ok(Choice { name, chosen, rejected, notice: None });
        }
        if let Some((name, chosen)) = self.usable(named, false, &mut rejected)? {
            return Ok(Choice { name, chosen, rejected, notice: None });
        }

        let software = self.candidates(|assembly| !assembly.is_hardware())?;
        let mut works = |name: &String| self.usable(name, true, &mut Vec::new()).transpose();
        if !fallback {
            let others = software.iter().filter_map(&mut works).map(|found| found.map(|(name, _)| name));
            return Err(ChooseError::Unusable { others: others.collect::<Result<_, _>>()?, rejected });
        }
        let Some((name, chosen)) = software.iter().find_map(works).transpose()? else {
            return Err(ChooseError::Unusable { rejected, others: Vec::new() });
        };
        let notice =
            Some(format!("{named} cannot work here, so {name} encodes on the CPU instead ({})", list(&rejected)));
        Ok(Choice { name, chosen, rejected, notice })
    }

    /// All that work among those wanted: names of files, each with the number of its element.
    pub(crate) fn all_that_work(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, usize)>, AssembleError> {
        let names = self.library.encoders()?.into_iter().filter(|name| wanted(name));
        names.filter_map(|name| self.usable(&name, true, &mut Vec::new()).transpose()).collect()
    }

    /// The files that take part in `auto`, best first.
    fn candidates(&self, wanted: impl Fn(&Assembly) -> bool) -> Result<Vec<String>, AssembleError> {
        let mut candidates = Vec::new();
        for name in self.library.encoders()? {
            let assembly = Assembly::of(self.library, &name, 0, self.variables)?;
            if let Some(place) = assembly.auto.filter(|_| wanted(&assembly)) {
                candidates.push((place, name));
            }
        }
        candidates.sort();
        Ok(candidates.into_iter().map(|(_, name)| name).collect())
    }

    /// The first of the file's elements that works. Software that is there works; it is tried only when we pick it.
    fn usable(
        &self,
        name: &str,
        picked: bool,
        rejected: &mut Vec<Rejection>,
    ) -> Result<Option<(String, usize)>, AssembleError> {
        let mut reject = |element: Option<&str>, reason: String| {
            let rejection = Rejection { encoder: name.to_owned(), element: element.map(str::to_owned), reason };
            tracing::debug!("rejected {rejection}");
            rejected.push(rejection);
        };
        let first = Assembly::of(self.library, name, 0, self.variables)?;
        if let Err(reason) = check::first_failure(&first) {
            reject(None, reason);
            return Ok(None);
        }
        for chosen in 0..first.encoders().len().max(1) {
            let assembly = Assembly::of(self.library, name, chosen, self.variables)?;
            let element = assembly.encoder().map(|encoder| encoder.element.as_str());
            let missing = missing_elements(&assembly, Purpose::Run);
            let tries = assembly.has_trial() && (picked || assembly.is_hardware());
            if !missing.is_empty() {
                // The plug-in is there, or the checks would have said so: what it lacks, it did not find a device for.
                let only_encoder = missing.iter().all(|(factory, _)| Some(factory.as_str()) == element);
                let reason = if assembly.is_hardware() && only_encoder {
                    "no device here has such an encoder".to_owned()
                } else {
                    format!("{}{}", missing_text(&missing), self.plugin_note)
                };
                reject(element, reason);
            } else if let Err(reason) = if tries { (self.trial)(name, chosen) } else { Ok(()) } {
                reject(element, reason);
            } else {
                return Ok(Some((name.to_owned(), chosen)));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        password::Access,
        settings::{Environment, Settings},
    };

    const GPU: &str = "description='g'\nauto=1\nlaunch='fakesrc ! ${ENCODER} name=encoder ! fakesink'\ntrial='fakesrc'\n\
                       [[encoder]]\nelement='nosuchelement'\npackage='p'\n[[encoder]]\nelement='identity'\npackage='p'\n\
                       [[checks]]\nkind='device'\nname='/dev/null'\notherwise='no GPU'\n";
    const SOFTWARE: &str = "description='s'\nlaunch='fakesrc'\ntrial='fakesrc'\n";

    /// What is chosen, where of all that is tried only `works` does.
    fn choose(gpu: &str, named: &str, fallback: bool, works: &[&str]) -> Result<Choice, ChooseError> {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let library = Library::new(Some(folder.path().to_owned()));
        // Of the built-in encoders, none takes part.
        for name in library.encoders().unwrap() {
            write(&format!("{name}.toml"), SOFTWARE);
        }
        write("gpu.toml", gpu);
        write("slow.toml", &format!("auto=3\n{SOFTWARE}"));
        write("fast.toml", &format!("auto=2\n{SOFTWARE}"));
        write("lost.toml", &format!("{SOFTWARE}[requires]\nnosuchelement='some-package'\n"));
        let environment = Environment::from([]);
        let settings = Settings::read(&environment).unwrap();
        let variables = Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "");
        let trial = |name: &str, _| if works.contains(&name) { Ok(()) } else { Err(format!("{name} is broken")) };
        Chooser { library: &library, variables: &variables, plugin_note: "", trial: &trial }.choose(named, fallback)
    }

    fn name(choice: Result<Choice, ChooseError>) -> String {
        choice.unwrap().name
    }

    #[test]
    fn auto_takes_the_first_that_works() {
        let choice = choose(GPU, "auto", false, &["gpu", "fast", "slow"]).unwrap();
        assert_eq!((choice.name.as_str(), choice.chosen, choice.notice), ("gpu", 1, None));
        assert_eq!(choice.rejected[0].to_string(), "gpu as nosuchelement: no device here has such an encoder");
        assert_eq!(name(choose(GPU, "auto", false, &["fast", "slow"])), "fast");
        assert_eq!(name(choose(GPU, "auto", false, &["slow"])), "slow");
        let error = choose(GPU, "auto", false, &[]).unwrap_err().to_string();
        assert!(error.starts_with("no encoder works here: ") && error.contains("slow is broken"), "{error}");
    }

    #[test]
    fn a_named_encoder_that_cannot_work_is_an_error_that_says_what_would() {
        let without = GPU.replace("/dev/null", "/dev/nosuchgpu");
        let error = choose(&without, "gpu", false, &["fast"]).unwrap_err().to_string();
        assert!(error.contains("gpu: no GPU (/dev/nosuchgpu: No such file"), "{error}");
        assert!(error.ends_with("These would work: fast (WEBRTC_ENCODER_FALLBACK=true takes fast)"), "{error}");
        let error = choose(GPU, "lost", false, &[]).unwrap_err().to_string();
        assert!(error.contains("nosuchelement (package some-package)"), "{error}");
    }

    #[test]
    fn software_stands_in_for_it_where_that_is_allowed_and_says_so() {
        let choice = choose(GPU, "gpu", true, &["slow"]).unwrap();
        assert_eq!(choice.name, "slow");
        let notice = choice.notice.unwrap();
        assert!(notice.contains("gpu cannot work here, so slow") && notice.contains("gpu is broken"), "{notice}");
        assert_eq!(choose(GPU, "gpu", true, &["gpu", "slow"]).unwrap().notice, None);
    }

    #[test]
    fn software_that_is_named_is_not_tried() {
        assert_eq!(name(choose(GPU, "fast", false, &[])), "fast");
    }
}
