//! From an [`Assembly`] to a `gst::Pipeline` that is ready to play.

use gst::prelude::*;

use super::{
    assemble::Assembly,
    properties::{self, PropertyError},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("{}", missing_text(.missing, .note))]
    Missing { missing: Vec<(String, String)>, note: String },
    #[error("the launch text of {files} is wrong: {error}")]
    Launch { files: String, error: gst::glib::Error },
    #[error("{origin}: there is no element named \"{element}\" in the launch text")]
    NoElement { origin: String, element: String },
    #[error("{place}: {error}")]
    Property { place: String, error: PropertyError },
    #[error("the launch text of {0} makes something that is not a pipeline")]
    NotAPipeline(String),
}

fn missing_text(missing: &[(String, String)], note: &str) -> String {
    let list: Vec<_> = missing.iter().map(|(element, package)| format!("{element} (package {package})")).collect();
    format!("these GStreamer elements are missing: {}{note}", list.join(", "))
}

/// The required elements that this GStreamer does not have, with the package each comes in.
pub(crate) fn missing_elements(assembly: &Assembly) -> Vec<(String, String)> {
    let is_missing = |factory: &str| gst::ElementFactory::find(factory).is_none();
    let requires = assembly.requires.iter().filter(|(factory, _)| is_missing(factory));
    requires.map(|(factory, package)| (factory.clone(), package.clone())).collect()
}

/// `plugin_note` says what became of our own plug-in, for the case that an element is missing.
pub(crate) fn build(assembly: &Assembly, plugin_note: &str) -> Result<gst::Pipeline, BuildError> {
    let missing = missing_elements(assembly);
    if !missing.is_empty() {
        return Err(BuildError::Missing { missing, note: plugin_note.to_owned() });
    }

    let files = || assembly.files.join(", ");
    let parsed = gst::parse::launch_full(&assembly.launch.join("\n"), None, gst::ParseFlags::FATAL_ERRORS)
        .map_err(|error| BuildError::Launch { files: files(), error })?;
    let pipeline = match parsed.downcast::<gst::Pipeline>() {
        Ok(pipeline) => pipeline,
        // A text with a single element gives that element alone.
        Err(element) => {
            let pipeline = gst::Pipeline::new();
            pipeline.add(&element).map_err(|_| BuildError::NotAPipeline(files()))?;
            pipeline
        }
    };

    for ((element, name), property) in &assembly.properties {
        let target = pipeline
            .by_name(element)
            .ok_or_else(|| BuildError::NoElement { origin: property.origin.clone(), element: element.clone() })?;
        // Empty means "as the element has it": a variable that is not set leaves its property alone.
        if property.value.expose().is_empty() {
            continue;
        }
        properties::set(&target, name, property.value.expose(), property.value.shown()).map_err(|error| {
            BuildError::Property { place: format!("{}: [properties.{element}] {name}", property.origin), error }
        })?;
    }
    check_references(assembly, &pipeline)?;
    Ok(pipeline)
}

/// What is used later must exist now: a mistake in a file is better found at the start than on the first bitrate change.
fn check_references(assembly: &Assembly, pipeline: &gst::Pipeline) -> Result<(), BuildError> {
    let knob = |section, knob: &Option<super::file::Knob>| {
        knob.as_ref().map(|knob| (section, knob.element.clone(), knob.property.clone()))
    };
    let references = [
        knob("[video-bitrate]", &assembly.video_bitrate),
        knob("[audio-bitrate]", &assembly.audio_bitrate),
        assembly.serving.as_ref().map(|it| ("[serving]", it.element.clone(), it.property.clone())),
    ];
    for (section, element, property) in references.into_iter().flatten() {
        let target = pipeline
            .by_name(&element)
            .ok_or_else(|| BuildError::NoElement { origin: section.to_owned(), element: element.clone() })?;
        properties::find(&target, &property)
            .map_err(|error| BuildError::Property { place: format!("{section}: {element}.{property}"), error })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{expand::Variables, file::Library};
    use super::*;
    use crate::{
        password::Access,
        settings::{Environment, Settings},
    };

    /// Builds a file made of core elements only.
    fn build_text(text: &str) -> Result<gst::Pipeline, BuildError> {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), format!("description = 'a'\n{text}\n")).unwrap();
        let settings = Settings::read(&Environment::from([])).unwrap();
        let variables = Variables::new(&settings, &Access::of(&settings).unwrap(), "");
        let assembly = Assembly::of(&Library::new(Some(folder.path().to_owned())), "a", &variables).unwrap();
        build(&assembly, "")
    }

    #[test]
    fn properties_reach_their_elements_and_empty_ones_are_left_alone() {
        let pipeline = build_text(
            "launch = 'fakesrc ! queue name=q ! fakesink'\n[properties.q]\nmax-size-buffers = '${SELKIES_FRAMERATE}'\n\
             max-size-bytes = '${SELKIES_TURN_HOST}'",
        )
        .unwrap();
        let queue = pipeline.by_name("q").unwrap();
        assert_eq!(queue.property::<u32>("max-size-buffers"), 60);
        assert_eq!(queue.property::<u32>("max-size-bytes"), 10 * 1024 * 1024);
    }

    #[test]
    fn a_single_element_is_a_pipeline_too() {
        assert_eq!(build_text("launch = 'fakesrc'").unwrap().children().len(), 1);
    }

    #[test]
    fn mistakes_say_where_they_are() {
        let cases = [
            ("launch = 'fakesrc ! nosuchelement'", "nosuchelement"),
            ("launch = 'fakesrc nosuchproperty=1'", "nosuchproperty"),
            ("launch = 'fakesrc'\n[requires]\nnosuchelement = 'some-package'", "nosuchelement (package some-package)"),
            ("launch = 'fakesrc'\n[properties.q]\nx = 1", "a.toml:4: there is no element named \"q\""),
            (
                "launch = 'queue name=q'\n[properties.q]\nx = 1",
                "a.toml:4: [properties.q] x: queue has no such property",
            ),
            (
                "launch = 'queue name=q'\n[properties.q]\nleaky = 'x'",
                "a.toml:4: [properties.q] leaky: \"x\" does not fit",
            ),
            ("launch = 'queue name=q'\n[serving]\nelement = 'q'\nproperty = 'x'", "[serving]: q.x: queue has no such"),
        ];
        for (text, expected) in cases {
            let error = build_text(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\nshould hold {expected}");
        }
    }
}
