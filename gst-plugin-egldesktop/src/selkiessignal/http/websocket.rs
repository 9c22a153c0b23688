//! The handshake of a WebSocket, and the first frame of one for signalling.

use std::time::Duration;

use futures_util::StreamExt as _;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::Upgraded;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use selkies_protocol::signalling::Hello;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::headers::{Answer, text};
use super::{CAT, Context, vnc};
use crate::selkiessignal::roster::Caller;
use crate::selkiessignal::session;

/// How long a browser may take to say `HELLO`.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// What a WebSocket is for.
pub(super) enum Use {
    /// A session by WebRTC, of this caller.
    Signalling(Caller),
    /// RFB.
    Vnc,
}

/// Answers the handshake (RFC 6455 §4.2.2) and goes on with the session in a task of its own.
pub(super) fn upgrade(mut request: Request<Incoming>, context: Context, purpose: Use) -> Answer {
    let is = |name, value: &str| {
        let field = request.headers().get(name).and_then(|field| field.to_str().ok()).unwrap_or("");
        field.split(',').any(|token| token.trim().eq_ignore_ascii_case(value))
    };
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let handshake = is(header::UPGRADE, "websocket")
        && is(header::CONNECTION, "upgrade")
        && is(header::SEC_WEBSOCKET_VERSION, "13");
    let Some(key) = key.filter(|_| handshake).and_then(|key| HeaderValue::from_str(&key).ok()) else {
        return text(StatusCode::UPGRADE_REQUIRED, "This path is a WebSocket\n");
    };

    // The name that websockify's clients offer for what they would do anyway.
    let binary = is(header::SEC_WEBSOCKET_PROTOCOL, "binary") && matches!(purpose, Use::Vnc);

    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let peer = context.peer;
        let io = match upgrade.await {
            Ok(upgraded) => TokioIo::new(upgraded),
            Err(error) => return gst::debug!(CAT, "no WebSocket with {peer}: {error}"),
        };
        let limits = if matches!(purpose, Use::Vnc) { vnc::limits() } else { session::limits() };
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, Some(limits)).await;
        let ended = match purpose {
            Use::Signalling(caller) => serve(socket, context, caller).await,
            Use::Vnc => vnc::carry(&mut socket, context).await,
        };
        if let Err(error) = ended {
            gst::debug!(CAT, "session of {peer}: {error}");
        }
    });

    let mut answer = text(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    if binary {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("binary"));
    }
    answer
}

async fn serve(mut socket: Socket, mut context: Context, caller: Caller) -> Result<(), Error> {
    let first = tokio::select! {
        first = timeout(HELLO_TIMEOUT, socket.next()) => first,
        () = context.stopped() => return session::close(&mut socket, CloseCode::Away, "the desktop is going away").await,
    };
    let hello = match first {
        Ok(Some(Ok(Message::Text(frame)))) => Hello::parse(&frame),
        Ok(Some(Err(error))) => return session::refuse(&mut socket, error).await,
        _ => return session::close(&mut socket, CloseCode::Protocol, "invalid protocol").await,
    };
    let hello = match hello {
        Ok(hello) => hello,
        Err(error) => return session::close(&mut socket, CloseCode::Protocol, &error.to_string()).await,
    };
    session::send(&mut socket, Message::text("HELLO")).await?;
    let hub = context.site.hub.clone();
    session::run(&mut socket, hub, hello, caller, async move { context.stopped().await }).await
}
