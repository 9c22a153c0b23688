//! Owning a selection: answers to X clients that paste, in one piece or many (INCR).

use std::sync::Arc;
use std::time::{Duration, Instant};

use selkies_protocol::clipboard::{Format, Part};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ChangeWindowAttributesAux, ConnectionExt as _, EventMask, PropMode, Property, PropertyNotifyEvent,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Timestamp, Window,
};
use x11rb::wrapper::ConnectionExt as _;

use super::targets;
use crate::desktopinput::display::{Display, InputError};

/// What goes to a client at once; more goes in pieces of this size, in bytes.
const PIECE: usize = 64 * 1024;
/// How long a client may take for one piece.
const PATIENCE: Duration = Duration::from_secs(10);
/// Clients that take pieces at the same time.
const MAX_TRANSFERS: usize = 16;

/// The content, and the clients that are reading it.
#[derive(Debug, Default)]
pub(super) struct Offer {
    content: Vec<(Format, Arc<[u8]>)>,
    since: Timestamp,
    transfers: Vec<Transfer>,
}

#[derive(Debug)]
struct Transfer {
    requestor: Window,
    property: Atom,
    kind: Atom,
    data: Arc<[u8]>,
    sent: usize,
    deadline: Instant,
}

impl Offer {
    /// From now on this is offered. Clients that are reading get to the end of what was before.
    pub(super) fn set(&mut self, parts: Vec<Part>) {
        self.content = parts.into_iter().map(|part| (part.format(), part.into_data().into())).collect();
    }

    /// When the X server made us the owner.
    pub(super) fn owned_since(&mut self, time: Timestamp) {
        self.since = time;
    }

