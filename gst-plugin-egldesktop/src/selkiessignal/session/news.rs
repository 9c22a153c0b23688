//! What every session tells its browser while it lasts, whatever carries it.

use std::sync::Arc;

use selkies_protocol::control::{GpuStatistics, SystemStatistics};
use tokio::sync::watch;

use super::super::encoders::Encoders;
use super::super::hub::Hub;
use super::super::roster::Roster;
use super::super::settings::Tuning;
use super::super::viewer::Connection;
use super::blocking;

/// See the module.
pub(super) struct News {
    roster: watch::Receiver<Roster>,
    tuning: watch::Receiver<Tuning>,
    encoders: watch::Receiver<Encoders>,
    /// The caps of the picture.
    picture: Option<watch::Receiver<Option<gst::Caps>>>,
    gpu: watch::Receiver<Option<GpuStatistics>>,
    machine: watch::Receiver<Option<SystemStatistics>>,
}

/// Something has changed.
pub(super) enum Piece {
    Roster,
    Tuning,
    Encoders,
    /// The picture has these caps from now on.
    Picture(gst::Caps),
    Message(Option<String>),
}

/// What becomes of the session.
pub(super) enum Told {
    GoesOn,
    /// Who controls the desktop has ended it.
    Kicked,
    /// The picture is of another codec now, which needs another session.
    Outdated,
}

impl News {
    pub(super) fn of(hub: &Hub) -> Self {
        let (encoders, picture) = (hub.encoders(), hub.video().map(|video| video.caps()));
        let (gpu, machine) = (hub.gpu(), hub.machine());
        Self { roster: hub.roster(), tuning: hub.tuning(), encoders, picture, gpu, machine }
    }

    /// Waits for the next piece. Nothing is lost where this is dropped.
    pub(super) async fn next(&mut self) -> Piece {
        tokio::select! {
            Ok(()) = self.roster.changed() => Piece::Roster,
            Ok(()) = self.tuning.changed() => {
                self.tuning.mark_unchanged();
                Piece::Tuning
            }
            Ok(()) = self.encoders.changed() => {
                self.encoders.mark_unchanged();
                Piece::Encoders
            }
            Some(caps) = next_caps(&mut self.picture) => Piece::Picture(caps),
            Ok(()) = self.gpu.changed() => {
                Piece::Message(self.gpu.borrow_and_update().map(|statistics| statistics.to_message()))
            }
            Ok(()) = self.machine.changed() => {
                Piece::Message(self.machine.borrow_and_update().map(|statistics| statistics.to_message()))
            }
            else => std::future::pending().await,
        }
    }

    /// Tells a viewer. It may be none any more.
    pub(super) async fn tell(&mut self, piece: Piece, viewer: &Arc<impl Connection + 'static>) -> Told {
        if matches!(piece, Piece::Roster) && !self.roster.borrow_and_update().contains(viewer.id()) {
            return Told::Kicked;
        }
        if let Piece::Picture(caps) = &piece
            && viewer.is_outdated(caps)
        {
            return Told::Outdated;
        }
        let viewer = viewer.clone();
        blocking(move || match piece {
            Piece::Roster => viewer.roster_changed(),
            Piece::Tuning => viewer.tuning_changed(),
            Piece::Encoders | Piece::Picture(_) => viewer.encoders_changed(),
            Piece::Message(message) => message.into_iter().for_each(|message| viewer.tell(&message)),
        })
        .await;
        Told::GoesOn
    }
}

/// Those of the next picture that has others than the one before; none where there is no picture.
async fn next_caps(picture: &mut Option<watch::Receiver<Option<gst::Caps>>>) -> Option<gst::Caps> {
    let picture = picture.as_mut()?;
    loop {
        picture.changed().await.ok()?;
        if let Some(caps) = picture.borrow_and_update().clone() {
            return Some(caps);
        }
    }
}
