//! The networks.

use std::time::Duration;

use egldesktop_tests::link::Profile;

/// One after the other.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) phases: &'static [Phase],
}

/// A time in which nothing changes.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) lasts: Duration,
    pub(crate) profile: Profile,
    /// Whether the whole picture changes, or nothing does: then there is a frame a second, as `egldesktopsrc` has it.
    pub(crate) motion: bool,
}

const FREE: Profile = Profile { delay: Duration::from_millis(10), loss: 0.0, rate: None };

const fn motion(name: &'static str, seconds: u64, profile: Profile) -> Phase {
    Phase { name, lasts: Duration::from_secs(seconds), profile, motion: true }
}

const fn rate(mbit: u64) -> Profile {
    Profile { rate: Some(mbit * 1_000_000), ..FREE }
}

/// The encoder's bitrate where nothing stands in the way, in kbit/s.
pub(crate) const BITRATE: u32 = 8000;

pub(crate) static ALL: &[Scenario] = &[
    Scenario { name: "5 % loss", phases: &[motion("", 20, Profile { loss: 0.05, ..FREE })] },
    Scenario {
        name: "100 ms round trip",
        phases: &[motion("", 20, Profile { delay: Duration::from_millis(50), ..FREE })],
    },
    Scenario {
        name: "rate changes",
        phases: &[
            motion("4 Mbit/s", 15, rate(4)),
            motion("1 Mbit/s", 15, rate(1)),
            motion("4 Mbit/s again", 15, rate(4)),
        ],
    },
    Scenario {
        name: "outage",
        phases: &[
            motion("before", 10, FREE),
            motion("2 s of nothing", 2, Profile { loss: 1.0, ..FREE }),
            motion("after", 10, FREE),
        ],
    },
    Scenario {
        name: "silence",
        phases: &[
            motion("before", 15, FREE),
            Phase { name: "60 s of silence", lasts: Duration::from_secs(60), profile: FREE, motion: false },
            motion("all moves, first 2 s", 2, FREE),
            motion("and after", 10, FREE),
        ],
    },
];

impl Phase {
    /// What the link carries of the encoder's bitrate, in kbit/s.
    pub(crate) fn carries(&self) -> u32 {
        self.profile.rate.map_or(BITRATE, |rate| (rate / 1000) as u32).min(BITRATE)
    }
}
