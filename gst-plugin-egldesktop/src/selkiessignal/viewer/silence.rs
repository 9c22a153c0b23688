//! Notices when a browser that holds a key or a button has fallen silent: it repeats each second what it holds, so what
//! it does not speak of any more is what its user can't let go.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Longer than a busy page or a bad network takes to repeat itself.
const LIMIT: Duration = Duration::from_secs(5);

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
