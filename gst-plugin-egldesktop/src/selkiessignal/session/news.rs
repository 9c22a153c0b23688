//! What every session tells its browser while it lasts, whatever carries it.

use std::sync::Arc;

use selkies_protocol::control::{GpuStatistics, SystemStatistics};
use tokio::sync::watch;

use super::super::hub::Hub;
use super::super::roster::Roster;
use super::super::settings::Tuning;
use super::super::viewer::Connection;
use super::blocking;

/// See the module.
pub(super) struct News {
    roster: watch::Receiver<Roster>,
    tuning: watch::Receiver<Tuning>,
    gpu: watch::Receiver<Option<GpuStatistics>>,
    machine: watch::Receiver<Option<SystemStatistics>>,
}

/// Something has changed.
pub(super) enum Piece {
    Roster,
    Tuning,
    Message(Option<String>),
}

impl News {
    pub(super) fn of(hub: &Hub) -> Self {
        Self { roster: hub.roster(), tuning: hub.tuning(), gpu: hub.gpu(), machine: hub.machine() }
    }

    /// Waits for the next piece. Nothing is lost where this is dropped.
    pub(super) async fn next(&mut self) -> Piece {
        tokio::select! {
            Ok(()) = self.roster.changed() => Piece::Roster,
            Ok(()) = self.tuning.changed() => {
                self.tuning.mark_unchanged();
                Piece::Tuning
            }
            Ok(()) = self.gpu.changed() => {
                Piece::Message(self.gpu.borrow_and_update().map(|statistics| statistics.to_message()))
            }
            Ok(()) = self.machine.changed() => {
                Piece::Message(self.machine.borrow_and_update().map(|statistics| statistics.to_message()))
            }
            else => std::future::pending().await,
        }
    }

    /// Tells a viewer. False where it is none any more.
    pub(super) async fn tell(&mut self, piece: Piece, viewer: &Arc<impl Connection + 'static>) -> bool {
        if matches!(piece, Piece::Roster) && !self.roster.borrow_and_update().contains(viewer.id()) {
            return false;
        }
        let viewer = viewer.clone();
        blocking(move || match piece {
            Piece::Roster => viewer.roster_changed(),
            Piece::Tuning => viewer.tuning_changed(),
            Piece::Message(message) => message.into_iter().for_each(|message| viewer.tell(&message)),
        })
        .await;
        true
    }
}
