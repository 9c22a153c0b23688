//! Who wants to know what happens on the desktop.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use gst::prelude::*;
use selkies_protocol::clipboard::Part;

use crate::events::{DesktopEvent, Devices};

/// Someone who does. Called from the thread that saw it happen, and must not keep it.
pub(super) trait Listener: Send + Sync {
    fn desktop_event(&self, event: &DesktopEvent);
}

/// All of them.
#[derive(Default)]
pub(super) struct Listeners {
    listeners: Mutex<Vec<Weak<dyn Listener>>>,
    clipboard: Mutex<Option<Arc<[Part]>>>,
    devices: Mutex<Devices>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Listeners {
    /// Those of a stream: they hear what passes the pad.
    pub(super) fn at(pad: &gst::GhostPad) -> Arc<Self> {
        let listeners = Arc::<Self>::default();
        let told = listeners.clone();
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            if let Some(event) = info.event().and_then(|event| DesktopEvent::parse(event)) {
                told.tell(&event);
            }
            gst::PadProbeReturn::Ok
        });
        listeners
    }

    /// Until it is dropped.
    pub(super) fn add(&self, listener: Weak<dyn Listener>) {
        lock(&self.listeners).push(listener);
    }

    /// Tells everyone.
    pub(super) fn tell(&self, event: &DesktopEvent) {
        if let DesktopEvent::Clipboard(parts) = event {
            self.set_clipboard(parts.clone());
        }
        if let DesktopEvent::Devices(devices) = event {
            *lock(&self.devices) = *devices;
        }
        // Not under the lock: a listener may be added meanwhile.
        let listeners: Vec<_> = {
            let mut listeners = lock(&self.listeners);
            listeners.retain(|listener| listener.strong_count() > 0);
            listeners.iter().filter_map(Weak::upgrade).collect()
        };
        for listener in listeners {
            listener.desktop_event(event);
        }
    }

    /// The devices that programs on the desktop see, as far as it is known.
    pub(super) fn devices(&self) -> Devices {
        *lock(&self.devices)
    }

    /// What the desktop would paste, as far as it is known.
    pub(super) fn clipboard(&self) -> Option<Arc<[Part]>> {
        lock(&self.clipboard).clone()
    }

    /// The desktop pastes this from now on.
    pub(super) fn set_clipboard(&self, parts: Arc<[Part]>) {
        *lock(&self.clipboard) = Some(parts);
    }
}
