//! What is drawn, and how often.

use std::time::Duration;

use clap::ValueEnum;

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// Nothing changes
    Idle,
    /// A character at 10 Hz, at irregular times
    Typing,
    /// Motion in half of the screen at 60 Hz: a video
    Half,
    /// Motion in the whole screen at 60 Hz
    Full,
    /// The same at 144 Hz, which is more than anybody asks for
    #[value(name = "full-144")]
    Full144,
    /// 500 small rectangles all over the screen at 60 Hz
    Rects,
}

impl Workload {
    /// Frames per second that are drawn.
    pub(crate) fn rate(self) -> Option<f64> {
        match self {
            Self::Idle => None,
            Self::Typing => Some(10.0),
            Self::Half | Self::Full | Self::Rects => Some(60.0),
            Self::Full144 => Some(144.0),
        }
    }

    /// How irregular the times are, as a part of the interval. A capture that polls would otherwise be lucky or
    /// unlucky with the phase, and the same each time.
    pub(crate) fn jitter(self) -> f64 {
        if self == Self::Typing { 1.0 } else { 0.0 }
    }

    /// Time from one frame to the next.
    pub(crate) fn interval(self) -> Option<Duration> {
        Some(Duration::from_secs_f64(1.0 / self.rate()?))
    }

    /// Whether every pixel changes.
    pub(crate) fn is_full(self) -> bool {
        matches!(self, Self::Full | Self::Full144)
    }

    /// Its name in the results.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Typing => "typing, 10 Hz",
            Self::Half => "motion in half of the screen, 60 Hz",
            Self::Full => "motion in the whole screen, 60 Hz",
            Self::Full144 => "motion in the whole screen, 144 Hz",
            Self::Rects => "500 small rectangles a frame, 60 Hz",
        }
    }
}
