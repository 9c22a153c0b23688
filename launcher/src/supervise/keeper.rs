//! A task that keeps something running until it is told to stop.

use tokio::{sync::watch, task::JoinHandle};

/// The task, from outside.
pub(crate) struct Keeper {
    name: &'static str,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// The word to stop, for the task.
pub(crate) struct Stopped(watch::Receiver<bool>);

impl Keeper {
    /// Spawns what `keep` makes; `name` is for messages.
    pub(crate) fn start<F>(name: &'static str, keep: impl FnOnce(Stopped) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        Self { name, stop, task: tokio::spawn(keep(Stopped(stopped))) }
    }

    /// Returns when the task has ended.
    pub(crate) async fn stop(self) {
        // The task is gone when there was nothing that could be kept running.
        let _ = self.stop.send(true);
        if let Err(error) = self.task.await {
            tracing::warn!("the supervisor of {} failed: {error}", self.name);
        }
    }
}

impl Stopped {
    /// Returns when it is time to stop: when told to, or when nobody is left to tell it.
    pub(crate) async fn wait(&mut self) {
        let _ = self.0.wait_for(|&stopped| stopped).await;
    }
}
