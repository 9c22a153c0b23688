//! Notices when a browser that holds a key or a button has fallen silent: it repeats each second what it holds, so what
//! it does not speak of any more is what its user can't let go.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gst::prelude::*;

/// Longer than a busy page or a bad network takes to repeat itself.
const LIMIT: Duration = Duration::from_secs(5);
const LOOK_EVERY: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// Calls back about silence until it is dropped.
pub(super) struct Silence {
    timer: Option<gst::PeriodicClockId>,
}

impl Silence {
    /// Calls `check` each second.
    pub(super) fn watch(check: impl Fn() + Send + 'static) -> Self {
        let clock = gst::SystemClock::obtain();
        let timer = clock.new_periodic_id(clock.time() + LOOK_EVERY, LOOK_EVERY);
        match timer.wait_async(move |_, _, _| check()) {
            Ok(_) => Self { timer: Some(timer) },
            Err(error) => {
                gst::warning!(super::CAT, "cannot watch for silence: {error}");
                Self { timer: None }
            }
        }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.unschedule();
        }
    }
}

/// When something was heard last.
#[derive(Debug)]
pub(super) struct Heard(Mutex<Instant>);

impl Heard {
    pub(super) fn now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(super) fn again(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub(super) fn too_long_ago(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > LIMIT
    }
}
