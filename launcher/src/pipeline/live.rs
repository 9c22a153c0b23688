//! Changing a pipeline while it runs: every property that follows a control is set anew, in its own unit.

use std::collections::BTreeMap;

use gst::prelude::*;

use super::{
    assembly::{Assembly, Key, Property, Purpose},
    build::{BuildError, set},
    control::Control,
    expand::Variables,
    properties,
};

/// A pipeline and what it was made of.
#[derive(Debug)]
pub(crate) struct Live {
    pipeline: gst::Pipeline,
    assembly: Assembly,
    /// As they are set now.
    properties: BTreeMap<Key, Property>,
}

impl Live {
    /// `pipeline` was built from `assembly`.
    pub(crate) fn new(pipeline: gst::Pipeline, assembly: Assembly) -> Result<Self, BuildError> {
        let properties = assembly.properties(Purpose::Run)?;
        Ok(Self { pipeline, assembly, properties })
    }

    /// What the variables are now.
    pub(crate) fn variables(&self) -> &Variables {
        &self.assembly.variables
    }

    /// The pipeline has the elements of `assembly` by now. What is another value for those that stayed is set, where it can.
    pub(crate) fn become_that_of(&mut self, assembly: Assembly) -> Result<(), BuildError> {
        self.assembly = assembly;
        self.set_what_is_new()
    }

    /// What an element of the pipeline says that the control shall be, where one does.
    pub(crate) fn wish(&self, control: Control) -> Option<u32> {
        let place = self.assembly.controls.get(&control)?;
        self.pipeline.by_name(&place.element)?.property_value(&place.property).get().ok()
    }

    /// Sets a control, in its own unit, and with it every property that follows it.
    pub(crate) fn set(&mut self, control: Control, number: u32) -> Result<(), BuildError> {
        if control.get(&self.assembly.variables) == Ok(number) {
            return Ok(());
        }
        self.assembly.variables.set_number(control.variable(), number);
        self.set_what_is_new()?;
        tracing::debug!("{control:?} is {number} now");
        Ok(())
    }

    fn set_what_is_new(&mut self) -> Result<(), BuildError> {
        let properties = self.assembly.properties(Purpose::Run)?;
        for (key, property) in &properties {
            let is_new = self.properties.get(key).is_none_or(|known| known.value != property.value);
            if is_new && self.can_change(key, property) {
                set(&self.pipeline, key, property)?;
            }
        }
        self.properties = properties;
        Ok(())
    }

    /// Some encoders take a buffer's size only before they start. And an element that says what a control shall be is not
    /// told it: `target-video-bitrate` would else become `video-bitrate`, the most that it can ever be again.
    fn can_change(&self, (element, name): &Key, property: &Property) -> bool {
        let is_wish = self.assembly.controls.iter().any(|(control, place)| {
            let is_of_control = property.variables.iter().any(|variable| variable == control.variable().name);
            &place.element == element && (&place.property == name || is_of_control)
        });
        let spec = self.pipeline.by_name(element).and_then(|element| properties::find(&element, name).ok());
        !is_wish && spec.is_some_and(|spec| properties::changes_while_playing(&spec))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{build::build, library::Library};
    use super::*;
    use crate::{
        password::Access,
        settings::{Environment, Settings},
    };

    fn live(text: &str) -> Live {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), format!("description='a'\n{text}")).unwrap();
        let environment = Environment::from([]);
        let settings = Settings::read(&environment).unwrap();
        let variables = Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "");
        let library = Library::new(Some(folder.path().to_owned()));
        let assembly = Assembly::of(&library, "a", 0, &variables).unwrap();
        Live::new(build(&assembly, Purpose::Run, "").unwrap(), assembly).unwrap()
    }

    #[test]
    fn bitrate_buffer_and_rate_follow_together() {
        let mut live = live(
            "launch='fakesrc ! queue name=q ! capsfilter name=c ! fakesink name=s'\n\
             [properties.q]\nmax-size-bytes={control='video-bitrate',unit='kbit/s'}\n\
             max-size-time={control='vbv',unit='bit'}\nmax-size-buffers=7\n\
             [properties.c]\ncaps='video/x-raw,max-framerate=${SELKIES_FRAMERATE}/1'\n\
             [properties.s]\nnum-buffers='${SELKIES_VIDEO_BITRATE}'\n\
             [controls]\nvideo-bitrate={element='s',property='num-buffers'}\n",
        );
        let queue = live.pipeline.by_name("q").unwrap();
        let buffer =
            |queue: &gst::Element| (queue.property::<u32>("max-size-bytes"), queue.property::<u64>("max-size-time"));
        assert_eq!(buffer(&queue), (8000, 200_000));
        live.set(Control::VideoBitrate, 4000).unwrap();
        assert_eq!(buffer(&queue), (4000, 100_000));
        live.set(Control::Framerate, 30).unwrap();
        assert_eq!(buffer(&queue), (4000, 200_000));
        let caps = live.pipeline.by_name("c").unwrap().property::<gst::Caps>("caps");
        assert_eq!(caps.to_string(), "video/x-raw, max-framerate=(fraction)30/1");
        // Where the wish came from is left alone: by now it may say something else again.
        assert_eq!(live.pipeline.by_name("s").unwrap().property::<i32>("num-buffers"), 8000);
    }

    /// As selkiessignal has it: the target is what the network carries of the bitrate, which stays what people want.
    #[test]
    fn a_target_does_not_become_what_is_wanted() {
        let mut live = live(
            "launch='fakesrc ! queue name=follows ! queue name=wishes ! fakesink'\n\
             [properties.follows]\nmax-size-bytes={control='video-bitrate',unit='bit/s'}\n\
             [properties.wishes]\nmax-size-bytes='${SELKIES_VIDEO_BITRATE}'\nmax-size-buffers='${SELKIES_FRAMERATE}'\n\
             [controls]\nvideo-bitrate={element='wishes',property='min-threshold-bytes'}\n",
        );
        let property = |element: &str, name: &str| live.pipeline.by_name(element).unwrap().property::<u32>(name);
        assert_eq!(property("wishes", "max-size-bytes"), 8000);
        live.pipeline.by_name("wishes").unwrap().set_property("min-threshold-bytes", 4000u32);
        let target = live.wish(Control::VideoBitrate).unwrap();
        live.set(Control::VideoBitrate, target).unwrap();
        live.set(Control::Framerate, 30).unwrap();
        let property = |element: &str, name: &str| live.pipeline.by_name(element).unwrap().property::<u32>(name);
        assert_eq!(property("follows", "max-size-bytes"), 4_000_000);
        assert_eq!(property("wishes", "max-size-bytes"), 8000);
        // Of another control, it follows.
        assert_eq!(property("wishes", "max-size-buffers"), 30);
    }
}
