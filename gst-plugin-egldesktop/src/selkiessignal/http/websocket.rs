//! The signalling WebSocket of one browser, from `HELLO` to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::upgrade::Upgraded;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use selkies_protocol::signalling::{Hello, PeerMessage, error_frame};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::headers::{Answer, text};
use super::{CAT, Context};
use crate::selkiessignal::viewer::{Outgoing, Viewer};

/// The largest frame of a browser: an SDP answer with all its candidates has some 10 kB.
const MAX_MESSAGE: usize = 256 * 1024;
/// How long a browser may take to say `HELLO`.
const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// Keeps proxies from closing a silent connection, and notices a browser that is gone.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// Without any frame, not even a pong, the browser is gone.
const SILENCE: Duration = Duration::from_secs(40);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Answers the handshake (RFC 6455 §4.2.2) and goes on with the session in a task of its own.
pub(super) fn upgrade(mut request: Request<Incoming>, context: Context) -> Answer {
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

    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let config =
                    WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE));
                let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
                let peer = context.peer;
                if let Err(error) = session(socket, context).await {
                    gst::debug!(CAT, "session of {peer}: {error}");
                }
            }
            Err(error) => gst::debug!(CAT, "no WebSocket with {}: {error}", context.peer),
        }
    });

    let mut answer = text(StatusCode::SWITCHING_PROTOCOLS, "");
    let headers = answer.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    answer
}

async fn session(mut socket: Socket, mut context: Context) -> Result<(), Error> {
    let hello = match timeout(HELLO_TIMEOUT, socket.next()).await {
        Ok(Some(Ok(Message::Text(frame)))) => Hello::parse(&frame),
        _ => return close(&mut socket, CloseCode::Protocol, "invalid protocol").await,
    };
    let hello = match hello {
        Ok(hello) => hello,
        Err(error) => return close(&mut socket, CloseCode::Protocol, &error.to_string()).await,
    };
    gst::info!(CAT, "{} wants {:?}", context.peer, hello.media);
    socket.send(Message::text("HELLO")).await?;

    // What webrtcbin's threads have to say. Bounded: they have a few dozen candidates, and an end.
    let (outgoing, mut frames) = mpsc::channel(256);
    let hub = context.site.hub.clone();
    let viewer = match hub.sources(hello.media).await {
        // Building pipelines takes locks and milliseconds.
        Ok(sources) => {
            let peer = context.peer.ip();
            blocking(move || Viewer::start(&hub, &hello, sources, peer, outgoing)).await
        }
        Err(error) => Err(error),
    };
    let viewer = match viewer {
        Ok(viewer) => Arc::new(viewer),
        Err(error) => {
            gst::warning!(CAT, "no session for {}: {error}", context.peer);
            socket.send(Message::text(error_frame(&error.to_string()))).await?;
            return close(&mut socket, CloseCode::Again, &error.to_string()).await;
        }
    };

    let result = relay(&mut socket, &viewer, &mut frames, &mut context).await;
    gst::info!(CAT, "{} left", context.peer);
    // The last reference, so that the pipeline ends here and not on a thread of the runtime.
    blocking(move || drop(viewer)).await;
    result
}

async fn relay(
    socket: &mut Socket,
    viewer: &Arc<Viewer>,
    frames: &mut mpsc::Receiver<Outgoing>,
    context: &mut Context,
) -> Result<(), Error> {
    let mut ping = tokio::time::interval(PING_INTERVAL);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            () = context.stopped() => {
                return close(socket, CloseCode::Away, "the desktop is going away").await;
            }
            frame = frames.recv() => match frame {
                Some(Outgoing::Frame(frame)) => socket.send(Message::text(frame)).await?,
                Some(Outgoing::Failed(reason)) => {
                    gst::warning!(CAT, "session of {} failed: {reason}", context.peer);
                    socket.send(Message::text(error_frame(&reason))).await?;
                    return close(socket, CloseCode::Error, &reason).await;
                }
                None => return Ok(()),
            },
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE {
                    return close(socket, CloseCode::Away, "silence").await;
                }
                socket.send(Message::Ping(Default::default())).await?;
            }
            message = socket.next() => match message {
                Some(Ok(Message::Text(frame))) => match PeerMessage::parse(&frame) {
                    Ok(message) => {
                        let viewer = viewer.clone();
                        if let Err(reason) = blocking(move || viewer.receive(message)).await {
                            gst::warning!(CAT, "session of {} ends: {reason}", context.peer);
                            socket.send(Message::text(error_frame(&reason))).await?;
                            return close(socket, CloseCode::Policy, &reason).await;
                        }
                    }
                    Err(error) => gst::warning!(CAT, "{}: {error}", context.peer),
                },
                Some(Ok(Message::Close(_))) | None => return Ok(()),
                Some(Ok(_)) => heard = Instant::now(),
                Some(Err(error)) => return Err(error),
            },
        }
    }
}

/// Close reasons have at most 123 bytes (RFC 6455 §5.5).
async fn close(socket: &mut Socket, code: CloseCode, reason: &str) -> Result<(), Error> {
    let end = reason.char_indices().map(|(at, char)| at + char.len_utf8()).take_while(|end| *end <= 123).last();
    let reason = reason[..end.unwrap_or(0)].to_owned().into();
    socket.close(Some(CloseFrame { code, reason })).await
}

/// Runs what may block away from the threads that serve connections.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
