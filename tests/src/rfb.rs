//! A VNC client through a WebSocket: the handshake of RFB 3.8 (RFC 6143), and what it says of the screen.

use anyhow::{Context as _, Result, bail, ensure};
use des::Des;
use des::cipher::{Block, BlockCipherEncrypt as _, KeyInit as _};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::PATIENCE;
use crate::native::open_socket;

/// VNC authentication (RFC 6143 §7.2.2).
const VNC_AUTHENTICATION: u8 = 2;

/// A connection to a VNC server.
#[derive(Debug)]
pub struct Rfb {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    received: Vec<u8>,
    /// Of the screen, in pixels.
    pub size: (u16, u16),
}

impl Rfb {
    /// Connects through `/websockify`, with the HTTP login and the VNC password. `None` where the VNC server refuses the
    /// password.
    pub async fn connect(address: &str, login: (&str, &str), password: &str) -> Result<Option<Self>> {
        let (socket, _) = open_socket(address, "/websockify", Some(login)).await?;
        let mut this = Self { socket, received: Vec::new(), size: (0, 0) };
        let version = this.read(12).await?;
        ensure!(version == b"RFB 003.008\n", "{version:?}");
        this.write(&version).await?;
        let count = this.read(1).await?[0];
        let types = this.read(count.into()).await?;
        ensure!(types == [VNC_AUTHENTICATION], "security types {types:?}");
        this.write(&types).await?;
        let challenge = this.read(16).await?;
        this.write(&response(&challenge, password)?).await?;
        if this.read(4).await? != [0; 4] {
            return Ok(None);
        }
        // Shared.
        this.write(&[1]).await?;
        let init = this.read(24).await?;
        this.size = (u16::from_be_bytes([init[0], init[1]]), u16::from_be_bytes([init[2], init[3]]));
        let name = u32::from_be_bytes([init[20], init[21], init[22], init[23]]);
        this.read(name as usize).await?;
        Ok(Some(this))
    }

    /// Moves the pointer.
    pub async fn point(&mut self, x: u16, y: u16) -> Result<()> {
        let ([x0, x1], [y0, y1]) = (x.to_be_bytes(), y.to_be_bytes());
        self.write(&[5, 0, x0, x1, y0, y1]).await
    }

    /// Asks for the whole screen, and waits for the answer: the server has seen whatever was sent before.
    pub async fn update(&mut self) -> Result<()> {
        let ([w0, w1], [h0, h1]) = (self.size.0.to_be_bytes(), self.size.1.to_be_bytes());
        self.write(&[3, 0, 0, 0, 0, 0, w0, w1, h0, h1]).await?;
        let head = self.read(4).await?;
        ensure!(head[0] == 0, "message {}", head[0]);
        for _ in 0..u16::from_be_bytes([head[2], head[3]]) {
            let rectangle = self.read(12).await?;
            ensure!(rectangle[8..] == [0; 4], "not the raw encoding");
            let side = |at: usize| usize::from(u16::from_be_bytes([rectangle[at], rectangle[at + 1]]));
            self.read(side(4) * side(6) * 4).await?;
        }
        Ok(())
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(bytes.to_vec())).await?)
    }

    async fn read(&mut self, count: usize) -> Result<Vec<u8>> {
        while self.received.len() < count {
            let message = timeout(PATIENCE, self.socket.next()).await.context("the VNC server is silent")?;
            match message.context("the WebSocket has ended")?? {
                Message::Binary(bytes) => self.received.extend_from_slice(&bytes),
                other => bail!("{other:?}"),
            }
        }
        let rest = self.received.split_off(count);
        Ok(std::mem::replace(&mut self.received, rest))
    }
}

/// The challenge, encrypted with the password: eight bytes of it, each with its bits in reverse.
fn response(challenge: &[u8], password: &str) -> Result<Vec<u8>> {
    let mut key = [0; 8];
    for (key, byte) in key.iter_mut().zip(password.bytes()) {
        *key = byte.reverse_bits();
    }
    let cipher = Des::new_from_slice(&key)?;
    let mut response = Vec::new();
    for part in challenge.chunks(8) {
        let mut block = Block::<Des>::try_from(part)?;
        cipher.encrypt_block(&mut block);
        response.extend_from_slice(&block);
    }
    Ok(response)
}
