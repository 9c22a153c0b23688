//! What is to be done each second, whatever carries the viewer's messages.

use gst::prelude::*;

const SECOND: gst::ClockTime = gst::ClockTime::from_seconds(1);

/// Calls back each second until it is dropped.
pub(super) struct Seconds {
    timer: Option<gst::PeriodicClockId>,
}

impl Seconds {
    pub(super) fn call(each: impl Fn() + Send + 'static) -> Self {
        let clock = gst::SystemClock::obtain();
        let timer = clock.new_periodic_id(clock.time() + SECOND, SECOND);
        match timer.wait_async(move |_, _, _| each()) {
            Ok(_) => Self { timer: Some(timer) },
            Err(error) => {
                gst::warning!(super::CAT, "there is no timer: {error}");
                Self { timer: None }
            }
        }
    }
}

impl Drop for Seconds {
    fn drop(&mut self) {
        if let Some(timer) = &self.timer {
            timer.unschedule();
        }
    }
}
