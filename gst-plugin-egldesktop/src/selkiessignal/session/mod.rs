//! One session over a signalling socket, whoever opened it: from what was said in `HELLO` to its end.

mod news;
pub(super) mod player;
mod socket;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use selkies_protocol::signalling::{Hello, PeerMessage, Transport, error_frame, session_answer};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::http::CAT;
use super::hub::{Hub, SessionError};
use super::roster::Caller;
use super::viewer::{Connection, Outgoing, Viewer};
use news::{News, Told};

/// The largest frame of a browser: an SDP answer with all its candidates has some 10 kB.
const MAX_MESSAGE: usize = 256 * 1024;
/// Per connection; most hold one short message.
const BUFFER: usize = 4 * 1024;
/// Keeps proxies from closing a silent connection, and notices a browser that is gone.
const PING_INTERVAL: Duration = Duration::from_secs(5);
/// Without any frame, not even a pong, the browser is gone.
const SILENCE: Duration = Duration::from_secs(20);
/// A peer that does not take a frame for so long is gone as well.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// What is read and thrown away after a close frame, in bytes and time: data that nobody has read makes the kernel reset
/// the connection, and the peer may lose the frame.
const LINGER: (usize, Duration) = (16 * 1024 * 1024, Duration::from_secs(2));

/// The session was ended by who controls the desktop.
const KICKED: CloseCode = CloseCode::Library(4001);
const KICKED_TEXT: &str = "ended by who controls the desktop";
const OUTDATED_TEXT: &str = "the desktop has another encoder now";

/// What every signalling socket is limited to.
pub(super) fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
}

/// Serves a peer until it leaves, or `stopped` does.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    hub: Arc<Hub>,
    hello: Hello,
    caller: Caller,
    stopped: impl Future<Output = ()>,
) -> Result<(), Error> {
    let address = caller.address;
    gst::info!(CAT, "{address} wants {:?} by {:?}", hello.media, hello.transport);
    if !hub.transport().offers(hello.transport) {
        return fail(socket, CloseCode::Policy, &SessionError::NotOffered.to_string()).await;
    }
    if hello.transport == Transport::WebSocket {
        return socket::run(socket, hub, hello, caller, stopped).await;
    }
    // What webrtcbin's threads have to say. Bounded: they have a few dozen candidates, and an end.
    let (outgoing, mut frames) = mpsc::channel(256);
    let viewer = match hub.sources(hello.media).await {
        // Building pipelines takes locks and milliseconds.
        Ok(sources) => {
            let hub = hub.clone();
            blocking(move || Viewer::start(&hub, &hello, sources, caller, outgoing)).await
        }
        Err(error) => Err(error),
    };
    let viewer = match viewer {
        Ok(viewer) => Arc::new(viewer),
        Err(error) => {
            gst::warning!(CAT, "no session for {address}: {error}");
            return fail(socket, CloseCode::Again, &error.to_string()).await;
        }
    };

    let session: Arc<dyn Connection> = viewer.clone();
    hub.register(&session);
    drop(session);
    let result = relay(socket, &hub, &viewer, &mut frames, stopped).await;
    gst::info!(CAT, "{address} left");
    // The last reference, so that the pipeline ends here and not on a thread of the runtime.
    blocking(move || drop(viewer)).await;
    result
}

