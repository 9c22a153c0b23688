//! A viewer over the WebSocket, without a browser: it decodes nothing, and says what it has got, or keeps that to itself.

use anyhow::{Context as _, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::PATIENCE;
use crate::desktop::{PASSWORD, USER};
use crate::native::{Socket, close_of, hello, open_socket};

/// Kind, flags and the rest before an encoded frame, in bytes.
const HEADER: usize = 16;

/// A connected viewer.
#[derive(Debug)]
pub struct SocketViewer {
    socket: Socket,
}

/// Something from the server.
#[derive(Debug)]
pub enum Received {
    /// A message as on a data channel.
    Text(Value),
    /// An encoded frame.
    Frame {
        /// Of the picture, else of the sound.
        video: bool,
        /// Whether it needs none before it.
        keyframe: bool,
        /// Counts all frames.
        sequence: u32,
        /// The frame itself.
        data: Vec<u8>,
    },
    /// The connection has ended, with this code and reason.
    End(Option<(u16, String)>),
}

impl SocketViewer {
    /// Connects with the password of [`crate::desktop`]'s desktops, and with more metadata than the transport.
    pub async fn start(address: &str, mut meta: Value) -> Result<Self> {
        meta["transport"] = "websocket".into();
        if meta.get("media").is_none() {
            meta["media"] = json!(["video"]);
        }
        let (mut socket, _) = open_socket(address, "/webrtc/signalling/", Some((USER, PASSWORD))).await?;
        socket.send(Message::text(hello(&meta))).await?;
        let answer = timeout(PATIENCE, socket.next()).await.context("no answer")?.context("closed")??;
        ensure!(answer == Message::text("HELLO"), "{answer:?}");
        Ok(Self { socket })
    }

    /// The next thing from the server; `None` where nothing comes for so long.
    pub async fn next(&mut self, patience: Duration) -> Result<Option<Received>> {
        loop {
            let Ok(next) = timeout(patience, self.socket.next()).await else { return Ok(None) };
            return Ok(Some(match next {
                Some(Ok(Message::Text(text))) => {
                    Received::Text(serde_json::from_str(&text).with_context(|| text.to_string())?)
                }
                Some(Ok(Message::Binary(bytes))) => {
                    let (header, data) = bytes.split_at_checked(HEADER).context("shorter than a header")?;
                    Received::Frame {
                        video: header[0] == 1,
                        keyframe: header[1] == 1,
                        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
                        data: data.to_vec(),
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    Received::End(frame.map(|frame| (frame.code.into(), frame.reason.to_string())))
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Received::End(None),
            }));
        }
    }

    /// Says that everything up to this frame has arrived.
    pub async fn acknowledge(&mut self, sequence: u32) -> Result<()> {
        let [a, b, c, d] = sequence.to_be_bytes();
        self.send_binary(&[1, 0, 0, 0, a, b, c, d]).await
    }

    /// Sends a binary frame.
    pub async fn send_binary(&mut self, frame: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(frame.to_vec())).await?)
    }

    /// Sends a message as on a data channel.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.socket.send(Message::text(text)).await?)
    }

    /// Reads on, and says what has arrived, until `pick` likes something.
    pub async fn find<T>(&mut self, mut pick: impl FnMut(&Received) -> Option<T>) -> Result<T> {
        let find = async {
            loop {
                let received = self.next(PATIENCE).await?.context("nothing comes")?;
                if let Received::Frame { sequence, .. } = received {
                    self.acknowledge(sequence).await?;
                }
                if let Some(found) = pick(&received) {
                    return Ok(found);
                }
                if let Received::End(end) = received {
                    bail!("the session ends: {end:?}");
                }
            }
        };
        timeout(PATIENCE, find).await.context("it does not come")?
    }

    /// Waits until it is told that it controls the desktop, or does not; returns who is there.
    pub async fn wait_for_control(&mut self, control: bool) -> Result<Value> {
        let viewers = self.find(|received| match received {
            Received::Text(message) if message["type"] == "viewers" && message["data"]["control"] == control => {
                Some(message["data"].clone())
            }
            _ => None,
        });
        viewers.await
    }

    /// Waits until this many pictures have come.
    pub async fn wait_for_frames(&mut self, count: usize) -> Result<()> {
        let mut left = count;
        self.find(|received| {
            left -= usize::from(matches!(received, Received::Frame { video: true, .. }));
            (left == 0).then_some(())
        })
        .await
    }

    /// What the server closes with.
    pub async fn wait_for_end(&mut self) -> Result<Option<(u16, String)>> {
        close_of(&mut self.socket).await
    }
}
