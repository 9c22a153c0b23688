//! The gamepads of one viewer: its messages become events of the desktop's pads.
//!
//! Events are pushed while the slots are locked: who gets a pad that somebody else had comes after its end.

use selkies_protocol::gamepad::{GamepadEvent, GamepadMessage, MAX_PADS};

use super::CAT;
use crate::events::{GamepadInput, InputEvent};
use crate::selkiessignal::gamepad_slots::GamepadSlots;
use crate::selkiessignal::hub::Hub;

/// Pushes the event for one message of viewer `id`, which controls the desktop. Returns whether its user did something.
pub(super) fn apply(hub: &Hub, id: u64, message: GamepadMessage, push: impl Fn(InputEvent)) -> bool {
    let mut slots = hub.gamepads();
    let Some((pad, input)) = parse(&mut slots, id, message) else { return false };
    let acts = matches!(input, GamepadInput::Button { .. } | GamepadInput::Axis { .. });
    push(InputEvent::Gamepad { pad, input });
    acts
}

fn parse(slots: &mut GamepadSlots, id: u64, message: GamepadMessage) -> Option<(u8, GamepadInput)> {
    Some(match message.event {
        GamepadEvent::Connected { name, .. } => {
            let slot = slots.take(id, message.pad);
            if slot.is_none() {
                gst::info!(CAT, "viewer {id}: all gamepads are taken");
            }
            (slot?, GamepadInput::Connected { name })
        }
        GamepadEvent::Disconnected => (slots.free(id, message.pad)?, GamepadInput::Disconnected),
        GamepadEvent::Button { button, value } => {
            (slots.of(id, message.pad)?, GamepadInput::Button { number: button, value })
        }
        GamepadEvent::Axis { axis, value } => (slots.of(id, message.pad)?, GamepadInput::Axis { number: axis, value }),
        // That the viewer is heard is all there is to it.
        GamepadEvent::Alive => return None,
    })
}

/// Lets go of everything on the viewer's pads, which stay.
pub(super) fn release(hub: &Hub, id: u64, push: impl Fn(InputEvent)) {
    let slots = hub.gamepads();
    let mine = (0..MAX_PADS).filter_map(|pad| slots.of(id, pad));
    mine.for_each(|pad| push(InputEvent::Gamepad { pad, input: GamepadInput::Released }));
}

/// Takes the viewer's pads away.
pub(super) fn disconnect(hub: &Hub, id: u64, push: impl Fn(InputEvent)) {
    let mut slots = hub.gamepads();
    let mine = (0..MAX_PADS).filter_map(|pad| slots.free(id, pad));
    mine.for_each(|pad| push(InputEvent::Gamepad { pad, input: GamepadInput::Disconnected }));
}
