//! A player's session (WHEP). No socket holds it: it lasts until its player ends it, or is not heard any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::blocking;
use super::news::{News, Told};
use crate::selkiessignal::http::CAT;
use crate::selkiessignal::hub::Hub;
use crate::selkiessignal::viewer::{Connection as _, Player};

/// How often it is looked whether the player is still there.
const LOOK: Duration = Duration::from_secs(5);
/// A player that is not heard for so long is gone, or found no way here. It says something every few seconds.
const SILENCE: Duration = Duration::from_secs(30);

/// What ends a session from outside: the sender is told when it has ended.
pub(in super::super) type End = oneshot::Sender<()>;

/// Keeps a session until it ends.
pub(in super::super) async fn run(
    hub: Arc<Hub>,
    player: Arc<Player>,
    mut failures: mpsc::Receiver<String>,
    mut ends: mpsc::Receiver<End>,
    stopped: impl Future<Output = ()>,
) {
    let id = player.id();
    let (mut news, mut look) = (News::of(&hub), tokio::time::interval(LOOK));
    tokio::pin!(stopped);
    let mut asked = None;
    let reason = loop {
        tokio::select! {
            () = &mut stopped => break "the desktop is going away".to_owned(),
            end = ends.recv() => {
                asked = end;
                break "it has left".to_owned();
            }
            failure = failures.recv() => break failure.unwrap_or_default(),
            piece = news.next() => match news.tell(piece, &player).await {
                Told::GoesOn => {}
                Told::Kicked => break super::KICKED_TEXT.to_owned(),
                Told::Outdated => break super::OUTDATED_TEXT.to_owned(),
            },
            _ = look.tick() => if player.silence() > SILENCE {
                break "silence".to_owned();
            }
        }
    };
    gst::info!(CAT, "the session of player {id} ends: {reason}");
    // The last reference, so that the pipeline ends here and not on a thread of the runtime.
    blocking(move || drop(player)).await;
    if let Some(asked) = asked {
        let _ = asked.send(());
    }
}
