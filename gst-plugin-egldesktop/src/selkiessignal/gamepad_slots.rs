//! Which of the desktop's gamepads is whose. Pure.
//!
//! Each browser counts its own from 0; two people at one desktop have two pads.

use selkies_protocol::gamepad::MAX_PADS;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct GamepadSlots([Option<Owner>; MAX_PADS as usize]);

/// The viewer's number, and its own number of the pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    viewer: u64,
    pad: u8,
}

impl GamepadSlots {
    /// The gamepad of the desktop that is this one of this viewer.
    pub(super) fn of(&self, viewer: u64, pad: u8) -> Option<u8> {
        self.find(|owner| *owner == Some(Owner { viewer, pad }))
    }

    /// Gives the viewer's pad one of the desktop's: the same number where that is free. `None` where all are taken.
    pub(super) fn take(&mut self, viewer: u64, pad: u8) -> Option<u8> {
        let same = Some(pad).filter(|pad| self.0.get(usize::from(*pad)) == Some(&None));
        let slot = self.of(viewer, pad).or(same).or_else(|| self.find(Option::is_none))?;
        *self.0.get_mut(usize::from(slot))? = Some(Owner { viewer, pad });
        Some(slot)
    }

    /// Takes it back; returns which it was.
    pub(super) fn free(&mut self, viewer: u64, pad: u8) -> Option<u8> {
        let slot = self.of(viewer, pad)?;
        *self.0.get_mut(usize::from(slot))? = None;
        Some(slot)
    }

    /// Whose it is: the viewer, and its own number.
    pub(super) fn owner(&self, slot: u8) -> Option<(u64, u8)> {
        self.0.get(usize::from(slot)).copied().flatten().map(|Owner { viewer, pad }| (viewer, pad))
    }

    fn find(&self, is: impl Fn(&Option<Owner>) -> bool) -> Option<u8> {
        (0u8..).zip(&self.0).find(|(_, owner)| is(owner)).map(|(slot, _)| slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_viewers_have_two_pads() {
        let mut slots = GamepadSlots::default();
        assert_eq!(slots.take(1, 0), Some(0));
        assert_eq!(slots.take(1, 0), Some(0), "once");
        assert_eq!(slots.take(2, 0), Some(1));
        assert_eq!(slots.take(2, 1), Some(2));
        assert_eq!(slots.take(1, 3), Some(3));
        assert_eq!(slots.take(1, 1), None);
        assert_eq!((slots.of(2, 0), slots.of(2, 3), slots.owner(2)), (Some(1), None, Some((2, 1))));
        assert_eq!(slots.free(2, 0), Some(1));
        assert_eq!(slots.free(2, 0), None);
        assert_eq!(slots.take(1, 1), Some(1));
        assert_eq!(slots.owner(9), None);
    }
}
