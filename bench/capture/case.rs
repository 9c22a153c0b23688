//! What one process measures and what it answers.

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::candidate::Candidate;

/// One measurement, as the benchmark asks a child of its own for it.
#[derive(Debug, Clone, Args)]
pub(crate) struct Case {
    #[arg(long)]
    pub(crate) display: String,
    /// The X server's process
    #[arg(long)]
    pub(crate) server: u32,
    #[arg(long)]
    pub(crate) seconds: f64,
    /// Nobody: what the load alone costs the X server
    #[arg(long)]
    pub(crate) candidate: Option<Candidate>,
}

impl Case {
    /// The command line that [`Args`] reads back.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            format!("--display={}", self.display),
            format!("--server={}", self.server),
            format!("--seconds={}", self.seconds),
        ];
        arguments.extend(self.candidate.map(|candidate| format!("--candidate={}", candidate.name())));
        arguments
    }
}

/// What happened in the time that was measured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    /// CPU time of the capturing process.
    pub(crate) client: Duration,
    /// CPU time of the X server, the load's included.
    pub(crate) server: Duration,
    /// Frames that the load has drawn; a busy machine slows it. `None` where it draws none.
    pub(crate) drawn: Option<u64>,
    /// How often the capturing process went to sleep, which is how often it woke.
    pub(crate) wakeups: u64,
    /// Bytes of the screen that were read, or copied by the X server, to find out what is new.
    pub(crate) read: Option<u64>,
    pub(crate) frames: Frames,
}

/// The frames that came in that time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Frames {
    /// Buffers that came.
    pub(crate) total: u64,
    /// Those that showed something new.
    pub(crate) fresh: u64,
    /// What was drawn from the first new one to the last; an encoded picture does not tell.
    pub(crate) drawn: u64,
    /// Those that showed two moments at once.
    pub(crate) torn: u64,
    /// From the drawing client's flush to the buffer, in microseconds, for each new one.
    pub(crate) delays: Vec<u64>,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::options::{Cli, Part};

    #[test]
    fn a_child_reads_what_its_parent_says() {
        let case = Case { display: ":7".into(), server: 8, seconds: 1.5, candidate: Some(Candidate::OursNv12) };
        let arguments = ["capture".to_owned(), "measure".to_owned()].into_iter().chain(case.arguments());
        let Some(Part::Measure(read)) = Cli::parse_from(arguments).part else { panic!("another part") };
        assert_eq!((read.display, read.server, read.candidate), (case.display, case.server, case.candidate));
        assert_eq!(read.seconds, case.seconds);
    }
}
