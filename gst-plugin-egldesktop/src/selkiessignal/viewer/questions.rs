//! What webrtcbin has been asked and has not answered yet.

use std::convert::Infallible;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub(super) struct Questions {
    /// Each question has one of its own. Nothing is ever sent.
    sender: Mutex<Option<Sender<Infallible>>>,
    receiver: Mutex<Receiver<Infallible>>,
}

/// A question that is open until this is dropped.
#[derive(Debug)]
pub(super) struct Question(#[expect(dead_code, reason = "it is there to be dropped")] Sender<Infallible>);

impl Questions {
    pub(super) fn new() -> Self {
        let (sender, receiver) = channel();
        Self { sender: Mutex::new(Some(sender)), receiver: Mutex::new(receiver) }
    }

    /// One more; `None` once they have ended.
    pub(super) fn ask(&self) -> Option<Question> {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone().map(Question)
    }

    /// Nothing can be asked any more. Waits for the answers, but not longer than `patience`; returns whether all are there.
    pub(super) fn end(&self, patience: Duration) -> bool {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv_timeout(patience) == Err(RecvTimeoutError::Disconnected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_waits_for_the_answers() {
        let questions = Questions::new();
        let (first, second) = (questions.ask(), questions.ask());
        drop(first);
        assert!(second.is_some());
        assert!(!questions.end(Duration::from_millis(1)), "one is open");
        assert!(questions.ask().is_none(), "it has ended");
        let answering = std::thread::spawn(move || drop(second));
        assert!(questions.end(Duration::from_secs(60)));
        answering.join().unwrap();
    }
}
