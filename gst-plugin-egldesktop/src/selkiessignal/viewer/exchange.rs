//! What one browser and the desktop tell each other besides input: cursor, clipboard and the size of the screen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use selkies_protocol::clipboard::{self, ClipboardMessage, Delivery, Inbox, Part};
use selkies_protocol::control;
use selkies_protocol::signalling::Dialect;

use super::CAT;
use super::outbox::{Channel, Outbox};
use crate::events::{DesktopEvent, Devices, InputEvent};
use crate::selkiessignal::hub::Hub;
use crate::selkiessignal::listeners::Listener;

/// See the module.
pub(super) struct Exchange {
    hub: Arc<Hub>,
    /// The viewer's number.
    id: u64,
    dialect: Dialect,
    inbox: Mutex<Inbox>,
    outbox: Outbox,
    listens: AtomicBool,
}

impl Exchange {
    pub(super) fn new(hub: &Arc<Hub>, id: u64, channel: &Arc<dyn Channel>, dialect: Dialect) -> Arc<Self> {
        let outbox = Outbox::new(channel.clone());
        Arc::new(Self {
            hub: hub.clone(),
            id,
            dialect,
            inbox: Mutex::default(),
            outbox,
            listens: AtomicBool::new(false),
        })
    }

    /// The channel is open: the browser learns what it may do and, soon, what the desktop is like.
    pub(super) fn begin(self: &Arc<Self>) {
        let permissions = self.hub.permissions();
        if self.dialect == Dialect::Extended {
            self.outbox.send(&control::system(&format!("clipboard,{}", permissions.clipboard.nick())));
            if self.hub.microphone_of(self.id).is_some() {
                self.outbox.send(&control::system("microphone,true"));
            }
        }
        let Some(video) = self.hub.video() else { return };
        // A page that takes another of its connections into use is told everything again.
        if !self.listens.swap(true, Ordering::SeqCst) {
            let listener: Arc<dyn Listener> = self.clone();
            video.listeners().add(Arc::downgrade(&listener));
        }
        let report = InputEvent::Report { clipboard: permissions.clipboard.outwards() };
        video.push_upstream(report.to_event((0.0, 0.0)));
    }

    /// The channel has room for more.
    pub(super) fn more(&self) {
        self.outbox.more();
    }

    /// The browser speaks of its clipboard, or asks for the desktop's.
    pub(super) fn clipboard(&self, message: ClipboardMessage) {
        let policy = self.hub.permissions().clipboard;
        let Some(video) = self.hub.video() else { return };
        if message == ClipboardMessage::Request {
            let known = video.listeners().clipboard().filter(|_| policy.outwards());
            return known.into_iter().for_each(|parts| self.copied(parts));
        }
        if !policy.inwards() {
            return gst::debug!(CAT, "viewer {}: the clipboard of browsers is not taken", self.id);
        }
        match lock(&self.inbox).feed(message) {
            Ok(Some(Delivery { parts, id })) => {
                video.listeners().set_clipboard(parts.clone().into());
                // Browsers number from 1.
                let transaction = self.id << 32 | u64::from(id.unwrap_or(0));
                video.push_upstream(InputEvent::Clipboard { parts, transaction }.to_event((0.0, 0.0)));
            }
            Ok(None) => {}
            Err(error) => {
                self.hub.reports.refused();
                gst::debug!(CAT, "viewer {}: {error}", self.id);
            }
        }
    }

    fn copied(&self, parts: Arc<[Part]>) {
        match self.dialect {
            Dialect::Extended => self.outbox.send_content(clipboard::pieces(parts)),
            Dialect::Selkies => match clipboard::whole_text(&parts) {
                Some(message) => self.outbox.send(&message),
                None => gst::debug!(CAT, "viewer {}: what was copied is no text, or too long for it", self.id),
            },
        }
    }
}

impl Listener for Exchange {
    fn desktop_event(&self, event: &DesktopEvent) {
        match event {
            DesktopEvent::Cursor { serial, png, hotspot } => {
                let cursor = control::Cursor { serial: *serial, png, hotspot: *hotspot };
                self.outbox.send(&cursor.to_message());
            }
            // Who only watches sees the screen, and not what was copied.
            DesktopEvent::Clipboard(parts) => {
                if self.hub.permissions().clipboard.outwards() && self.hub.controls(self.id) {
                    self.copied(parts.clone());
                }
            }
            // Clients of selkies-gstreamer do not wait for it.
            DesktopEvent::ClipboardTaken(transaction) if self.dialect == Dialect::Extended => {
                // The upper half is the viewer, the lower half its own number.
                let mine = transaction >> 32 == self.id;
                self.outbox.send(&clipboard::taken(mine.then_some(*transaction as u32)));
            }
            DesktopEvent::ClipboardTaken(_) => {}
            DesktopEvent::Rumble { pad, strong, weak, duration } => {
                let owner = self.hub.gamepads().owner(*pad).filter(|(viewer, _)| *viewer == self.id);
                // Clients of selkies-gstreamer have no word for it.
                if let Some((_, pad)) = owner.filter(|_| self.dialect == Dialect::Extended) {
                    let rumble = control::Rumble { pad, strong: *strong, weak: *weak, duration: *duration };
                    self.outbox.send(&rumble.to_message());
                }
            }
            DesktopEvent::Screen { width, height } => {
                self.outbox.send(&control::system(&format!("resolution,{width}x{height}")));
            }
            // Clients of selkies-gstreamer send a mouse anyway.
            DesktopEvent::Devices(Devices { touch, pen, wheel, gamepads }) if self.dialect == Dialect::Extended => {
                let devices = [("touch", touch), ("pen", pen), ("smooth_wheel", wheel), ("gamepads", gamepads)];
                for (name, there) in devices {
                    let there = if *there { "True" } else { "False" };
                    self.outbox.send(&control::system(&format!("{name},{there}")));
                }
            }
            DesktopEvent::Devices(_) => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
