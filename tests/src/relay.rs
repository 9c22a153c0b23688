//! A signalling server as Selkies has one: it introduces two peers, and passes on what they say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::tungstenite::Message;

/// A running server; ends on drop.
#[derive(Debug)]
pub struct Relay {
    /// `127.0.0.1:1234`
    pub address: String,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Peers {
    /// By uid: how to reach it, and what it said in its `HELLO`.
    present: HashMap<String, (UnboundedSender<String>, String)>,
    partners: HashMap<String, String>,
}

type Shared = Arc<Mutex<Peers>>;

impl Relay {
    /// Starts one on the loopback.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let peers = Shared::default();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peers = peers.clone();
                tokio::spawn(async move { serve(stream, &peers).await });
            }
        });
        Ok(Self { address, task })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, peers: &Shared) -> Result<()> {
    let mut socket = tokio_tungstenite::accept_async(stream).await?;
    let (sender, mut outgoing) = unbounded_channel();
    let first = socket.next().await.context("no HELLO")??.into_text()?;
    let mut words = first.split(' ').skip(1);
    let uid = words.next().context("no uid")?.to_owned();
    let meta = words.next().unwrap_or_default().to_owned();
    lock(peers).present.insert(uid.clone(), (sender, meta));
    socket.send(Message::text("HELLO")).await?;
    loop {
        tokio::select! {
            Some(text) = outgoing.recv() => socket.send(Message::text(text)).await?,
            message = socket.next() => {
                let Some(Ok(message)) = message else { break };
                let Message::Text(text) = message else { continue };
                let reply = lock(peers).handle(&uid, &text);
                if let Some(reply) = reply {
                    socket.send(Message::text(reply)).await?;
                }
            }
        }
    }
    lock(peers).present.remove(&uid);
    Ok(())
}

fn lock(peers: &Shared) -> std::sync::MutexGuard<'_, Peers> {
    peers.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peers {
    fn handle(&mut self, uid: &str, text: &str) -> Option<String> {
        if let Some(callee) = text.strip_prefix("SESSION ") {
            let Some((_, meta)) = self.present.get(callee) else {
                return Some(format!("ERROR peer '{callee}' not found"));
            };
            let reply = format!("SESSION_OK {meta}");
            self.partners.insert(uid.to_owned(), callee.to_owned());
            self.partners.insert(callee.to_owned(), uid.to_owned());
            return Some(reply);
        }
        let partner = self.partners.get(uid)?;
        let _ = self.present.get(partner)?.0.send(text.to_owned());
        None
    }
}
