//! What the one encoder is to do, from what the ways to its viewers carry.
//!
//! There is one encode for all, so one viewer's network has to count. It is that of the viewer who leads: who acted last,
//! or came first while nobody has. A person who works feels each late frame, and what others see must not hinder that: a
//! slow viewer loses frames of its own (see `viewer/gate.rs`).

/// No picture is worth sending with less, in bit/s.
const LEAST: u64 = 100_000;
/// Below this share of the most, frames become fewer rather than worse.
const FLOOR: f64 = 0.1;
/// But there are never fewer than this share.
const FEWEST: f64 = 0.1;

/// What the encoder is to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Target {
    /// bit/s
    pub(in super::super) bitrate: u64,
    /// Share of the frame rate, up to 1.
    pub(in super::super) framerate: f64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Budget {
    /// bit/s
    most: u64,
    /// In the order in which they came; by their ids.
    viewers: Vec<(u64, u64)>,
    lead: Option<u64>,
}

impl Budget {
    /// At most `most` bit/s.
    pub(super) fn new(most: u64) -> Self {
        Self { most: most.max(LEAST), viewers: Vec::new(), lead: None }
    }

    /// Between which bitrates estimates make sense, in bit/s.
    pub(super) fn limits(&self) -> std::ops::RangeInclusive<u64> {
        LEAST..=self.most
    }

    pub(super) fn set_most(&mut self, most: u64) {
        self.most = most.max(LEAST);
    }

    /// The estimate of a viewer, in bit/s.
    pub(super) fn set(&mut self, viewer: u64, estimate: u64) {
        match self.viewers.iter_mut().find(|(id, _)| *id == viewer) {
            Some((_, known)) => *known = estimate,
            None => self.viewers.push((viewer, estimate)),
        }
    }

    /// This viewer acts.
    pub(super) fn lead(&mut self, viewer: u64) {
        self.lead = Some(viewer);
    }

    /// This viewer has left.
    pub(super) fn remove(&mut self, viewer: u64) {
        self.viewers.retain(|(id, _)| *id != viewer);
        self.lead.take_if(|lead| *lead == viewer);
    }

    /// Whose network counts.
    pub(super) fn leader(&self) -> Option<u64> {
        self.of_leader().map(|(id, _)| *id)
    }

    fn of_leader(&self) -> Option<&(u64, u64)> {
        self.viewers.iter().find(|(id, _)| Some(*id) == self.lead).or(self.viewers.first())
    }

    /// What follows; everything where nobody looks.
    pub(super) fn target(&self) -> Target {
        let bitrate = self.of_leader().map_or(self.most, |(_, estimate)| *estimate).clamp(LEAST, self.most);
        let floor = self.most as f64 * FLOOR;
        Target { bitrate, framerate: (bitrate as f64 / floor).clamp(FEWEST, 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_who_acts_decides_and_else_the_first() {
        let mut budget = Budget::new(8_000_000);
        assert_eq!(budget.target().bitrate, 8_000_000);
        budget.set(1, 5_000_000);
        budget.set(2, 1_000_000);
        assert_eq!(budget.target().bitrate, 5_000_000);
        budget.lead(2);
        assert_eq!(budget.target().bitrate, 1_000_000);
        budget.set(2, 2_000_000);
        assert_eq!(budget.target(), Target { bitrate: 2_000_000, framerate: 1.0 });
        budget.remove(2);
        assert_eq!(budget.target().bitrate, 5_000_000);
        budget.set_most(3_000_000);
        assert_eq!(budget.target().bitrate, 3_000_000);
    }

    #[test]
    fn below_the_floor_frames_become_fewer() {
        let mut budget = Budget::new(8_000_000);
        budget.set(1, 400_000);
        assert_eq!(budget.target(), Target { bitrate: 400_000, framerate: 0.5 });
        budget.set(1, 1);
        assert_eq!(budget.target(), Target { bitrate: LEAST, framerate: 0.125 });
    }
}
