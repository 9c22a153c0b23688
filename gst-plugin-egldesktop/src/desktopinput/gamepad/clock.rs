//! The time in the records: joydev's are milliseconds since some time, evdev's are the time of day.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

impl Default for Clock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock {
    /// Milliseconds, which start over after 49 days, as joydev's do.
    pub(super) fn milliseconds(self) -> u32 {
        self.0.elapsed().as_millis() as u32
    }

    /// Seconds and microseconds since 1970.
    pub(super) fn time_of_day() -> (i64, i64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (now.as_secs() as i64, now.subsec_micros().into())
    }
}
