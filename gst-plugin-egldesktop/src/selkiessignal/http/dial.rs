//! Joins a Selkies signalling server: says who it is, calls the browser that is there, and serves it.
//!
//! As Selkies' own application does: uid 0 calls uid 1 for the picture, uid 2 calls uid 3 for the sound.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use futures_util::StreamExt as _;
use hyper::header::{AUTHORIZATION, HeaderValue};
use selkies_protocol::signalling::{CallAnswer, Hello};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::CAT;
use crate::selkiessignal::hub::Hub;
use crate::selkiessignal::roster::{Access, Caller};
use crate::selkiessignal::session;

/// Between two calls to a browser that is not there, and two attempts to connect.
const RETRY: Duration = Duration::from_secs(2);
/// How long the server may take to answer.
const ANSWER: Duration = Duration::from_secs(15);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The server to join. No `Debug`: it holds the password.
#[derive(Clone)]
pub(in super::super) struct Remote(Request);

/// Own uid and that of the browser to call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    Picture,
    Sound,
}

impl Line {
    fn uids(self) -> (u32, u32) {
        match self {
            Self::Picture => (0, 1),
            Self::Sound => (2, 3),
        }
    }
}

impl Remote {
    /// `uri` is `ws://…` or `wss://…`.
    pub(in super::super) fn new(uri: &str, login: Option<(&str, &str)>) -> Result<Self, Error> {
        let mut request = uri.into_client_request()?;
        if let Some((user, password)) = login {
            let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
            // Base64 is printable.
            let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).map_err(hyper::http::Error::from)?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(Self(request))
    }

    /// Keeps a line to the server until `stop`.
    pub(super) async fn keep(
        self,
        line: Line,
        hub: Arc<Hub>,
        mut stop: watch::Receiver<bool>,
        _alive: mpsc::Sender<()>,
    ) {
        loop {
            let mut stopping = stop.clone();
            let ended = self.call(line, &hub, async move { drop(stopping.wait_for(|stop| *stop).await) });
            if let Err(error) = ended.await {
                gst::warning!(CAT, "signalling server {}: {error}", self.0.uri());
            }
            if timeout(RETRY, stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    /// One connection, and the session that comes of it.
    async fn call(&self, line: Line, hub: &Arc<Hub>, stopped: impl Future<Output = ()>) -> Result<(), Error> {
        tokio::pin!(stopped);
        let connected = async {
            let connect = connect_async_with_config(self.0.clone(), Some(session::limits()), true);
            let (mut socket, _) = in_time(connect).await?;
            let hello = introduce(&mut socket, line).await?;
            Ok::<_, Error>((socket, hello))
        };
        let (mut socket, hello) = tokio::select! {
            connected = connected => connected?,
            () = &mut stopped => return Ok(()),
        };
        let caller = Caller { address: address(&socket), access: Access::Control, link: None };
        session::run(&mut socket, hub.clone(), hello, caller, stopped).await
    }
}

/// Says `HELLO`, and calls until the browser is there; returns what the browser said of itself.
async fn introduce(socket: &mut Socket, line: Line) -> Result<Hello, Error> {
    let (own, browser) = line.uids();
    session::send(socket, Message::text(format!("HELLO {own}"))).await?;
    loop {
        match in_time(answer(socket)).await? {
            CallAnswer::Hello => {}
            CallAnswer::Session(meta) => {
                let frame = format!("HELLO {browser} {}", meta.unwrap_or_default());
                // Metadata that is none is no reason to show nothing.
                let hello = Hello::parse(&frame).or_else(|_| Hello::parse(&format!("HELLO {browser}")));
                return hello.map_err(|_| Error::ConnectionClosed);
            }
            CallAnswer::Error(reason) => {
                gst::debug!(CAT, "nobody to call yet: {reason}");
                sleep(RETRY).await;
            }
        }
        session::send(socket, Message::text(format!("SESSION {browser}"))).await?;
    }
}

async fn answer(socket: &mut Socket) -> Result<CallAnswer, Error> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(frame))) => {
                if let Some(answer) = CallAnswer::parse(&frame) {
                    return Ok(answer);
                }
            }
            Some(Ok(Message::Close(_))) | None => return Err(Error::ConnectionClosed),
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error),
        }
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(ANSWER, work).await.unwrap_or_else(|late| Err(Error::Io(late.into())))
}

/// The server's address: where the browser is, only it knows.
fn address(socket: &Socket) -> IpAddr {
    let stream = match socket.get_ref() {
        MaybeTlsStream::Plain(stream) => Some(stream),
        MaybeTlsStream::Rustls(stream) => Some(stream.get_ref().0),
        _ => None,
    };
    stream.and_then(|stream| stream.peer_addr().ok()).map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip())
}