    /// A client wants to paste.
    pub(super) fn request(&mut self, display: &Display, event: &SelectionRequestEvent) -> Result<(), InputError> {
        // Obsolete clients leave the property out (ICCCM 2.2).
        let property = if event.property == x11rb::NONE { event.target } else { event.property };
        let done = if event.target == display.atoms.MULTIPLE && event.property != x11rb::NONE {
            self.convert_several(display, event.requestor, property)?
        } else {
            self.convert(display, event.requestor, property, event.target)?
        };
        let notify = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: event.time,
            requestor: event.requestor,
            selection: event.selection,
            target: event.target,
            property: if done { property } else { x11rb::NONE },
        };
        display.connection.send_event(false, event.requestor, EventMask::NO_EVENT, notify)?;
        Ok(())
    }

    /// A client has taken a piece.
    pub(super) fn property_changed(
        &mut self,
        display: &Display,
        event: &PropertyNotifyEvent,
    ) -> Result<(), InputError> {
        if event.state != Property::DELETE {
            return Ok(());
        }
        let is_it = |it: &Transfer| (it.requestor, it.property) == (event.window, event.atom);
        let Some(index) = self.transfers.iter().position(is_it) else { return Ok(()) };
        let transfer = &mut self.transfers[index];
        let rest = &transfer.data[transfer.sent..];
        let piece = &rest[..rest.len().min(PIECE)];
        write(display, transfer.requestor, transfer.property, transfer.kind, piece)?;
        transfer.sent += piece.len();
        transfer.deadline = Instant::now() + PATIENCE;
        if piece.is_empty() {
            // An empty piece was the end.
            self.end(display, index)?;
        }
        Ok(())
    }

    /// Gives up on clients that have stopped reading; returns when the next one will have.
    pub(super) fn tick(&mut self, display: &Display, now: Instant) -> Result<Option<Instant>, InputError> {
        while let Some(index) = self.transfers.iter().position(|transfer| transfer.deadline <= now) {
            self.end(display, index)?;
        }
        Ok(self.transfers.iter().map(|transfer| transfer.deadline).min())
    }

    /// Each pair in the property is a target and a property; what can't be had is replaced by None (ICCCM 2.6.2).
    fn convert_several(&mut self, display: &Display, requestor: Window, property: Atom) -> Result<bool, InputError> {
        /// Pairs; there are not that many targets.
        const MOST: u32 = 64;
        let kind = display.atoms.ATOM_PAIR;
        let reply = display.connection.get_property(false, requestor, property, AtomEnum::ANY, 0, 2 * MOST)?.reply();
        let Ok(Some(mut atoms)) = reply.map(|reply| reply.value32().map(Iterator::collect::<Vec<_>>)) else {
            return Ok(false);
        };
        for pair in atoms.chunks_exact_mut(2) {
            if pair[0] == display.atoms.MULTIPLE || !self.convert(display, requestor, pair[1], pair[0])? {
                pair[1] = x11rb::NONE;
            }
        }
        display.connection.change_property32(PropMode::REPLACE, requestor, property, kind, &atoms)?;
        Ok(true)
    }

    /// Writes a target to a property; `false` when there is no such target.
    fn convert(
        &mut self,
        display: &Display,
        requestor: Window,
        property: Atom,
        target: Atom,
    ) -> Result<bool, InputError> {
        let (connection, atoms) = (&display.connection, &display.atoms);
        if target == atoms.TARGETS {
            let formats = self.content.iter().flat_map(|(format, _)| targets(atoms, *format));
            let list: Vec<Atom> = [atoms.TARGETS, atoms.TIMESTAMP, atoms.MULTIPLE].into_iter().chain(formats).collect();
            connection.change_property32(PropMode::REPLACE, requestor, property, AtomEnum::ATOM, &list)?;
            return Ok(true);
        }
        if target == atoms.TIMESTAMP {
            connection.change_property32(PropMode::REPLACE, requestor, property, AtomEnum::INTEGER, &[self.since])?;
            return Ok(true);
        }
        let found = self.content.iter().find(|(format, _)| targets(atoms, *format).contains(&target));
        let Some((format, data)) = found else { return Ok(false) };
        let latin = (target == Atom::from(AtomEnum::STRING)).then(|| to_latin(data));
        let data = latin.unwrap_or_else(|| data.clone());
        // TEXT means any encoding, and the type says which.
        let kind = if *format == Format::Text && target == atoms.TEXT { atoms.UTF8_STRING } else { target };
        if data.len() <= PIECE {
            write(display, requestor, property, kind, &data)?;
            return Ok(true);
        }
        if self.transfers.len() >= MAX_TRANSFERS {
            return Ok(false);
        }
        let attributes = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
        connection.change_window_attributes(requestor, &attributes)?;
        let size = [data.len() as u32];
        connection.change_property32(PropMode::REPLACE, requestor, property, atoms.INCR, &size)?;
        let deadline = Instant::now() + PATIENCE;
        self.transfers.push(Transfer { requestor, property, kind, data, sent: 0, deadline });
        Ok(true)
    }

    fn end(&mut self, display: &Display, index: usize) -> Result<(), InputError> {
        let requestor = self.transfers.swap_remove(index).requestor;
        if !self.transfers.iter().any(|transfer| transfer.requestor == requestor) {
            let attributes = ChangeWindowAttributesAux::new().event_mask(EventMask::NO_EVENT);
            display.connection.change_window_attributes(requestor, &attributes)?;
        }
        Ok(())
    }
}

/// A client may be gone by now: the server's error then arrives as an event, and harms nobody.
fn write(display: &Display, window: Window, property: Atom, kind: Atom, data: &[u8]) -> Result<(), InputError> {
    display.connection.change_property8(PropMode::REPLACE, window, property, kind, data)?;
    Ok(())
}

/// ISO 8859-1, which is what STRING is; other characters become question marks.
fn to_latin(text: &[u8]) -> Arc<[u8]> {
    String::from_utf8_lossy(text).chars().map(|char| u8::try_from(char).unwrap_or(b'?')).collect()
}
