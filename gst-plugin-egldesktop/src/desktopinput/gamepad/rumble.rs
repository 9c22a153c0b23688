//! The effects that one program has given to a pad, and what playing one means. Pure.

use selkies_protocol::joystick::FromProgram;

/// What the motors shall do, until the next of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Rumble {
    /// Of 65535.
    pub(super) strong: u16,
    /// Of 65535.
    pub(super) weak: u16,
    /// Milliseconds at most.
    pub(super) duration: u32,
}

/// The longest that an effect lasts which has no length: a program that is gone rumbles no more.
const UNLIMITED: u32 = 60_000;

#[derive(Debug, Clone, Copy, Default)]
struct Effect {
    strong: u16,
    weak: u16,
    length: u16,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Effects {
    effects: [Effect; 16],
    playing: Option<u8>,
    gain: u16,
}

impl Default for Effects {
    fn default() -> Self {
        Self { effects: Default::default(), playing: None, gain: u16::MAX }
    }
}

impl Effects {
    /// What the motors do now, if that changes.
    pub(super) fn apply(&mut self, request: FromProgram) -> Option<Rumble> {
        match request {
            FromProgram::Upload { id, strong, weak, length } => {
                *self.effects.get_mut(usize::from(id))? = Effect { strong, weak, length };
                // An effect that is changed while it is played changes at once.
                (self.playing == Some(id)).then(|| self.play(id))
            }
            FromProgram::Erase(id) | FromProgram::Play { id, on: false } => {
                (self.playing == Some(id)).then(|| self.stop())
            }
            FromProgram::Play { id, on: true } => {
                self.playing = Some(id);
                Some(self.play(id))
            }
            FromProgram::Gain(gain) => {
                self.gain = gain;
                self.playing.map(|id| self.play(id))
            }
        }
    }

    /// Ends what is played.
    pub(super) fn end(&mut self) -> Option<Rumble> {
        self.playing.is_some().then(|| self.stop())
    }

    fn stop(&mut self) -> Rumble {
        self.playing = None;
        Rumble::default()
    }

    fn play(&self, id: u8) -> Rumble {
        let Effect { strong, weak, length } = self.effects.get(usize::from(id)).copied().unwrap_or_default();
        let gained = |level: u16| (u32::from(level) * u32::from(self.gain) / u32::from(u16::MAX)) as u16;
        let duration = if length == 0 { UNLIMITED } else { length.into() };
        Rumble { strong: gained(strong), weak: gained(weak), duration }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_played_changed_and_stopped() {
        let mut effects = Effects::default();
        assert_eq!(effects.apply(FromProgram::Upload { id: 2, strong: 65535, weak: 100, length: 500 }), None);
        let rumble = Rumble { strong: 65535, weak: 100, duration: 500 };
        assert_eq!(effects.apply(FromProgram::Play { id: 2, on: true }), Some(rumble));
        assert_eq!(effects.apply(FromProgram::Gain(0x8000)), Some(Rumble { strong: 32768, weak: 50, duration: 500 }));
        let changed = effects.apply(FromProgram::Upload { id: 2, strong: 0, weak: 65535, length: 0 });
        assert_eq!(changed, Some(Rumble { strong: 0, weak: 32768, duration: UNLIMITED }));
        assert_eq!(effects.apply(FromProgram::Play { id: 1, on: false }), None, "another one");
        assert_eq!(effects.apply(FromProgram::Erase(2)), Some(Rumble::default()));
        assert_eq!(effects.end(), None);
        effects.apply(FromProgram::Play { id: 2, on: true });
        assert_eq!(effects.end(), Some(Rumble::default()));
        assert_eq!(effects.apply(FromProgram::Upload { id: 200, strong: 1, weak: 1, length: 1 }), None);
    }
}
