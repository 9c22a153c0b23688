//! Which encoder runs, and which others work here: what viewers may choose from.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use super::{
    assembly::{Assembly, Purpose},
    build::build,
    choose::Chooser,
    expand::Variables,
    library::Library,
    trial::run_in_background,
};

/// An encoder whose pipeline fails sooner than this after it was chosen is given up again.
const PROBATION: Duration = Duration::from_secs(10);

/// An encoder that works here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Name of the pipeline file.
    pub(super) name: String,
    /// Which of the elements that its `${ENCODER}` can be.
    pub(super) chosen: usize,
    /// Media type of what it makes, such as `video/x-h264`.
    pub(super) media_type: String,
}

/// See the module. Pipelines come and go; this stays.
#[derive(Debug)]
pub(crate) struct Encoders {
    library: Library,
    plugin_note: String,
    /// What the operator leaves to viewers; all where nothing is said.
    allowed: Option<Vec<String>>,
    state: Mutex<State>,
    offers: OnceLock<Vec<Offer>>,
}

#[derive(Debug)]
struct State {
    current: (String, usize),
    /// The one before, and when it was left.
    before: Option<((String, usize), Instant)>,
}

impl Encoders {
    /// `current` is the name of the pipeline file that runs first, with the number of its element.
    pub(crate) fn new(
        library: Library,
        plugin_note: String,
        allowed: Option<Vec<String>>,
        current: (String, usize),
    ) -> Self {
        let state = Mutex::new(State { current, before: None });
        Self { library, plugin_note, allowed, state, offers: OnceLock::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Name of the pipeline file that runs, and the number of its element.
    pub(crate) fn current(&self) -> (String, usize) {
        self.state().current.clone()
    }

    /// The pipeline of an encoder, and what it was made of.
    pub(crate) fn build(
        &self,
        name: &str,
        chosen: usize,
        variables: &Variables,
    ) -> anyhow::Result<(gst::Pipeline, Assembly)> {
        let assembly = Assembly::of(&self.library, name, chosen, variables)?;
        Ok((build(&assembly, Purpose::Run, &self.plugin_note)?, assembly))
    }

    /// A pipeline has failed: goes back to the encoder before, where that was left for another only just now.
    pub(crate) fn pipeline_failed(&self) {
        let mut state = self.state();
        if let Some((before, _)) = state.before.take().filter(|(_, when)| when.elapsed() < PROBATION) {
            tracing::warn!("going back from {} to {}", state.current.0, before.0);
            state.current = before;
        }
    }

    /// Another one is about to run.
    pub(super) fn set_current(&self, current: (String, usize)) {
        let mut state = self.state();
        let before = std::mem::replace(&mut state.current, current);
        state.before = Some((before, Instant::now()));
    }

    /// The encoders to choose from, once they are known.
    pub(super) fn offers(&self) -> Option<&[Offer]> {
        self.offers.get().map(Vec::as_slice)
    }

    /// Finds them, once: each gets a frame in a process of its own, one after the other. Takes seconds. Empty where there is
    /// no choice.
    pub(super) fn find(self: Arc<Self>, variables: &Variables) {
        self.offers.get_or_init(|| {
            let media_types = RefCell::new(BTreeMap::new());
            let trial = |name: &str, chosen| {
                let media_type = run_in_background(name, chosen)?;
                media_types.borrow_mut().insert((name.to_owned(), chosen), media_type);
                Ok(())
            };
            let chooser = Chooser { library: &self.library, variables, plugin_note: &self.plugin_note, trial: &trial };
            let wanted = |name: &str| match &self.allowed {
                Some(allowed) => allowed.iter().any(|other| other == name),
                None => Assembly::of(&self.library, name, 0, variables).is_ok_and(|assembly| assembly.offer),
            };
            let works = chooser.all_that_work(wanted).unwrap_or_else(|error| {
                tracing::warn!("no other encoder can be chosen: {error}");
                Vec::new()
            });
            let mut media_types = media_types.into_inner();
            let offers = works.into_iter().filter_map(|(name, chosen)| {
                let media_type = media_types.remove(&(name.clone(), chosen))?;
                Some(Offer { name, chosen, media_type })
            });
            let offers: Vec<_> = offers.collect();
            if offers.len() < 2 { Vec::new() } else { offers }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_fails_at_once_is_given_up_and_only_once() {
        let first = ("a".to_owned(), 0);
        let encoders = Encoders::new(Library::new(None), String::new(), None, first.clone());
        encoders.pipeline_failed();
        assert_eq!(encoders.current(), first);
        encoders.set_current(("b".to_owned(), 1));
        assert_eq!(encoders.current(), ("b".to_owned(), 1));
        encoders.pipeline_failed();
        assert_eq!(encoders.current(), first);
        encoders.pipeline_failed();
        assert_eq!(encoders.current(), first);
    }
}
