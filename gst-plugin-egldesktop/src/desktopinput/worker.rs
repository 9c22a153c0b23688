//! The thread that owns the input side of X. Events come from streaming and network threads, which must never wait
//! for an X server; here they queue up, and motions that the server would only skip over are left out.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use super::imp::CAT;
use super::xtest::{Injector, InputError};
use crate::events::InputEvent;

/// What the worker does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Command {
    /// Something that the user did.
    Input(InputEvent),
    /// The video has this size: positions are in its pixels.
    VideoSize(f64, f64),
}

/// Handle of the thread. Dropping it releases all keys and buttons and ends the thread.
#[derive(Debug)]
pub(super) struct Worker {
    commands: Option<Sender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Connects to the X server and starts the thread; errors of the connection come from here.
    pub(super) fn start(display_name: Option<&str>, element: &gst::Element) -> Result<Self, InputError> {
        let injector = Injector::open(display_name)?;
        let (commands, queue) = channel();
        let element = gst::glib::object::ObjectExt::downgrade(element);
        let thread = std::thread::Builder::new()
            .name("desktopinput".into())
            .spawn(move || run(injector, queue, &element))
            .map_err(InputError::Thread)?;
        Ok(Self { commands: Some(commands), thread: Some(thread) })
    }

    /// Queues a command; never waits.
    pub(super) fn send(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // Fails only after the thread has reported why it ended.
            let _ = commands.send(command);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut injector: Injector, queue: Receiver<Command>, element: &gst::glib::WeakRef<gst::Element>) {
    while let Ok(first) = queue.recv() {
        let batch = std::iter::once(first).chain(queue.try_iter()).collect();
        if let Err(error) = apply(&mut injector, coalesce(batch)) {
            if let Some(element) = element.upgrade() {
                gst::element_error!(element, gst::ResourceError::Write, ("Controlling the X display failed: {error}"));
            }
            return;
        }
    }
    if let Err(error) = injector.release_all() {
        gst::debug!(CAT, "could not release keys at the end: {error}");
    }
}

fn apply(injector: &mut Injector, batch: Vec<Command>) -> Result<(), InputError> {
    injector.process_events()?;
    for command in batch {
        match command {
            Command::VideoSize(width, height) => injector.set_video_size(width, height),
            Command::Input(input) => injector.inject(&input)?,
        }
    }
    injector.flush()
}

/// Leaves out each position that is directly followed by another one, and adds up relative motions. Everything else
/// keeps its place: a click lands where the pointer was.
fn coalesce(batch: Vec<Command>) -> Vec<Command> {
    let mut kept: Vec<Command> = Vec::with_capacity(batch.len());
    for command in batch {
        match (kept.last_mut(), command) {
            (
                Some(Command::Input(last @ InputEvent::MoveTo { .. })),
                Command::Input(next @ InputEvent::MoveTo { .. }),
            ) => {
                *last = next;
            }
            (
                Some(Command::Input(InputEvent::MoveBy { dx, dy })),
                Command::Input(InputEvent::MoveBy { dx: more_x, dy: more_y }),
            ) => {
                *dx += more_x;
                *dy += more_y;
            }
            (_, command) => kept.push(command),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn motions_between_clicks_shrink_to_one() {
        let to = |x| Command::Input(InputEvent::MoveTo { x, y: 0.0 });
        let by = |dx| Command::Input(InputEvent::MoveBy { dx, dy: 1.0 });
        let click = |pressed| Command::Input(InputEvent::Button { button: 1, pressed });
        let batch = vec![to(1.0), to(2.0), click(true), to(3.0), to(4.0), click(false), by(1.0), by(2.0)];
        let sum = Command::Input(InputEvent::MoveBy { dx: 3.0, dy: 2.0 });
        assert_eq!(coalesce(batch), [to(2.0), click(true), to(4.0), click(false), sum]);
    }
}
