//! The clipboard: what X clients copy is told, what the user's machine copied is offered to them (ICCCM 2, "Peer-to-Peer
//! Communication by Means of Selections"). Everything goes by events; nothing here waits for another client.

mod fetch;
mod offer;

use std::time::Instant;

use selkies_protocol::clipboard::{Format, Part};
use x11rb::protocol::Event;
use x11rb::protocol::xfixes::{ConnectionExt as _, SelectionEventMask};
use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt as _};

use super::display::{Atoms, Display, InputError};
use crate::events::DesktopEvent;
use fetch::Fetch;
use offer::Offer;

/// See the module.
#[derive(Debug)]
pub(super) struct Clipboard {
    /// The selections that are shared: CLIPBOARD, and PRIMARY where that is wanted.
    selections: Vec<Atom>,
    watching: bool,
    offer: Offer,
    fetch: Option<Fetch>,
    /// What was told last. Many programs take the selection anew without a change.
    told: Vec<Part>,
}

impl Clipboard {
    /// Needs the XFixes extension, version 1.
    pub(super) fn open(display: &Display, primary: bool) -> Result<Self, InputError> {
        let mut selections = vec![display.atoms.CLIPBOARD];
        if primary {
            selections.push(AtomEnum::PRIMARY.into());
        }
        let events = SelectionEventMask::SET_SELECTION_OWNER;
        for &selection in &selections {
            display.connection.xfixes_select_selection_input(display.window, selection, events)?.check()?;
        }
        Ok(Self { selections, watching: false, offer: Offer::default(), fetch: None, told: Vec::new() })
    }

    /// From now on, what is copied is told; and what is on the clipboard already.
    pub(super) fn watch(&mut self, display: &Display) -> Result<(), InputError> {
        if std::mem::replace(&mut self.watching, true) {
            return Ok(());
        }
        let owner = display.connection.get_selection_owner(display.atoms.CLIPBOARD)?.reply()?.owner;
        if owner != x11rb::NONE && owner != display.window {
            self.fetch = Some(Fetch::start(display, display.atoms.CLIPBOARD, x11rb::CURRENT_TIME)?);
        }
        Ok(())
    }

    /// Makes this the content of the shared selections. Returns once the X server knows.
    pub(super) fn set(&mut self, display: &Display, parts: Vec<Part>) -> Result<(), InputError> {
        self.fetch = None;
        // Whoever copies the same on the desktop later copies something new to the browser.
        self.told.clear();
        self.offer.set(parts);
        for &selection in &self.selections {
            display.connection.set_selection_owner(display.window, selection, x11rb::CURRENT_TIME)?;
        }
        display.connection.get_selection_owner(display.atoms.CLIPBOARD)?.reply()?;
        Ok(())
    }

    /// Takes an event in; returns what it completes.
    pub(super) fn handle(&mut self, display: &Display, event: &Event) -> Result<Option<DesktopEvent>, InputError> {
        match event {
            Event::XfixesSelectionNotify(event) if self.selections.contains(&event.selection) => {
                if event.owner == display.window {
                    self.offer.owned_since(event.selection_timestamp);
                } else if self.watching && event.owner != x11rb::NONE {
                    self.fetch = Some(Fetch::start(display, event.selection, event.timestamp)?);
                }
            }
            Event::SelectionNotify(event) => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.converted(display, event)?;
                }
            }
            Event::SelectionRequest(event) if event.owner == display.window => self.offer.request(display, event)?,
            Event::PropertyNotify(event) if event.window == display.window => {
                if let Some(fetch) = &mut self.fetch {
                    fetch.property_changed(display, event)?;
                }
            }
            Event::PropertyNotify(event) => self.offer.property_changed(display, event)?,
            _ => {}
        }
        Ok(self.complete())
    }

    /// Gives up what has taken too long; returns when the next thing will have.
    pub(super) fn tick(
        &mut self,
        display: &Display,
        now: Instant,
    ) -> Result<(Option<Instant>, Option<DesktopEvent>), InputError> {
        if let Some(fetch) = &mut self.fetch {
            fetch.tick(display, now)?;
        }
        let done = self.complete();
        let deadlines = [self.fetch.as_ref().map(Fetch::deadline), self.offer.tick(display, now)?];
        Ok((deadlines.into_iter().flatten().min(), done))
    }

    fn complete(&mut self) -> Option<DesktopEvent> {
        let parts = self.fetch.take_if(|fetch| fetch.is_done())?.into_parts();
        if parts.is_empty() || parts == self.told {
            return None;
        }
        self.told.clone_from(&parts);
        Some(DesktopEvent::Clipboard(parts.into()))
    }
}

/// The targets under which X clients know a format, the one to ask for first.
fn targets(atoms: &Atoms, format: Format) -> Vec<Atom> {
    match format {
        Format::Text => {
            vec![atoms.UTF8_STRING, atoms.TEXT_PLAIN_UTF8, atoms.TEXT_PLAIN, AtomEnum::STRING.into(), atoms.TEXT]
        }
        Format::Html => vec![atoms.TEXT_HTML],
        Format::Png => vec![atoms.IMAGE_PNG],
    }
}