async fn relay<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    hub: &Hub,
    viewer: &Arc<Viewer>,
    frames: &mut mpsc::Receiver<Outgoing>,
    stopped: impl Future<Output = ()>,
) -> Result<(), Error> {
    tokio::pin!(stopped);
    let mut ping = tokio::time::interval(PING_INTERVAL);
    let mut heard = Instant::now();
    let mut news = News::of(hub);
    loop {
        tokio::select! {
            () = &mut stopped => {
                return close(socket, CloseCode::Away, "the desktop is going away").await;
            }
            frame = frames.recv() => match frame {
                Some(Outgoing::Frame(frame)) => send(socket, Message::text(frame)).await?,
                Some(Outgoing::Failed(reason)) => {
                    gst::warning!(CAT, "viewer {} failed: {reason}", viewer.id());
                    return fail(socket, CloseCode::Error, &reason).await;
                }
                None => return Ok(()),
            },
            piece = news.next() => {
                match news.tell(piece, viewer).await {
                    Told::GoesOn => {}
                    Told::Kicked => return close(socket, KICKED, KICKED_TEXT).await,
                    Told::Outdated => return part(socket, CloseCode::Restart, OUTDATED_TEXT).await,
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE {
                    return close(socket, CloseCode::Away, "silence").await;
                }
                send(socket, Message::Ping(Default::default())).await?;
            }
            message = socket.next() => {
                heard = Instant::now();
                match message {
                    Some(Ok(Message::Text(frame))) => {
                        if let Some(answer) = session_answer(&frame) {
                            send(socket, Message::text(answer)).await?;
                            continue;
                        }
                        let Ok(message) = PeerMessage::parse(&frame) else {
                            return close(socket, CloseCode::Invalid, "invalid message").await;
                        };
                        let viewer = viewer.clone();
                        if let Err(reason) = blocking(move || viewer.receive(message)).await {
                            gst::warning!(CAT, "a session ends: {reason}");
                            return fail(socket, CloseCode::Policy, &reason).await;
                        }
                    }
                    Some(Ok(Message::Binary(_))) => {
                        return close(socket, CloseCode::Unsupported, "text only").await;
                    }
                    Some(Ok(Message::Close(_))) | None => return Ok(()),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return refuse(socket, error).await,
                }
            }
        }
    }
}

/// Tells the peer what it did wrong, where the socket still allows it.
pub(super) async fn refuse<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    error: Error,
) -> Result<(), Error> {
    let (code, reason) = match error {
        Error::Capacity(_) => (CloseCode::Size, "message too long"),
        Error::Utf8(_) => (CloseCode::Invalid, "no UTF-8"),
        Error::Protocol(_) => (CloseCode::Protocol, "invalid protocol"),
        error => return Err(error),
    };
    close(socket, code, reason).await
}

/// Says why in both ways: `ERROR` is what Selkies' clients show.
async fn fail<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error> {
    send(socket, Message::text(error_frame(reason))).await?;
    close(socket, code, reason).await
}

pub(super) async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    message: Message,
) -> Result<(), Error> {
    in_time(socket.send(message)).await
}

/// Closes a socket on which nothing went wrong. A browser tells its page only when the connection is gone, so that ends as
/// soon as the browser has answered.
async fn part<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error> {
    say_goodbye(socket, code, reason).await?;
    let answered = async { while let Some(Ok(_)) = socket.next().await {} };
    let _ = timeout(LINGER.1, answered).await;
    Ok(())
}

async fn say_goodbye<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error> {
    // Close reasons have at most 123 bytes (RFC 6455 §5.5).
    let end = reason.char_indices().map(|(at, char)| at + char.len_utf8()).take_while(|end| *end <= 123).last();
    let reason = reason[..end.unwrap_or(0)].to_owned().into();
    in_time(socket.close(Some(CloseFrame { code, reason }))).await
}

/// Closes a socket, whatever its peer still sends.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<S>,
    code: CloseCode,
    reason: &str,
) -> Result<(), Error> {
    say_goodbye(socket, code, reason).await?;
    let drain = async {
        let (stream, mut left, mut scrap) = (socket.get_mut(), LINGER.0, [0; BUFFER]);
        while let Ok(read @ 1..) = stream.read(&mut scrap).await
            && left > 0
        {
            left = left.saturating_sub(read);
        }
    };
    let _ = timeout(LINGER.1, drain).await;
    Ok(())
}

async fn in_time(sent: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    timeout(SEND_TIMEOUT, sent).await.unwrap_or_else(|late| Err(Error::Io(late.into())))
}

/// Runs what may block away from the threads that serve connections.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends before the work began, and drops who waits for it as well.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::blocking;

    #[test]
    fn work_that_comes_after_the_end_of_the_runtime_is_no_panic() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("no runtime");
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _entered = handle.enter();
        let mut waiting = pin!(blocking(|| ()));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}
