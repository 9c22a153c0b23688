//! OpenGL from the start of the element to its stop: whether it is used, and what is told of that.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::engine::Engine;
use super::gpu::{Declined, Mode};
use super::sharing::Sharing;

/// See the module.
#[derive(Debug, Default)]
pub(in super::super) struct Session {
    sharing: Sharing,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Stopped,
    /// Why it is not used.
    Declined(String),
    Open(Engine),
}

impl Session {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens it, if that is of use. An error only if there has to be OpenGL.
    pub(in super::super) fn open(&self, mode: Mode, device: &str, element: &gst::Element) -> Result<(), Declined> {
        // Not locked: others are asked meanwhile, and ask back.
        let state = match Engine::open(mode, device, element, &self.sharing) {
            Ok(engine) => State::Open(engine),
            Err(declined) if mode == Mode::Require => return Err(declined),
            Err(declined) => State::Declined(declined.to_string()),
        };
        *self.state() = state;
        Ok(())
    }

    /// Forgets all of it.
    pub(in super::super) fn close(&self) {
        let state = std::mem::take(&mut *self.state());
        drop(state);
        self.sharing.close();
    }

    /// What to make frames with on the GPU.
    pub(in super::super) fn engine(&self) -> Option<Engine> {
        match &*self.state() {
            State::Open(engine) => Some(engine.clone()),
            State::Stopped | State::Declined(_) => None,
        }
    }

    /// Who draws, for people.
    pub(in super::super) fn renderer(&self) -> Option<String> {
        Some(self.engine()?.renderer().to_string())
    }

    /// Why nobody does, for people.
    pub(in super::super) fn declined(&self) -> Option<String> {
        match &*self.state() {
            State::Declined(reason) => Some(reason.clone()),
            State::Stopped | State::Open(_) => None,
        }
    }

    /// Takes what the application or another element gives.
    pub(in super::super) fn set_context(&self, element: &gst::Element, context: &gst::Context) {
        self.sharing.set_context(element, context);
    }

    /// Answers another element that asks. It gets the display of our GPU only if that is chosen: one that shows windows
    /// needs its own.
    pub(in super::super) fn answer(
        &self,
        element: &gst::Element,
        query: &mut gst::query::Context,
        mode: Mode,
        device: Option<&str>,
    ) -> bool {
        let choice = match mode {
            Mode::Never => None,
            Mode::Auto => device,
            Mode::Require => Some(device.unwrap_or_default()),
        };
        self.sharing.answer(element, query, choice)
    }
}
