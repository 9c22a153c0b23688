//! What viewers say into their microphones, as it leaves by the request pad `microphone_%u`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gst::glib;
use gst::prelude::*;

/// How long packets are held back, so that those that come late find their place.
pub(super) const JITTER: gst::ClockTime = gst::ClockTime::from_mseconds(40);
/// Who has said nothing for so long has stopped: longer than a hiccup of a network.
const PAUSE: Duration = Duration::from_secs(2);

/// The pad, and who may be heard on it: one at a time, or the voices would be cut into each other.
pub(super) struct Microphone {
    pad: gst::Pad,
    floor: Mutex<Option<Speaker>>,
    /// Whose stream downstream knows of.
    begun: Mutex<Option<u64>>,
    changed: Box<dyn Fn() + Send + Sync>,
}

#[derive(Clone, Copy)]
struct Speaker {
    viewer: u64,
    heard: Instant,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Microphone {
    /// Opus, as browsers send it.
    pub(super) fn template() -> Option<gst::PadTemplate> {
        let caps = gst::Caps::new_empty_simple("audio/x-opus");
        gst::PadTemplate::new("microphone_%u", gst::PadDirection::Src, gst::PadPresence::Request, &caps).ok()
    }

    /// Adds the pad to `element`; `changed` hears that [`Self::is_active`] has changed.
    pub(super) fn add(
        element: &super::SelkiesSignal,
        template: &gst::PadTemplate,
        name: Option<&str>,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, glib::BoolError> {
        let pad = gst::Pad::builder_from_template(template)
            .name(name.unwrap_or("microphone_0"))
            .query_function(|pad, parent, query| match query.view_mut() {
                gst::QueryViewMut::Latency(latency) => {
                    latency.set(true, JITTER, gst::ClockTime::NONE);
                    true
                }
                _ => gst::Pad::query_default(pad, parent, query),
            })
            .build();
        pad.set_active(true)?;
        element.add_pad(&pad)?;
        Ok(Self { pad, floor: Mutex::default(), begun: Mutex::default(), changed: Box::new(changed) })
    }

    pub(super) fn pad(&self) -> &gst::Pad {
        &self.pad
    }

    /// Whether anybody is heard: else nothing need be decoded.
    pub(super) fn is_active(&self) -> bool {
        lock(&self.floor).is_some()
    }

    /// Takes a packet of Opus of `viewer`, which goes on only from who controls the desktop. Its timestamp is the running
    /// time.
    pub(super) fn take(&self, viewer: u64, caps: &gst::CapsRef, packet: gst::Buffer, controls: impl Fn(u64) -> bool) {
        if !self.give_floor(viewer, Instant::now(), controls) {
            return;
        }
        let mut begun = lock(&self.begun);
        if *begun != Some(viewer) {
            // Also after a failure: what has been started anew downstream has to be told again.
            let segment = gst::FormattedSegment::<gst::ClockTime>::new();
            let told = self.pad.push_event(gst::event::StreamStart::new("microphone"))
                && self.pad.push_event(gst::event::Caps::new(&caps.to_owned()))
                && self.pad.push_event(gst::event::Segment::new(&segment));
            *begun = told.then_some(viewer);
        }
        if self.pad.push(packet).is_err() {
            *begun = None;
        }
    }

    fn give_floor(&self, viewer: u64, now: Instant, controls: impl Fn(u64) -> bool) -> bool {
        if !controls(viewer) {
            return false;
        }
        let mut floor = lock(&self.floor);
        let taken = floor.is_some_and(|speaker| {
            speaker.viewer != viewer && now.duration_since(speaker.heard) < PAUSE && controls(speaker.viewer)
        });
        if taken {
            return false;
        }
        let woke = floor.replace(Speaker { viewer, heard: now }).is_none();
        drop(floor);
        if woke {
            (self.changed)();
        }
        true
    }

    /// To be called now and then: tells when nobody is heard any more.
    pub(super) fn rest(&self, now: Instant) {
        let silent = lock(&self.floor).take_if(|speaker| now.saturating_duration_since(speaker.heard) >= PAUSE);
        if silent.is_some() {
            *lock(&self.begun) = None;
            (self.changed)();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_is_heard_at_a_time_and_only_who_controls() {
        gst::init().unwrap();
        let element: super::super::SelkiesSignal = glib::Object::new();
        let changes = Arc::new(AtomicUsize::new(0));
        let counter = changes.clone();
        let template = Microphone::template().unwrap();
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
        };
        let microphone = Microphone::add(&element, &template, None, count).unwrap();
        let now = Instant::now();
        let floor =
            |viewer, now, controlling: &[u64]| microphone.give_floor(viewer, now, |id| controlling.contains(&id));
        assert!(!floor(1, now, &[]) && !microphone.is_active());
        assert!(floor(1, now, &[1, 2]) && microphone.is_active());
        assert!(!floor(2, now, &[1, 2]), "somebody is talking");
        assert!(floor(2, now, &[2]), "who talked has lost control");
        assert!(floor(1, now + PAUSE, &[1, 2]), "who talked has stopped");
        assert_eq!(changes.load(Ordering::Relaxed), 1);
        microphone.rest(now + PAUSE);
        assert!(microphone.is_active());
        microphone.rest(now + 2 * PAUSE);
        assert!(!microphone.is_active());
        assert_eq!(changes.load(Ordering::Relaxed), 2);
    }
}
