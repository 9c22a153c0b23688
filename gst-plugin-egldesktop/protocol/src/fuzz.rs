//! What fuzzers call: bytes in, and what must hold whatever they are. Only with the feature `fuzz`.

use crate::clipboard::Inbox;
use crate::control;
use crate::held::{Action, Held};
use crate::input::ClientMessage;
use crate::joystick::{ConfigError, DeviceName, FromProgram, InputEvent, JsEvent, LongSize, PadConfig, V2_BYTES};
use crate::request::Request;
use crate::signalling::{CallAnswer, Dialect, Hello, PeerMessage, parse_size, session_answer};

/// The frames of a signalling socket, one a line.
///
/// # Panics
/// Where something does not hold.
pub fn signalling(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for frame in text.split('\n') {
        if let Ok(hello) = Hello::parse(frame) {
            assert!(hello.scale.is_none_or(f64::is_finite), "{frame}");
        }
        if let Ok(message) = PeerMessage::parse(frame) {
            let printed = message.to_frame();
            assert_eq!(PeerMessage::parse(&printed).ok(), Some(message), "what is printed is read the same");
        }
        let _ = (session_answer(frame), CallAnswer::parse(frame), parse_size(frame));
    }
}

/// The messages of one data channel, one a line, from the first to the end of the viewer.
///
/// # Panics
/// Where something does not hold.
pub fn data_channel(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for dialect in [Dialect::Selkies, Dialect::Extended] {
        let (mut held, mut inbox) = (Held::new(dialect), Inbox::default());
        let (mut keys, mut buttons) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        let mut done = |actions: Vec<Action>| {
            for action in actions {
                match action {
                    Action::Key(key, true) => drop(keys.insert(key)),
                    Action::Key(key, false) => drop(keys.remove(&key)),
                    Action::Button(button, true) => drop(buttons.insert(button)),
                    Action::Button(button, false) => drop(buttons.remove(&button)),
                    Action::MoveTo(x, y) | Action::MoveBy(x, y) => assert!(x.is_finite() && y.is_finite()),
                    Action::Scroll(dx, dy) => assert!(dx.is_finite() && dy.is_finite()),
                    _ => {}
                }
            }
            (keys.len(), buttons.len())
        };
        for message in text.split('\n') {
            if Request::parse(message).is_some() {
                continue;
            }
            match ClientMessage::parse(message) {
                Ok(ClientMessage::Clipboard(message)) => drop(inbox.feed(message)),
                Ok(message) => drop(done(held.apply(message, true))),
                Err(error) => assert!(error.to_string().len() < 300, "an error repeats what came"),
            }
        }
        assert_eq!(done(held.release_all()), (0, 0), "something stays down");
        assert!(held.release_all().is_empty(), "released twice");
    }
    let _ = control::status(text);
}

/// What joystick interposers and programs write into the sockets.
///
/// # Panics
/// Where something does not hold.
pub fn joystick(data: &[u8]) {
    if let Some((first, rest)) = data.split_first() {
        let long = LongSize::from_byte(*first).unwrap_or(LongSize::OURS);
        for record in rest.chunks(long.event_bytes()) {
            let Some(event) = InputEvent::read(long, record) else { continue };
            let mut printed = Vec::new();
            event.write(long, &mut printed);
            assert_eq!(printed, record, "what is printed is what was read");
            if let Some(wanted) = FromProgram::from_event(event) {
                assert_eq!(FromProgram::from_event(wanted.to_event()), Some(wanted));
            }
        }
        for record in rest.chunks_exact(JsEvent::BYTES) {
            let Ok(record) = record.try_into() else { continue };
            assert_eq!(&JsEvent::from_bytes(record).to_bytes(), &record);
        }
    }
    if let Some(config) = data.first_chunk::<V2_BYTES>() {
        let parsed: Result<PadConfig, ConfigError> = PadConfig::from_v2(config);
        if let Ok(config) = parsed {
            assert_eq!(config.to_v2().len(), V2_BYTES);
        }
    }
    if let Ok(name) = std::str::from_utf8(data) {
        for kind in [DeviceName::from_node(name), DeviceName::from_socket(name)].into_iter().flatten() {
            assert!(name == kind.node() || name == kind.socket(), "{name}");
        }
    }
}
