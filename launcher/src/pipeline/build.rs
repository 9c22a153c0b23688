//! From an [`Assembly`] to a `gst::Pipeline` that is ready to play.

use gst::prelude::*;

use super::{
    assemble::AssembleError,
    assembly::{Assembly, Key, Property, Purpose},
    file::PropertyRef,
    properties::{self, PropertyError},
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("{}{note}", missing_text(.missing))]
    Missing { missing: Vec<(String, String)>, note: String },
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    #[error("the launch text of {files} is wrong: {error}")]
    Launch { files: String, error: gst::glib::Error },
    #[error("{origin}: there is no element named \"{element}\" in the launch text")]
    NoElement { origin: String, element: String },
    #[error("[branches]: \"{0}\" must be a bin in the launch text: ( name={0} … )")]
    NotABin(String),
    #[error("{place}: {error}")]
    Property { place: String, error: PropertyError },
    #[error("{element} is not the right one: its {property} is {is}, not {expected}")]
    Unexpected { element: String, property: String, is: String, expected: String },
    #[error("the launch text of {0} makes something that is not a pipeline")]
    NotAPipeline(String),
}

pub(crate) fn missing_text(missing: &[(String, String)]) -> String {
    let list: Vec<_> = missing.iter().map(|(element, package)| format!("{element} (package {package})")).collect();
    format!("these GStreamer elements are missing: {}", list.join(", "))
}

/// The required elements that this GStreamer does not have, with the package each comes in.
pub(crate) fn missing_elements(assembly: &Assembly, purpose: Purpose) -> Vec<(String, String)> {
    let requires = assembly.requires(purpose).into_iter();
    let missing = requires.filter(|(factory, _)| gst::ElementFactory::find(factory).is_none());
    missing.map(|(factory, package)| (factory.to_owned(), package.to_owned())).collect()
}

/// `plugin_note` says what became of our own plug-in, for the case that an element is missing.
pub(crate) fn build(assembly: &Assembly, purpose: Purpose, plugin_note: &str) -> Result<gst::Pipeline, BuildError> {
    let missing = missing_elements(assembly, purpose);
    if !missing.is_empty() {
        return Err(BuildError::Missing { missing, note: plugin_note.to_owned() });
    }

    let files = || assembly.files.join(", ");
    let parsed = gst::parse::launch_full(&assembly.launch(purpose), None, gst::ParseFlags::FATAL_ERRORS)
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

    for (key, property) in &assembly.properties(purpose)? {
        set(&pipeline, key, property)?;
    }
    if purpose == Purpose::Run {
        check_references(assembly, &pipeline)?;
    }
    Ok(pipeline)
}

/// Sets a property of an element in the pipeline.
pub(super) fn set(pipeline: &gst::Pipeline, key: &Key, property: &Property) -> Result<(), BuildError> {
    let (element, name) = key;
    let target = pipeline
        .by_name(element)
        .ok_or_else(|| BuildError::NoElement { origin: property.origin.clone(), element: element.clone() })?;
    // Empty means "as the element has it": a variable that is not set leaves its property alone.
    if property.value.expose().is_empty() {
        return Ok(());
    }
    properties::set(&target, name, property.value.expose(), property.value.shown()).map_err(|error| {
        BuildError::Property { place: format!("{}: [properties.{element}] {name}", property.origin), error }
    })
}

/// Several GPUs have elements of the same kind; which device one stands for is said by its properties, once it runs.
pub(super) fn check_expectations(assembly: &Assembly, pipeline: &gst::Pipeline) -> Result<(), BuildError> {
    let Some(encoder) = assembly.encoder().filter(|encoder| !encoder.expect.is_empty()) else { return Ok(()) };
    let origin = || "[[encoder]] expect".to_owned();
    let element = pipeline
        .by_name("encoder")
        .ok_or_else(|| BuildError::NoElement { origin: origin(), element: "encoder".to_owned() })?;
    for (property, expected) in &encoder.expect {
        properties::find(&element, property)
            .map_err(|error| BuildError::Property { place: format!("{}: {property}", origin()), error })?;
        let expected = assembly.variables.expand(expected).map_err(|error| AssembleError::Property {
            origin: origin(),
            element: "encoder".to_owned(),
            property: property.clone(),
            reason: error.to_string(),
        })?;
        let is = element.property_value(property).transform::<String>();
        let is = is.ok().and_then(|value| value.get::<Option<String>>().ok().flatten()).unwrap_or_default();
        if is != expected.expose() {
            let (element, property) = (encoder.element.clone(), property.clone());
            return Err(BuildError::Unexpected { element, property, is, expected: expected.shown().to_owned() });
        }
    }
    Ok(())
}

/// What is used later must exist now: a mistake in a file is better found at the start than on the first change.
fn check_references(assembly: &Assembly, pipeline: &gst::Pipeline) -> Result<(), BuildError> {
    let controls = assembly.controls.values().map(|it| ("[controls]", it));
    let others = [("[serving]", &assembly.serving), ("[gpu-statistics]", &assembly.gpu_statistics)];
    let others = others.into_iter().filter_map(|(section, it)| Some((section, it.as_ref()?)));
    let branches = assembly.branches.values().map(|it| ("[branches]", it));
    let saved = assembly.saved.values().map(|it| ("[saved]", it));
    let exchange = assembly.exchange.iter();
    let exchange = exchange.flat_map(|it| [&it.chosen, &it.offered, &it.wanted]).map(|it| ("[exchange]", it));
    for name in assembly.branches.keys() {
        if pipeline.by_name(name).and_downcast::<gst::Bin>().is_none() {
            return Err(BuildError::NotABin(name.clone()));
        }
    }
    for (section, PropertyRef { element, property }) in
        controls.chain(others).chain(branches).chain(saved).chain(exchange)
    {
        let target = pipeline
            .by_name(element)
            .ok_or_else(|| BuildError::NoElement { origin: section.to_owned(), element: element.clone() })?;
        properties::find(&target, property)
            .map_err(|error| BuildError::Property { place: format!("{section}: {element}.{property}"), error })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{expand::Variables, library::Library};
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
        let environment = Environment::from([]);
        let settings = Settings::read(&environment).unwrap();
        let variables = Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "");
        let assembly = Assembly::of(&Library::new(Some(folder.path().to_owned())), "a", 0, &variables).unwrap();
        build(&assembly, Purpose::Run, "")
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
            (
                "launch = 'queue name=q'\n[controls]\nframerate = { element = 'q', property = 'x' }",
                "[controls]: q.x: queue",
            ),
            (
                "launch = 'queue name=q'\n[branches]\nq = { element = 'q', property = 'silent' }",
                "[branches]: \"q\" must be a bin",
            ),
            ("launch = 'queue name=q'\n[serving]\nelement = 'q'\nproperty = 'x'", "[serving]: q.x: queue has no such"),
        ];
        for (text, expected) in cases {
            let error = build_text(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}\nshould hold {expected}");
        }
    }
}
