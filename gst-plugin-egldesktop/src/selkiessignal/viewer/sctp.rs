//! Keeps usrsctp, which carries webrtcbin's data channels, from being ended and begun again between viewers.
//!
//! GStreamer's SCTP plugin ends usrsctp with the last association and begins it with the next. usrsctp does not end while an
//! association that is closed still waits to be freed, but it begins again all the same, and forgets what it had: its tables
//! (150 kB), that association, and the thread of its timers, which runs on beside the new one.

use gst::glib;
use gst::prelude::*;
use once_cell::sync::OnceCell;

/// webrtcbin draws those of its own from 0 to 65534.
const ASSOCIATION_ID: u32 = 65535;

/// One association, which is never started, stays for as long as the process: none is the last one.
pub(super) fn keep() -> Result<(), glib::BoolError> {
    static KEPT: OnceCell<gst::Element> = OnceCell::new();
    KEPT.get_or_try_init(|| {
        let kept = association(ASSOCIATION_ID)?;
        kept.set_object_flags(gst::ObjectFlags::MAY_BE_LEAKED);
        Ok(kept)
    })
    .map(drop)
}

/// One that is not started. It ends with the state of the element.
fn association(id: u32) -> Result<gst::Element, glib::BoolError> {
    let decoder = gst::ElementFactory::make("sctpdec").property("sctp-association-id", id).build()?;
    decoder.set_state(gst::State::Paused).map_err(|error| glib::bool_error!("SCTP does not begin: {error}"))?;
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::{Duration, Instant};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// The ids of the threads of usrsctp's timers, once there is one: threads name themselves.
    fn timers() -> Vec<OsString> {
        let start = Instant::now();
        loop {
            let tasks = std::fs::read_dir("/proc/self/task").unwrap().filter_map(Result::ok);
            let timers = tasks.filter(|task| {
                std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim_end() == "SCTP timer")
            });
            let timers: Vec<_> = timers.map(|task| task.file_name()).collect();
            if !timers.is_empty() || start.elapsed() > PATIENCE {
                return timers;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_goes_on_when_the_last_association_ends() {
        gst::init().unwrap();
        keep().unwrap();
        let before = timers();
        assert_eq!(before.len(), 1, "not one thread for timers");
        for _ in 0..3 {
            let association = association(1).unwrap();
            association.set_state(gst::State::Null).unwrap();
        }
        assert_eq!(timers(), before);
    }
}
