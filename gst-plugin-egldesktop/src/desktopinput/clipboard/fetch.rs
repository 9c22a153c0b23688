//! Reading a selection of another client: which formats it has, then each of them, in one piece or many (INCR).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use selkies_protocol::clipboard::{Format, MAX_CONTENT, Part};
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ConnectionExt as _, GetPropertyReply, Property, PropertyNotifyEvent, SelectionNotifyEvent,
    Timestamp,
};

use super::targets;
use crate::desktopinput::display::{Display, InputError};
use crate::desktopinput::imp::CAT;

/// How long an owner may be silent.
const PATIENCE: Duration = Duration::from_secs(5);

/// One reading of a selection.
#[derive(Debug)]
pub(super) struct Fetch {
    selection: Atom,
    /// Also tells the answers to this reading from those to an earlier one: they carry it.
    time: Timestamp,
    /// What was asked for and not answered yet.
    asked: Option<Target>,
    /// What comes in pieces.
    incoming: Option<Vec<u8>>,
    next: VecDeque<Target>,
    parts: Vec<Part>,
    deadline: Instant,
}

#[derive(Debug, Clone, Copy)]
enum Target {
    /// The list of targets.
    List,
    Content(Format, Atom),
}

impl Fetch {
    /// Asks the owner for its formats.
    pub(super) fn start(display: &Display, selection: Atom, time: Timestamp) -> Result<Self, InputError> {
        let mut fetch = Self {
            selection,
            time,
            asked: None,
            incoming: None,
            next: VecDeque::from([Target::List]),
            parts: Vec::new(),
            deadline: Instant::now(),
        };
        fetch.ask_next(display)?;
        Ok(fetch)
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Nothing is left to wait for.
    pub(super) fn is_done(&self) -> bool {
        self.asked.is_none()
    }

    pub(super) fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// The owner has answered.
    pub(super) fn converted(&mut self, display: &Display, event: &SelectionNotifyEvent) -> Result<(), InputError> {
        let Some(asked) = self.asked else { return Ok(()) };
        if event.selection != self.selection || event.time != self.time || event.target != asked.atom(display) {
            return Ok(());
        }
        if event.property == x11rb::NONE {
            if let Target::List = asked {
                // An old client: text is all it can have.
                self.next.push_back(Target::Content(Format::Text, AtomEnum::STRING.into()));
            }
            return self.ask_next(display);
        }
        let reply = take_property(display)?;
        if reply.type_ == display.atoms.INCR {
            // Taking the property away told the owner to begin.
            self.incoming = Some(Vec::new());
            self.deadline = Instant::now() + PATIENCE;
            return Ok(());
        }
        self.received(display, asked, reply.type_, reply.value, reply.bytes_after)
    }

    /// The next piece may be there.
    pub(super) fn property_changed(
        &mut self,
        display: &Display,
        event: &PropertyNotifyEvent,
    ) -> Result<(), InputError> {
        let (Some(asked), Some(incoming)) = (self.asked, &mut self.incoming) else { return Ok(()) };
        if event.atom != display.atoms.EGLDESKTOP_SELECTION || event.state != Property::NEW_VALUE {
            return Ok(());
        }
        let reply = take_property(display)?;
        if reply.value.is_empty() && reply.bytes_after == 0 {
            let data = std::mem::take(incoming);
            return self.received(display, asked, reply.type_, data, 0);
        }
        incoming.extend(&reply.value);
        self.deadline = Instant::now() + PATIENCE;
        if reply.bytes_after > 0 || incoming.len() > MAX_CONTENT {
            gst::info!(CAT, "what was copied is larger than {MAX_CONTENT} bytes and stays on the desktop");
            return self.ask_next(display);
        }
        Ok(())
    }

    /// Goes on with the next format when the owner has fallen silent.
    pub(super) fn tick(&mut self, display: &Display, now: Instant) -> Result<(), InputError> {
        if self.asked.is_some() && now >= self.deadline {
            gst::info!(CAT, "the owner of the clipboard does not answer");
            self.ask_next(display)?;
        }
        Ok(())
    }

    fn received(
        &mut self,
        display: &Display,
        asked: Target,
        kind: Atom,
        data: Vec<u8>,
        left_out: u32,
    ) -> Result<(), InputError> {
        match asked {
            _ if left_out > 0 => {
                gst::info!(CAT, "what was copied is larger than {MAX_CONTENT} bytes and stays on the desktop");
            }
            Target::List => self.next.extend(wanted(display, &data)),
            Target::Content(format, _) => {
                let latin = kind == Atom::from(AtomEnum::STRING);
                let data = if latin { data.iter().copied().map(char::from).collect::<String>().into() } else { data };
                let total: usize = self.parts.iter().map(|part| part.data().len()).sum();
                match Part::new(format, data) {
                    Ok(part) if total + part.data().len() <= MAX_CONTENT => self.parts.push(part),
                    Ok(_) => gst::info!(CAT, "there is no room for the {} of what was copied", format.mime()),
                    Err(error) => gst::info!(CAT, "{error}"),
                }
            }
        }
        self.ask_next(display)
    }

    fn ask_next(&mut self, display: &Display) -> Result<(), InputError> {
        self.incoming = None;
        self.asked = self.next.pop_front();
        self.deadline = Instant::now() + PATIENCE;
        if let Some(target) = self.asked {
            let (window, property) = (display.window, display.atoms.EGLDESKTOP_SELECTION);
            // What an owner that was given up on may have left there.
            display.connection.delete_property(window, property)?;
            let target = target.atom(display);
            display.connection.convert_selection(window, self.selection, target, property, self.time)?;
        }
        Ok(())
    }
}

impl Target {
    fn atom(self, display: &Display) -> Atom {
        match self {
            Self::List => display.atoms.TARGETS,
            Self::Content(_, atom) => atom,
        }
    }
}

/// The formats to ask for, of those in a list of targets.
fn wanted(display: &Display, list: &[u8]) -> Vec<Target> {
    let offered: Vec<Atom> =
        list.chunks_exact(4).map(|atom| u32::from_ne_bytes([atom[0], atom[1], atom[2], atom[3]])).collect();
    let best = |format| targets(&display.atoms, format).into_iter().find(|atom| offered.contains(atom));
    Format::ALL.into_iter().filter_map(|format| Some(Target::Content(format, best(format)?))).collect()
}

fn take_property(display: &Display) -> Result<GetPropertyReply, InputError> {
    let property = display.atoms.EGLDESKTOP_SELECTION;
    // In units of four bytes; one more than allowed, so that it shows.
    let length = (MAX_CONTENT / 4 + 1) as u32;
    let request = display.connection.get_property(true, display.window, property, AtomEnum::ANY, 0, length)?;
    Ok(request.reply()?)
}
