//! Setting a property from text without ever panicking: what a pipeline file says is outside data, and gstreamer-rs'
//! own setters panic on an unknown name, a wrong type or an unknown enum nick.

use gst::prelude::*;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum PropertyError {
    #[error("{factory} has no such property; it has {}", .known.join(", "))]
    Unknown { factory: String, known: Vec<String> },
    #[error("the property cannot be set")]
    ReadOnly,
    #[error("\"{value}\" does not fit: it takes {expected}")]
    Value { value: String, expected: String },
}

/// Sets it. `shown` is the value as an error may show it.
pub(crate) fn set(element: &gst::Element, name: &str, text: &str, shown: &str) -> Result<(), PropertyError> {
    let spec = find(element, name)?;
    let flags = spec.flags();
    if !flags.contains(glib::ParamFlags::WRITABLE) || flags.contains(glib::ParamFlags::CONSTRUCT_ONLY) {
        return Err(PropertyError::ReadOnly);
    }
    let wrong = || PropertyError::Value { value: shown.to_owned(), expected: expected(&spec) };
    let value = convert(text, &spec).ok_or_else(wrong)?;
    // Out of the property's range, say.
    if !spec.value_is_valid(&value) {
        return Err(wrong());
    }
    element.set_property_from_value(name, &value);
    Ok(())
}

/// Whether it can be set while its element plays. Most elements do not say; those that say otherwise are believed.
pub(crate) fn changes_while_playing(spec: &glib::ParamSpec) -> bool {
    let flags = spec.flags();
    !flags.contains(gst::PARAM_FLAG_MUTABLE_READY)
        || flags.intersects(gst::PARAM_FLAG_MUTABLE_PAUSED | gst::PARAM_FLAG_MUTABLE_PLAYING)
}

pub(crate) fn find(element: &gst::Element, name: &str) -> Result<glib::ParamSpec, PropertyError> {
    element.find_property(name).ok_or_else(|| PropertyError::Unknown {
        factory: element.factory().map_or_else(|| element.type_().to_string(), |factory| factory.name().to_string()),
        known: element.list_properties().iter().map(|spec| spec.name().to_owned()).collect(),
    })
}

/// The text as the property's type. GStreamer's own conversion does everything but whole numbers: there it wraps what is
/// too large, and takes -1 for 4294967295.
fn convert(text: &str, spec: &glib::ParamSpec) -> Option<glib::Value> {
    match spec.value_type() {
        glib::Type::STRING => Some(text.to_value()),
        glib::Type::I32 => text.parse::<i32>().ok().map(|number| number.to_value()),
        glib::Type::U32 => text.parse::<u32>().ok().map(|number| number.to_value()),
        glib::Type::I64 => text.parse::<i64>().ok().map(|number| number.to_value()),
        glib::Type::U64 => text.parse::<u64>().ok().map(|number| number.to_value()),
        _ => glib::Value::deserialize_with_pspec(text, spec).ok(),
    }
}

/// What the property takes, as far as GObject can say it.
fn expected(spec: &glib::ParamSpec) -> String {
    let of_type = spec.value_type();
    if let Some(class) = glib::EnumClass::with_type(of_type) {
        let nicks: Vec<_> = class.values().iter().map(|value| value.nick().to_owned()).collect();
        return format!("one of {}", nicks.join(", "));
    }
    if let Some(spec) = spec.downcast_ref::<glib::ParamSpecUInt>() {
        return format!("a whole number from {} to {}", spec.minimum(), spec.maximum());
    }
    if let Some(spec) = spec.downcast_ref::<glib::ParamSpecInt>() {
        return format!("a whole number from {} to {}", spec.minimum(), spec.maximum());
    }
    format!("a {of_type}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An element of GStreamer's core, so that the test needs no plug-in package.
    fn element(factory: &str) -> gst::Element {
        gst::init().unwrap();
        gst::ElementFactory::make(factory).build().unwrap()
    }

    fn set(element: &gst::Element, name: &str, text: &str) -> Result<(), PropertyError> {
        super::set(element, name, text, text)
    }

    #[test]
    fn text_becomes_whatever_the_property_is() {
        let queue = element("queue");
        set(&queue, "max-size-buffers", "7").unwrap();
        set(&queue, "max-size-time", "40000000").unwrap();
        set(&queue, "leaky", "downstream").unwrap();
        set(&queue, "silent", "true").unwrap();
        assert_eq!(queue.property::<u32>("max-size-buffers"), 7);
        assert_eq!(queue.property::<u64>("max-size-time"), 40_000_000);
        assert!(queue.property::<bool>("silent"));

        let filter = element("capsfilter");
        set(&filter, "caps", "video/x-raw,framerate=0/1,max-framerate=30/1").unwrap();
        let caps = filter.property::<gst::Caps>("caps");
        let rate = caps.structure(0).unwrap().get::<gst::Fraction>("max-framerate").unwrap();
        assert_eq!(rate, gst::Fraction::new(30, 1));
    }

    #[test]
    fn a_string_stays_what_it_is() {
        let source = element("filesrc");
        set(&source, "location", "a \"b\" ! c \\ d").unwrap();
        assert_eq!(source.property::<String>("location"), "a \"b\" ! c \\ d");
    }

    #[test]
    fn mistakes_are_errors_and_never_panics() {
        let queue = element("queue");
        assert!(matches!(set(&queue, "nope", "1"), Err(PropertyError::Unknown { .. })));
        assert_eq!(set(&queue, "current-level-time", "1"), Err(PropertyError::ReadOnly));
        for text in ["", "x", "-1", "4294967296", "1.5"] {
            let error = set(&queue, "max-size-buffers", text).unwrap_err().to_string();
            assert!(error.contains("a whole number from 0 to 4294967295"), "{text}: {error}");
        }
        let error = set(&queue, "leaky", "sideways").unwrap_err().to_string();
        assert!(error.contains("one of no, upstream, downstream"), "{error}");
        assert!(set(&element("capsfilter"), "caps", "video/x-raw,framerate=").is_err());
        assert!(set(&element("identity"), "drop-probability", "2.0").is_err());
    }
}
