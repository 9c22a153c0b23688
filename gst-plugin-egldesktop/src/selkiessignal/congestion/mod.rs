//! How much the network carries: congestion control for a desktop, which is silent most of the time.
//!
//! [`estimator`] is the law for one viewer, [`budget`] what follows for the one encoder; both are pure, and are tested
//! against a simulated link. What brings them feedback is `viewer/feedback.rs`. Over a WebSocket, that is over TCP, the law is
//! [`flow`], and `viewer/socket/` brings it receipts.
//!
//! Why not GCC (draft-ietf-rmcat-gcc-02), as `rtpgccbwe` has it: on overuse it falls back to a share of what *was sent*,
//! and a silent desktop sends nothing, so a late packet after a pause costs all of the estimate; and it grows by a few
//! per cent a second, from what was sent again. Here, silence says nothing; congestion is a queue that stands (the smallest
//! delay of many packets, as in CoDel, RFC 8289), so neither jitter nor a frame that leaves as a burst counts; the rate
//! falls to what arrived while the queue stood, which is what the link carries. Where a link becomes much slower, the first
//! frame that it holds up tells that sooner: its packets arrive evenly, one after the other, as fast as the link carries them.
//! And the rate grows by probes: packets sent once more (RTX), at the first frame after silence, to see whether the link
//! carries twice as much.

mod budget;
mod control;
mod delay;
mod estimator;
mod flow;
#[cfg(test)]
mod simulation;

pub(super) use control::{Control, Share};
pub(super) use estimator::{Estimator, Report};
pub(super) use flow::{Flow, Verdict};
