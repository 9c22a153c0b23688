//! A pipeline that runs: started, watched for its first error, stopped.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use futures_util::StreamExt as _;
use gst::prelude::*;
use tokio::{sync::Notify, task::spawn_blocking, time::timeout};

use super::{
    assembly::Assembly,
    branch::{self, Branch},
    control::Control,
    encoders::Encoders,
    file::PropertyRef,
    live::Live,
    memory::Memory,
    properties,
    switch::{Switch, Wish},
};
use crate::{
    gpu::{Gpu, Statistics},
    settings::Saved,
};

/// The longest that going to PLAYING may take: a source that waits for its device would otherwise wait for ever.
const START_LIMIT: Duration = Duration::from_secs(20);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// A pipeline and its bus.
pub(crate) struct Player {
    pipeline: gst::Pipeline,
    bus: gst::bus::BusStream,
    branches: Vec<Branch>,
    serving: Option<PropertyRef>,
    live: Live,
    /// Where what the GPU does is written to, where both are there.
    gpu: Option<(Gpu, gst::Element, String)>,
    /// One of the elements that say what the controls shall be has said something.
    wished: Arc<Notify>,
    memory: Memory,
    /// Where viewers may choose the encoder.
    switch: Option<Switch>,
}

impl Player {
    /// `pipeline` was built from `assembly`; `saved` keeps what viewers change, `encoders` has those they may choose from.
    pub(crate) fn new(
        pipeline: gst::Pipeline,
        assembly: Assembly,
        gpu: Option<Gpu>,
        saved: Saved,
        encoders: Arc<Encoders>,
    ) -> anyhow::Result<Self> {
        let bus = pipeline.bus().context("the pipeline has no bus")?.stream();
        let wished = Arc::new(Notify::new());
        for place in assembly.controls.values() {
            let element = pipeline.by_name(&place.element).context("a controlling element has left the pipeline")?;
            let wished = wished.clone();
            // The thread that says it may be one that must not wait for an encoder.
            element.connect_notify(Some(&place.property), move |_, _| wished.notify_one());
        }
        let gpu = gpu.and_then(|gpu| {
            let PropertyRef { element, property } = assembly.gpu_statistics.clone()?;
            Some((gpu, pipeline.by_name(&element)?, property))
        });
        let branches = assembly.branches.iter().map(|(name, place)| {
            let bin = pipeline.by_name(name).and_downcast().context("a branch has left the pipeline")?;
            let element = pipeline.by_name(&place.element).context("what a branch follows has left the pipeline")?;
            Ok(Branch::new(bin, element, &place.property))
        });
        let branches = branches.collect::<anyhow::Result<_>>()?;
        Ok(Self {
            gpu,
            bus,
            branches,
            serving: assembly.serving.clone(),
            switch: Switch::new(&pipeline, &assembly, encoders)?,
            memory: Memory::new(&pipeline, &assembly, saved)?,
            live: Live::new(pipeline.clone(), assembly)?,
            wished,
            pipeline,
        })
    }

    /// What `stop` needs, so that a start that hangs can be stopped as well.
    pub(crate) fn handle(&self) -> Handle {
        let branches = self.branches.iter().map(|branch| branch.bin().clone()).collect();
        Handle { pipeline: self.pipeline.clone(), branches }
    }

    /// Goes to PLAYING, and returns the address on which the desktop is served then, where the pipeline has one.
    pub(crate) async fn start(&mut self) -> anyhow::Result<Option<String>> {
        let pipeline = self.pipeline.clone();
        let started = spawn_blocking(move || pipeline.set_state(gst::State::Playing));
        let started = timeout(START_LIMIT, started).await.context("the pipeline does not start")??;
        if started.is_err() {
            return Err(self.first_error().await);
        }
        self.reach_playing().await?;
        self.branches.iter_mut().for_each(Branch::follow);
        self.bound_address().await
    }

