//! noVNC, for browsers and networks without WebRTC: its files, and a WebSocket that carries RFB (RFC 6143) to a VNC server
//! and back, byte for byte, as websockify does. The VNC server asks for a password of its own.

use std::io;
use std::path::PathBuf;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::headers::{Answer, text};
use super::listen::{Place, Stream};
use super::{Assets, Context};
use crate::selkiessignal::session;

/// Where noVNC looks for its WebSocket.
const SOCKET: &str = "/websockify";
/// Where its files are.
const FOLDER: &str = "/novnc/";
/// noVNC's page connects at once, and lets the screen follow the size of the window.
const PAGE: &str = "novnc/vnc.html?autoconnect=true&resize=scale&reconnect=true&path=";
/// Largest message of a client: a clipboard.
const MAX_MESSAGE: usize = 4 << 20;
/// Of the server's bytes in one message.
const CHUNK: usize = 64 * 1024;

/// A VNC server, and the client for it.
pub(in super::super) struct Vnc {
    server: Place,
    client: Assets,
}

impl Vnc {
    /// `client` is a folder with noVNC.
    pub(in super::super) fn new(server: Place, client: PathBuf) -> Self {
        Self { server, client: Assets::Directory(client) }
    }

    /// Whether a path is that of the WebSocket.
    pub(super) fn is_socket(path: &str) -> bool {
        path == SOCKET
    }

    /// The file for a path, where it is noVNC's. The front page is.
    pub(super) async fn serve(&self, base: &str, path: &str, request: &HeaderMap) -> Option<Answer> {
        if path == "/" {
            return Some(front_page(base));
        }
        let below = path.strip_prefix(FOLDER)?;
        Some(self.client.serve(below, request).await)
    }

    async fn connect(&self) -> io::Result<Box<dyn Stream>> {
        Ok(match &self.server {
            Place::Inet(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
            Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}

/// Sends the browser to noVNC, and tells that where its WebSocket is: it counts from the host on.
fn front_page(base: &str) -> Answer {
    let mut answer = text(StatusCode::FOUND, "noVNC\n");
    let socket = format!("{base}{SOCKET}");
    if let Ok(target) = HeaderValue::from_str(&format!("{PAGE}{}", socket.trim_start_matches('/'))) {
        answer.headers_mut().insert(header::LOCATION, target);
    }
    answer
}

/// A session's messages are small; pictures are not.
pub(super) fn limits() -> WebSocketConfig {
    session::limits().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE))
}

/// Carries bytes both ways until one side ends, or the desktop does.
pub(super) async fn carry<S>(socket: &mut WebSocketStream<S>, mut context: Context) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let site = context.site.clone();
    let connected = match &site.vnc {
        Some(vnc) => vnc.connect().await,
        None => Err(io::ErrorKind::NotFound.into()),
    };
    let mut server = match connected {
        Ok(server) => server,
        Err(error) => {
            // It may just be starting again.
            let reason = format!("the VNC server does not answer: {error}");
            return session::close(socket, CloseCode::Again, &reason).await;
        }
    };
    let mut chunk = vec![0; CHUNK];
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => server.write_all(&bytes).await?,
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                // RFB is bytes; the rest is the WebSocket's own.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
            },
            count = server.read(&mut chunk) => match count? {
                0 => return session::close(socket, CloseCode::Normal, "the VNC server has ended").await,
                count => socket.send(Message::binary(chunk[..count].to_vec())).await?,
            },
            () = context.stopped() => return session::close(socket, CloseCode::Away, "the desktop is going away").await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_front_page_is_novnc_and_knows_its_socket() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("vnc.html"), "noVNC").unwrap();
        let vnc = Vnc::new("unix:/run/vnc".parse().unwrap(), folder.path().into());
        for (base, path) in [("", "path=websockify"), ("/desk/1", "path=desk/1/websockify")] {
            let answer = vnc.serve(base, "/", &HeaderMap::new()).await.unwrap();
            assert_eq!(answer.status(), StatusCode::FOUND);
            let target = answer.headers()[header::LOCATION].to_str().unwrap();
            assert!(target.starts_with("novnc/vnc.html?") && target.ends_with(path), "{target}");
        }
        let file = vnc.serve("", "/novnc/vnc.html", &HeaderMap::new()).await.unwrap();
        assert_eq!(file.status(), StatusCode::OK);
        let outside = vnc.serve("", "/novnc/../secret.html", &HeaderMap::new()).await.unwrap();
        assert_eq!(outside.status(), StatusCode::NOT_FOUND);
        assert!(vnc.serve("", "/index.html", &HeaderMap::new()).await.is_none());
    }
}
