//! Notices that a thread is stuck.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Acts once when no [beat](Self::beat) comes for a while, unless it [rests](Self::rest).
pub(super) struct Watchdog {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    beats: AtomicU64,
    resting: AtomicBool,
    ended: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Watchdog {
    /// Rests at first. `act` runs on a thread of its own.
    pub(super) fn new(patience: Duration, act: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let state = Arc::new(State { resting: true.into(), ..State::default() });
        let watched = Arc::clone(&state);
        let run = move || watched.run(patience, act);
        let thread = std::thread::Builder::new().name("egldesktop-watch".into()).spawn(run)?;
        Ok(Self { state, thread: Some(thread) })
    }

    /// The watched thread is alive. An atomic increment, and a system call only after a rest.
    pub(super) fn beat(&self) {
        self.state.beats.fetch_add(1, Ordering::Relaxed);
        if self.state.resting.load(Ordering::Relaxed) {
            self.state.set(&self.state.resting, false);
        }
    }

    /// No beat is to be expected until the next one.
    pub(super) fn rest(&self) {
        self.state.resting.store(true, Ordering::Relaxed);
    }
}

impl State {
    fn set(&self, flag: &AtomicBool, value: bool) {
        let _guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        flag.store(value, Ordering::Relaxed);
        self.changed.notify_one();
    }

    fn run(&self, patience: Duration, act: impl Fn()) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.ended.load(Ordering::Relaxed) {
            if self.resting.load(Ordering::Relaxed) {
                guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let before = self.beats.load(Ordering::Relaxed);
            guard = self.changed.wait_timeout(guard, patience).unwrap_or_else(PoisonError::into_inner).0;
            let alive = self.beats.load(Ordering::Relaxed) != before || self.resting.load(Ordering::Relaxed);
            if !alive && !self.ended.load(Ordering::Relaxed) {
                // First, so that a beat in answer to the act counts.
                self.resting.store(true, Ordering::Relaxed);
                act();
            }
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.state.set(&self.state.ended, true);
        if let Some(thread) = self.thread.take() {
            // A panic in there has been reported already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(5);
    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn acts_once_each_time_the_beats_stop() {
        let (sender, acted) = channel();
        let watchdog = Watchdog::new(PATIENCE, move || sender.send(()).unwrap()).unwrap();
        for _ in 0..3 {
            watchdog.beat();
            acted.recv_timeout(LONG).unwrap();
        }
        drop(watchdog);
        assert!(acted.recv().is_err(), "and then it is gone");
    }

    #[test]
    fn who_rests_is_left_alone() {
        let (sender, acted) = channel();
        let watchdog = Watchdog::new(PATIENCE, move || sender.send(()).unwrap()).unwrap();
        // Nothing to wait for: that nothing comes can only be waited out.
        assert!(acted.recv_timeout(PATIENCE * 10).is_err(), "it rests at first");
        drop(watchdog);
    }
}