    /// Watches until the pipeline ends, which a desktop's never does by itself: so this returns an error only.
    /// `set_dpi` is called when browsers want the desktop's dots per inch changed.
    pub(crate) async fn watch(&mut self, set_dpi: impl Fn(f64)) -> anyhow::Error {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                message = self.bus.next() => {
                    let Some(message) = message else { return anyhow!("the pipeline's bus was closed") };
                    if let Some(dpi) = wanted_dpi(&message) {
                        set_dpi(dpi);
                    }
                    if let Err(error) = self.handle_message(&message) {
                        return error;
                    }
                }
                () = self.wished.notified() => self.follow_wishes(),
                wish = next_wish(&mut self.switch) => {
                    if let Some(switch) = &mut self.switch
                        && let Err(error) = switch.fulfil(wish, &mut self.live).await
                    {
                        return error;
                    }
                }
                never = self.memory.keep() => match never {},
                _ = second.tick(), if self.gpu.is_some() => self.show_gpu(),
            }
        }
    }

    fn show_gpu(&mut self) {
        let Some((gpu, element, property)) = &mut self.gpu else { return };
        let Some(Statistics { load, memory_used, memory_total }) = gpu.read() else { return };
        let structure = gst::Structure::builder("gpu")
            .field("load", load)
            .field("memory-used", memory_used)
            .field("memory-total", memory_total);
        let text = structure.build().to_string();
        if let Err(error) = properties::set(element, property, &text, &text) {
            tracing::debug!("GPU statistics: {error}");
        }
    }

    /// A control that cannot be set is not the end of a desktop.
    fn follow_wishes(&mut self) {
        for control in Control::ALL {
            // 0 stands for "not known".
            if let Some(number) = self.live.wish(control).filter(|number| *number > 0)
                && let Err(error) = self.live.set(control, number)
            {
                tracing::warn!("{control:?} cannot become {number}: {error}");
            }
        }
    }

    async fn reach_playing(&mut self) -> anyhow::Result<()> {
        let deadline = tokio::time::sleep(START_LIMIT);
        tokio::pin!(deadline);
        // Asked anew after every message: the state can be reached before the first one is read.
        while self.pipeline.current_state() != gst::State::Playing {
            tokio::select! {
                message = self.bus.next() => {
                    let message = message.context("the pipeline's bus was closed")?;
                    self.handle_message(&message)?;
                }
                () = &mut deadline => bail!("the pipeline was not playing after {} s", START_LIMIT.as_secs()),
            }
        }
        Ok(())
    }

    async fn bound_address(&mut self) -> anyhow::Result<Option<String>> {
        let Some(serving) = self.serving.clone() else { return Ok(None) };
        let element = self.pipeline.by_name(&serving.element).context("the serving element has left the pipeline")?;
        let changed = Arc::new(Notify::new());
        let notify = changed.clone();
        let handler = element.connect_notify(Some(&serving.property), move |_, _| notify.notify_one());
        let read = |element: &gst::Element| {
            let value = element.property_value(&serving.property);
            value.get::<Option<String>>().ok().flatten().filter(|address| !address.is_empty())
        };

        let deadline = tokio::time::sleep(START_LIMIT);
        tokio::pin!(deadline);
        let address = loop {
            if let Some(address) = read(&element) {
                break address;
            }
            tokio::select! {
                () = changed.notified() => {}
                message = self.bus.next() => {
                    let message = message.context("the pipeline's bus was closed")?;
                    self.handle_message(&message)?;
                }
                () = &mut deadline => bail!("{} did not start to listen", serving.element),
            }
        };
        element.disconnect(handler);
        Ok(Some(address))
    }

    /// The first error is the one that tells: an element that fails makes others fail after it.
    async fn first_error(&mut self) -> anyhow::Error {
        let find = async {
            while let Some(message) = self.bus.next().await {
                if let gst::MessageView::Error(error) = message.view() {
                    return describe(error);
                }
            }
            anyhow!("the pipeline's bus was closed")
        };
        // An element can refuse a state without saying why; then there is nothing to wait for.
        let silent = || anyhow!("the pipeline does not start, and no element says why; GST_DEBUG=3 tells more");
        timeout(Duration::from_secs(1), find).await.unwrap_or_else(|_| silent())
    }

    fn handle_message(&mut self, message: &gst::Message) -> anyhow::Result<()> {
        match message.view() {
            gst::MessageView::Error(error) => match self.branches.iter_mut().find(|branch| branch.owns(message)) {
                Some(branch) => branch.failed(&format!("{:#}", describe(error))),
                None => return Err(describe(error)),
            },
            gst::MessageView::Warning(warning) => {
                tracing::warn!("{}: {}", source_name(message), warning.error());
                tracing::debug!("{}", warning.debug().unwrap_or_default());
            }
            gst::MessageView::Eos(_) => bail!("the pipeline came to its end"),
            gst::MessageView::Latency(_) => {
                if let Err(error) = self.pipeline.recalculate_latency() {
                    tracing::warn!("the latency of the pipeline cannot be set: {error}");
                }
            }
            gst::MessageView::ClockLost(_) => {
                // A pause is how a pipeline is told to choose another clock.
                for state in [gst::State::Paused, gst::State::Playing] {
                    self.pipeline.set_state(state).context("no clock takes the place of the one that was lost")?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

async fn next_wish(switch: &mut Option<Switch>) -> Wish {
    match switch {
        Some(switch) => switch.wish().await,
        None => std::future::pending().await,
    }
}

/// Stops a pipeline, whatever it is doing.
#[derive(Clone)]
pub(crate) struct Handle {
    pipeline: gst::Pipeline,
    branches: Vec<gst::Bin>,
}

impl Handle {
    pub(crate) async fn stop(self) {
        let pipeline = self.pipeline;
        let stopped = spawn_blocking(move || pipeline.set_state(gst::State::Null));
        let stopped = async {
            let stopped = stopped.await;
            for bin in self.branches {
                branch::stop(bin).await;
            }
            stopped
        };
        match timeout(STOP_LIMIT, stopped).await {
            Ok(Ok(Ok(_))) => tracing::debug!("the pipeline has stopped"),
            Ok(Ok(Err(error))) => tracing::warn!("the pipeline does not stop: {error}"),
            Ok(Err(error)) => tracing::warn!("the pipeline does not stop: {error}"),
            Err(_) => tracing::warn!("the pipeline does not stop within {} s", STOP_LIMIT.as_secs()),
        }
    }
}

/// What desktopinput posts when a browser has another scale.
fn wanted_dpi(message: &gst::Message) -> Option<f64> {
    let gst::MessageView::Element(message) = message.view() else { return None };
    message.structure().filter(|structure| structure.name() == "egldesktop-dpi")?.get("dpi").ok()
}

fn source_name(message: &gst::MessageRef) -> String {
    match message.src().map(|source| (source.name(), source.clone().downcast::<gst::Element>())) {
        Some((name, Ok(element))) => match element.factory() {
            Some(factory) if factory.name() != name => format!("{name} ({})", factory.name()),
            _ => name.to_string(),
        },
        Some((name, Err(_))) => name.to_string(),
        None => "the pipeline".to_owned(),
    }
}

/// Element, message, where in the element it comes from, and what the user can do.
fn describe(error: &gst::message::Error) -> anyhow::Error {
    let mut text = format!("{}: {}", source_name(error.message()), error.error());
    if let Some(debug) = error.debug().filter(|debug| !debug.is_empty()) {
        text.push_str("\n  from: ");
        text.push_str(&debug.replace('\n', "\n        "));
    }
    text.push_str("\n  hint: ");
    text.push_str(hint(&error.error()));
    anyhow!(text)
}

fn hint(error: &glib::Error) -> &'static str {
    if error.is::<gst::CoreError>() && error.matches(gst::CoreError::MissingPlugin) {
        return "a GStreamer plug-in is missing";
    }
    match error.kind::<gst::ResourceError>() {
        Some(gst::ResourceError::Busy) => "something else uses it already",
        Some(gst::ResourceError::NotFound) => "it does not exist, or nothing answers there",
        Some(gst::ResourceError::NotAuthorized) => "this user may not use it",
        Some(_) | None => "GST_DEBUG=3 in the environment makes GStreamer tell more",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Purpose, Variables, build, library::Library};
    use super::*;
    use crate::{
        password::Access,
        settings::{Environment, Settings},
    };

    /// As selkiessignal's properties do, when a viewer asks for another bitrate.
    #[tokio::test]
    async fn what_an_element_wishes_is_set_in_the_others() {
        gst::init().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let text = "description='a'\nlaunch='fakesrc is-live=true do-timestamp=true ! identity sleep-time=1000 \
                    ! queue name=follows ! queue name=wishes ! fakesink sync=false'\n\
                    [properties.follows]\nmax-size-bytes={control='video-bitrate',unit='bit/s'}\n\
                    [properties.wishes]\nmax-size-bytes='${SELKIES_VIDEO_BITRATE}'\n\
                    [controls]\nvideo-bitrate={element='wishes',property='max-size-bytes'}\n";
        std::fs::write(folder.path().join("a.toml"), text).unwrap();
        let environment = Environment::from([]);
        let settings = Settings::read(&environment).unwrap();
        let variables = Variables::new(&environment, &settings, &Access::of(&settings).unwrap(), "");
        let library = Library::new(Some(folder.path().to_owned()));
        let assembly = Assembly::of(&library, "a", 0, &variables).unwrap();
        let pipeline = build::build(&assembly, Purpose::Run, "").unwrap();
        let (follows, wishes) = (pipeline.by_name("follows").unwrap(), pipeline.by_name("wishes").unwrap());
        assert_eq!(follows.property::<u32>("max-size-bytes"), 8_000_000);

        let encoders = Arc::new(Encoders::new(library, String::new(), None, ("a".to_owned(), 0)));
        let mut player = Player::new(pipeline, assembly, None, Saved::default(), encoders).unwrap();
        player.start().await.unwrap();
        let changed = Arc::new(Notify::new());
        let notify = changed.clone();
        follows.connect_notify(Some("max-size-bytes"), move |_, _| notify.notify_one());
        wishes.set_property("max-size-bytes", 3000u32);
        tokio::select! {
            () = changed.notified() => {}
            error = player.watch(|_| {}) => panic!("{error:#}"),
        }
        assert_eq!(follows.property::<u32>("max-size-bytes"), 3_000_000);
        player.handle().stop().await;
    }
}
