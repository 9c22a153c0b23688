//! The files for encoders that no build machine has, tried on elements that look like them: names, caps and properties are
//! those of GStreamer's sources (1.22, or the first release that has the element), in tests/hardware.json.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
};

use gst::{glib, prelude::*, subclass::prelude::*};
use serde::Deserialize;

use super::{
    Purpose,
    assembly::Assembly,
    build::{build, missing_elements},
    expand::Variables,
    library::Library,
};
use crate::{
    password::Access,
    settings::{Environment, Settings},
};

/// Elements that look the same.
#[derive(Deserialize)]
struct Kind {
    elements: Vec<String>,
    sink: String,
    src: String,
    properties: BTreeMap<String, Look>,
}

/// What a property takes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Look {
    Range {
        min: i64,
        max: i64,
    },
    Choice(Vec<String>),
    /// "bool", "string" or "structure".
    Type(String),
}

static KINDS: LazyLock<Vec<Kind>> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../tests/hardware.json")).unwrap());

/// Values that no property of the kind takes: an enum of a fake is a string, so it cannot refuse by itself.
static MISTAKES: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Kind {
    fn templates(&self) -> Vec<gst::PadTemplate> {
        let template = |name, direction, caps: &str| {
            gst::PadTemplate::new(name, direction, gst::PadPresence::Always, &caps.parse().unwrap()).unwrap()
        };
        vec![template("sink", gst::PadDirection::Sink, &self.sink), template("src", gst::PadDirection::Src, &self.src)]
    }

    fn specs(&self) -> Vec<glib::ParamSpec> {
        let spec = |(name, look): (&String, &Look)| {
            match look {
                Look::Range { min, max } => {
                    glib::ParamSpecInt64::builder(name).minimum(*min).maximum(*max).default_value(*max)
                }
                Look::Type(name_of_type) if name_of_type == "bool" => {
                    return glib::ParamSpecBoolean::builder(name).build();
                }
                Look::Type(name_of_type) if name_of_type == "structure" => {
                    return glib::ParamSpecBoxed::builder::<gst::Structure>(name).build();
                }
                Look::Choice(_) | Look::Type(_) => return glib::ParamSpecString::builder(name).build(),
            }
            .build()
        };
        self.properties.iter().map(spec).collect()
    }

    fn check(&self, property: &str, value: &glib::Value) {
        if let (Some(Look::Choice(choices)), Ok(text)) = (self.properties.get(property), value.get::<String>())
            && !choices.contains(&text)
        {
            MISTAKES.lock().unwrap().push(format!("{} of {:?} is {text}", property, self.elements));
        }
    }
}

/// A GType is a Rust type, so there is one for each kind.
macro_rules! fakes {
    ($($module:ident $index:literal),*) => {
        $(mod $module {
            use super::*;

            #[derive(Default)]
            pub(super) struct Fake;

            glib::wrapper! {
                pub(super) struct Element(ObjectSubclass<Fake>) @extends gst::Element, gst::Object;
            }

            #[glib::object_subclass]
            impl ObjectSubclass for Fake {
                const NAME: &'static str = concat!("Fake", stringify!($module));
                type Type = Element;
                type ParentType = gst::Element;
            }

            impl ObjectImpl for Fake {
                fn properties() -> &'static [glib::ParamSpec] {
                    static SPECS: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| KINDS[$index].specs());
                    &SPECS
                }

                fn set_property(&self, _: usize, value: &glib::Value, spec: &glib::ParamSpec) {
                    KINDS[$index].check(spec.name(), value);
                }

                fn constructed(&self) {
                    self.parent_constructed();
                    for template in Self::pad_templates() {
                        self.obj().add_pad(&gst::Pad::from_template(template)).unwrap();
                    }
                }
            }

            impl GstObjectImpl for Fake {}

            impl ElementImpl for Fake {
                fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
                    static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
                        let klass = "Codec/Encoder/Video/Hardware";
                        gst::subclass::ElementMetadata::new("A fake", klass, "Looks like an encoder", "The tests")
                    });
                    Some(&METADATA)
                }

                fn pad_templates() -> &'static [gst::PadTemplate] {
                    static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| KINDS[$index].templates());
                    &TEMPLATES
                }
            }
        })*

        fn register() {
            gst::init().unwrap();
            let types = [$($module::Element::static_type()),*];
            assert_eq!(types.len(), KINDS.len());
            for (kind, of_type) in KINDS.iter().zip(types) {
                for name in &kind.elements {
                    gst::Element::register(None, name, gst::Rank::NONE, of_type).unwrap();
                }
            }
        }
    };
}

fakes!(a 0, b 1, c 2, d 3, e 4, f 5, g 6, h 7, i 8, j 9, k 10, l 11, m 12);

fn caps(pipeline: &gst::Pipeline, filter: &str) -> gst::Caps {
    pipeline.by_name(filter).map_or_else(gst::Caps::new_any, |filter| filter.property("caps"))
}

#[test]
fn every_alternative_of_every_hardware_encoder_is_set_and_linked() {
    register();
    let environment = Environment::from([]);
    let settings = Settings::read(&environment).unwrap();
    let variables = Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "");
    let library = Library::new(None);
    let mut tried = Vec::new();
    for name in library.encoders().unwrap() {
        let alternatives = Assembly::of(&library, &name, 0, &variables).unwrap().encoders().len();
        for chosen in 0..alternatives {
            let assembly = Assembly::of(&library, &name, chosen, &variables).unwrap();
            let encoder = assembly.encoder().unwrap();
            let Some(kind) = KINDS.iter().find(|kind| kind.elements.contains(&encoder.element)) else { continue };
            let element = encoder.element.clone();
            tried.push(element.clone());
            for property in encoder.expect.keys() {
                assert!(kind.properties.contains_key(property), "{element}: {property}");
            }
            // Nothing is missing but what this machine lacks: an error names it.
            assert_eq!(missing_elements(&assembly, Purpose::Trial), [], "{element}");
            let pipeline = build(&assembly, Purpose::Trial, "").unwrap_or_else(|error| panic!("{element}: {error}"));
            let [sink, src] = ["sink", "src"].map(|pad| pipeline.by_name("encoder").unwrap().static_pad(pad).unwrap());
            assert!(sink.is_linked() && src.is_linked(), "{element}");
            assert!(sink.pad_template_caps().can_intersect(&caps(&pipeline, "raw")), "{element}: raw");
            assert!(src.pad_template_caps().can_intersect(&caps(&pipeline, "encoded")), "{element}: encoded");
        }
    }
    let known: Vec<_> = KINDS.iter().flat_map(|kind| &kind.elements).filter(|name| !tried.contains(name)).collect();
    assert!(known.is_empty(), "no file has {known:?}");
    assert_eq!(*MISTAKES.lock().unwrap(), [""; 0]);
}
