//! Between the viewers, of which each has an estimate, and the element, which announces what the encoder is to do.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};

use super::budget::{Budget, Target};

/// A new bitrate is announced when it differs by this share: encoders pay for a change.
const WORTH_TELLING: f64 = 0.03;

/// See the module.
pub(in super::super) struct Control {
    state: Mutex<State>,
    /// Called without a lock held.
    changed: Box<dyn Fn() + Send + Sync>,
}

struct State {
    budget: Budget,
    announced: Target,
}

impl Control {
    /// At most `most` bit/s. Calls `changed` whenever [`Control::target`] has another value.
    pub(in super::super) fn new(most: u64, changed: impl Fn() + Send + Sync + 'static) -> Self {
        let budget = Budget::new(most);
        let announced = budget.target();
        Self { state: Mutex::new(State { budget, announced }), changed: Box::new(changed) }
    }

    /// What the encoder is to do.
    pub(in super::super) fn target(&self) -> Target {
        self.with(|state| state.announced)
    }

    /// Between which bitrates estimates make sense, in bit/s.
    pub(in super::super) fn limits(&self) -> RangeInclusive<u64> {
        self.with(|state| state.budget.limits())
    }

    /// Another most, in bit/s.
    pub(in super::super) fn set_most(&self, most: u64) {
        self.change(|budget| budget.set_most(most));
    }

    /// A viewer takes part until the share is dropped.
    pub(in super::super) fn join(self: &Arc<Self>, viewer: u64) -> Share {
        Share { control: self.clone(), viewer }
    }

    fn with<T>(&self, call: impl FnOnce(&mut State) -> T) -> T {
        call(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Budget)) {
        let tell = self.with(|state| {
            change(&mut state.budget);
            let (target, told) = (state.budget.target(), state.announced);
            let at_the_end = target.bitrate == *state.budget.limits().end();
            let tell = target.bitrate.abs_diff(told.bitrate) as f64 > told.bitrate as f64 * WORTH_TELLING
                || at_the_end && target != told;
            if tell {
                state.announced = target;
            }
            tell
        });
        if tell {
            (self.changed)();
        }
    }
}

/// A viewer's part.
pub(in super::super) struct Share {
    control: Arc<Control>,
    viewer: u64,
}

impl Share {
    /// Between which bitrates estimates make sense, in bit/s.
    pub(in super::super) fn limits(&self) -> RangeInclusive<u64> {
        self.control.limits()
    }

    /// What the way to this viewer carries, in bit/s.
    pub(in super::super) fn set(&self, estimate: u64) {
        self.control.change(|budget| budget.set(self.viewer, estimate));
    }

    /// This viewer acts.
    pub(in super::super) fn lead(&self) {
        self.control.change(|budget| budget.lead(self.viewer));
    }

    /// Whether the encoder follows this viewer's network.
    pub(in super::super) fn leads(&self) -> bool {
        self.control.with(|state| state.budget.leader() == Some(self.viewer))
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.control.change(|budget| budget.remove(self.viewer));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn tells_what_is_worth_it() {
        let told = Arc::new(AtomicU32::new(0));
        let count = told.clone();
        let control = Arc::new(Control::new(1_000_000, move || {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        let share = control.join(1);
        for (estimate, bitrate, tellings) in [
            (1_000_000, 1_000_000, 0),
            (500_000, 500_000, 1),
            (505_000, 500_000, 1),
            (990_000, 990_000, 2),
            (1_000_000, 1_000_000, 3),
        ] {
            share.set(estimate);
            assert_eq!((control.target().bitrate, told.load(Ordering::SeqCst)), (bitrate, tellings));
        }
        share.set(200_000);
        assert!(share.leads());
        drop(share);
        assert_eq!(control.target().bitrate, 1_000_000);
    }
}
