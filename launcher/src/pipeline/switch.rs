//! Follows the viewers' choice of an encoder while a pipeline plays.

use std::sync::Arc;

use anyhow::Context as _;
use gst::prelude::*;
use tokio::{
    sync::Notify,
    task::{JoinHandle, spawn_blocking},
};

use super::{
    assembly::Assembly,
    encoders::Encoders,
    exchange::exchange,
    expand::Variables,
    file::{Exchange, PropertyRef},
    live::Live,
};

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Somebody watches, and may want to choose: the encoders that work are to be found.
    Find,
    /// They were found.
    Offer,
    /// The encoder of this name shall run.
    Change(String),
}

/// See the module.
pub(super) struct Switch {
    pipeline: gst::Pipeline,
    places: Exchange,
    encoders: Arc<Encoders>,
    changed: Arc<Notify>,
    search: Option<JoinHandle<()>>,
    offered: bool,
}

impl Switch {
    /// None where the pipeline's files do not say how.
    pub(super) fn new(
        pipeline: &gst::Pipeline,
        assembly: &Assembly,
        encoders: Arc<Encoders>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(places) = assembly.exchange.clone() else { return Ok(None) };
        let changed = Arc::new(Notify::new());
        for PropertyRef { element, property } in [&places.chosen, &places.wanted] {
            let element = pipeline.by_name(element).context("what chooses the encoder has left the pipeline")?;
            let changed = changed.clone();
            // The thread that says it is one that the old encoder would wait for.
            element.connect_notify(Some(property), move |_, _| changed.notify_one());
        }
        let pipeline = pipeline.clone();
        Ok(Some(Self { pipeline, places, encoders, changed, search: None, offered: false }))
    }

    /// Returns when something is to be done; it may be dropped at any point.
    pub(super) async fn wish(&mut self) -> Wish {
        loop {
            if !self.offered && self.encoders.offers().is_some() {
                return Wish::Offer;
            }
            if self.search.is_none() && self.encoders.offers().is_none() && self.is_wanted() {
                return Wish::Find;
            }
            let chosen = self.chosen();
            if let Some(chosen) = chosen.filter(|name| !name.is_empty() && *name != self.encoders.current().0) {
                return Wish::Change(chosen);
            }
            match self.search.as_mut() {
                Some(search) if !search.is_finished() => tokio::select! {
                    () = self.changed.notified() => {}
                    _ = search => {}
                },
                _ => self.changed.notified().await,
            }
        }
    }

    /// Does it. An error is the end of the pipeline.
    pub(super) async fn fulfil(&mut self, wish: Wish, live: &mut Live) -> anyhow::Result<()> {
        match wish {
            Wish::Find => {
                let (encoders, variables) = (self.encoders.clone(), live.variables().clone());
                self.search = Some(spawn_blocking(move || encoders.find(&variables)));
            }
            Wish::Offer => self.offer(),
            Wish::Change(name) => self.change(&name, live).await?,
        }
        Ok(())
    }

    fn is_wanted(&self) -> bool {
        let PropertyRef { element, property } = &self.places.wanted;
        let element = self.pipeline.by_name(element);
        element.and_then(|element| element.property_value(property).get().ok()).unwrap_or_default()
    }

    fn chosen(&self) -> Option<String> {
        let PropertyRef { element, property } = &self.places.chosen;
        self.pipeline.by_name(element)?.property_value(property).get::<Option<String>>().ok()?
    }

    fn say(&self, place: &PropertyRef, text: &str) {
        if let Some(element) = self.pipeline.by_name(&place.element) {
            element.set_property_from_str(&place.property, text);
        }
    }

    fn offer(&mut self) {
        self.offered = true;
        let offers = self.encoders.offers().unwrap_or_default().iter();
        let texts: Vec<_> = offers.map(|offer| format!("{}={}", offer.name, offer.media_type)).collect();
        tracing::debug!("viewers may choose among: {}", texts.join(", "));
        self.say(&self.places.offered, &texts.join(","));
    }

    async fn change(&self, name: &str, live: &mut Live) -> anyhow::Result<()> {
        let (before, _) = self.encoders.current();
        let (assembly, fresh, chosen) = match self.build(name, live.variables()) {
            Ok(built) => built,
            Err(error) => {
                tracing::warn!("the encoder stays {before}: {error:#}");
                self.say(&self.places.chosen, &before);
                return Ok(());
            }
        };
        self.encoders.set_current((name.to_owned(), chosen));
        let (pipeline, places) = (self.pipeline.clone(), self.places.clone());
        let exchanged = spawn_blocking(move || exchange(&pipeline, &fresh, &places.from, &places.to)).await?;
        exchanged.with_context(|| format!("{before} cannot be exchanged for {name}"))?;
        tracing::info!("the encoder is {name} now");
        if let Err(error) = live.become_that_of(assembly) {
            tracing::warn!("not everything suits {name}: {error}");
        }
        Ok(())
    }

    fn build(&self, name: &str, variables: &Variables) -> anyhow::Result<(Assembly, gst::Pipeline, usize)> {
        let offers = self.encoders.offers().unwrap_or_default();
        let offer = offers.iter().find(|offer| offer.name == name).context("it is not offered")?;
        let mut variables = variables.clone();
        variables.set_encoder(name);
        let (fresh, assembly) = self.encoders.build(name, offer.chosen, &variables)?;
        Ok((assembly, fresh, offer.chosen))
    }
}
