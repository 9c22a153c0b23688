//! The thread that owns the input side of X. Events come from streaming and network threads, which must never wait
//! for an X server; here they queue up, and motions that the server would only skip over are left out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use gst::prelude::*;

use super::desktop::{Desktop, Report, Settings, Task};
use super::display::InputError;
use super::imp::CAT;
use crate::capture::Waker;
use crate::events::InputEvent;

/// Name of the structure of the element message that asks the application to scale the desktop session; field `dpi`
/// (double).
const DPI_MESSAGE: &str = "egldesktop-dpi";

/// Handle of the thread. Dropping it releases all keys and buttons and ends the thread.
#[derive(Debug)]
pub(super) struct Worker {
    tasks: Option<Sender<Task>>,
    waker: Arc<Waker>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Connects to the X server and starts the thread; errors of the connection come from here.
    pub(super) fn start(settings: &Settings, element: &super::DesktopInput) -> Result<Self, InputError> {
        let desktop = Desktop::open(settings)?;
        let waker = Arc::new(Waker::new()?);
        let (tasks, queue) = channel();
        let element = element.downgrade();
        let woken = waker.clone();
        let thread = std::thread::Builder::new()
            .name("desktopinput".into())
            .spawn(move || run(desktop, &queue, &woken, &element))
            .map_err(InputError::Thread)?;
        Ok(Self { tasks: Some(tasks), waker, thread: Some(thread) })
    }

    /// Queues a task; never waits.
    pub(super) fn send(&self, task: Task) {
        if let Some(tasks) = &self.tasks {
            // Fails only after the thread has reported why it ended.
            let _ = tasks.send(task);
            self.waker.wake();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.tasks = None;
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut desktop: Desktop, queue: &Receiver<Task>, waker: &Waker, element: &gst::glib::WeakRef<super::DesktopInput>) {
    if let Err(error) = work(&mut desktop, queue, waker, element) {
        if let Some(element) = element.upgrade() {
            gst::element_error!(element, gst::ResourceError::Write, ("Controlling the X display failed: {error}"));
        }
        return;
    }
    if let Err(error) = desktop.release_all() {
        gst::debug!(CAT, "could not release keys at the end: {error}");
    }
}

/// Until the handle is gone.
fn work(
    desktop: &mut Desktop,
    queue: &Receiver<Task>,
    waker: &Waker,
    element: &gst::glib::WeakRef<super::DesktopInput>,
) -> Result<(), InputError> {
    let mut pending = VecDeque::new();
    loop {
        loop {
            match queue.try_recv() {
                Ok(task) => enqueue(&mut pending, task),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        desktop.process_events()?;
        let mut deadline = None;
        while let Some(task) = pending.pop_front() {
            // What comes later waits too: keys keep their order.
            if let Some(ready) = desktop.ready_at(&task)?.filter(|&ready| ready > Instant::now()) {
                pending.push_front(task);
                deadline = Some(ready);
                break;
            }
            desktop.perform(task)?;
        }
        let due = desktop.tick(Instant::now())?;
        desktop.flush()?;
        // A reply or a flush may have read events, and then the socket stays silent.
        let more = desktop.process_events()?;
        for report in desktop.take_reports() {
            send(report, element);
        }
        if !more {
            desktop.flush()?;
            desktop.display().wait(waker, due.into_iter().chain(deadline).min())?;
        }
    }
}

/// Leaves out a position that is directly followed by another one, adds up relative motions, and takes texts apart.
/// Everything else keeps its place: a click lands where the pointer was.
fn enqueue(pending: &mut VecDeque<Task>, task: Task) {
    match (pending.back_mut(), task) {
        (Some(Task::Input(last @ InputEvent::MoveTo { .. })), Task::Input(next @ InputEvent::MoveTo { .. })) => {
            *last = next;
        }
        (
            Some(Task::Input(InputEvent::MoveBy { dx, dy })),
            Task::Input(InputEvent::MoveBy { dx: more_x, dy: more_y }),
        ) => {
            *dx += more_x;
            *dy += more_y;
        }
        (_, Task::Input(InputEvent::Text(text))) => pending.extend(text.chars().map(Task::Type)),
        (_, task) => pending.push_back(task),
    }
}

fn send(report: Report, element: &gst::glib::WeakRef<super::DesktopInput>) {
    let Some(element) = element.upgrade() else { return };
    match report {
        Report::Event(event) => {
            gst::log!(CAT, obj = element, "{event:?}");
            // Nobody need listen.
            let _ = element.static_pad("src").is_some_and(|pad| pad.push_event(event.to_event()));
        }
        Report::Dpi(dpi) => {
            let structure = gst::Structure::builder(DPI_MESSAGE).field("dpi", dpi).build();
            // Fails when the element has no bus, and then nobody is there to scale anything.
            let _ = element.post_message(gst::message::Element::builder(structure).src(&element).build());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(tasks: impl IntoIterator<Item = Task>) -> VecDeque<Task> {
        let mut pending = VecDeque::new();
        tasks.into_iter().for_each(|task| enqueue(&mut pending, task));
        pending
    }

    #[test]
    fn motions_between_clicks_shrink_to_one() {
        let to = |x| Task::Input(InputEvent::MoveTo { x, y: 0.0 });
        let by = |dx| Task::Input(InputEvent::MoveBy { dx, dy: 1.0 });
        let click = |pressed| Task::Input(InputEvent::Button { button: 1, pressed });
        let tasks = vec![to(1.0), to(2.0), click(true), to(3.0), to(4.0), click(false), by(1.0), by(2.0)];
        let sum = Task::Input(InputEvent::MoveBy { dx: 3.0, dy: 2.0 });
        assert_eq!(queued(tasks), [to(2.0), click(true), to(4.0), click(false), sum]);
    }

    #[test]
    fn a_text_is_typed_in_its_place() {
        let key = |keysym| Task::Input(InputEvent::Key { keysym, pressed: true });
        let tasks = [key(1), Task::Input(InputEvent::Text("aß".into())), key(2)];
        assert_eq!(queued(tasks), [key(1), Task::Type('a'), Task::Type('ß'), key(2)]);
    }
}
