//! A session of which picture, sound and messages travel over the WebSocket. Reading and writing go on beside each other: a
//! network that takes no picture at the moment holds up no key.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use selkies_protocol::signalling::Hello;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::news::{News, Told};
use super::{KICKED, KICKED_TEXT, OUTDATED_TEXT, PING_INTERVAL, SILENCE, blocking, close, fail, in_time, part, refuse};
use crate::selkiessignal::http::CAT;
use crate::selkiessignal::hub::Hub;
use crate::selkiessignal::roster::Caller;
use crate::selkiessignal::viewer::{Connection, FromSocket, SocketViewer};

/// Between two messages with the numbers of the connection; and how often the first keyframe is asked for.
const NUMBERS_INTERVAL: Duration = Duration::from_secs(1);
const INSIST_INTERVAL: Duration = Duration::from_millis(100);

/// How it ended.
enum End {
    Left,
    Broken(Error),
    Close(CloseCode, &'static str),
    Fail(CloseCode, String),
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
    let started = match hub.sources(hello.media).await {
        Ok(sources) => {
            let hub = hub.clone();
            blocking(move || SocketViewer::start(&hub, &hello, sources, caller)).await
        }
        Err(error) => Err(error),
    };
    let (viewer, queue) = match started {
        Ok((viewer, queue)) => (Arc::new(viewer), queue),
        Err(error) => {
            gst::warning!(CAT, "no session for {address}: {error}");
            return fail(socket, CloseCode::Again, &error.to_string()).await;
        }
    };
    let session: Arc<dyn Connection> = viewer.clone();
    hub.register(&session);
    drop(session);

    let end = {
        let (sink, stream) = socket.split();
        tokio::select! {
            () = stopped => End::Close(CloseCode::Away, "the desktop is going away"),
            end = write(sink, queue, &viewer) => end,
            end = read(stream, &viewer) => end,
            end = tell(News::of(&hub), &viewer) => end,
        }
    };
    gst::info!(CAT, "{address} left");
    // The last reference, so that the pipeline ends here and not on a thread of the runtime.
    blocking(move || drop(viewer)).await;
    match end {
        End::Left => Ok(()),
        End::Broken(error) => refuse(socket, error).await,
        End::Close(code @ CloseCode::Restart, reason) => part(socket, code, reason).await,
        End::Close(code, reason) => close(socket, code, reason).await,
        End::Fail(code, reason) => {
            gst::warning!(CAT, "the session of {address} ends: {reason}");
            fail(socket, code, &reason).await
        }
    }
}

async fn write(
    mut sink: impl Sink<Message, Error = Error> + Unpin,
    mut queue: mpsc::UnboundedReceiver<FromSocket>,
    viewer: &SocketViewer,
) -> End {
    let mut ping = interval(PING_INTERVAL);
    loop {
        let (message, text) = tokio::select! {
            next = queue.recv() => match next {
                Some(FromSocket::Frame(bytes)) => (Message::Binary(bytes), 0),
                Some(FromSocket::Text(text)) => {
                    let length = text.len();
                    (Message::text(text), length)
                }
                Some(FromSocket::Failed(reason)) => return End::Fail(CloseCode::Error, reason),
                None => return End::Left,
            },
            _ = ping.tick() => (Message::Ping(Default::default()), 0),
        };
        if let Err(error) = in_time(sink.send(message)).await {
            return End::Broken(error);
        }
        if text > 0 {
            viewer.text_sent(text);
        }
    }
}

async fn read(mut stream: impl Stream<Item = Result<Message, Error>> + Unpin, viewer: &Arc<SocketViewer>) -> End {
    loop {
        let Ok(message) = timeout(SILENCE, stream.next()).await else { return End::Close(CloseCode::Away, "silence") };
        match message {
            Some(Ok(Message::Text(text))) => {
                let viewer = viewer.clone();
                blocking(move || viewer.text(&text)).await;
            }
            Some(Ok(Message::Binary(frame))) => {
                if !viewer.binary(&frame) {
                    return End::Close(CloseCode::Invalid, "invalid message");
                }
            }
            Some(Ok(Message::Close(_))) | None => return End::Left,
            Some(Ok(_)) => {}
            Some(Err(error)) => return End::Broken(error),
        }
    }
}

async fn tell(mut news: News, viewer: &Arc<SocketViewer>) -> End {
    let (mut numbers, mut insist) = (interval(NUMBERS_INTERVAL), interval(INSIST_INTERVAL));
    loop {
        tokio::select! {
            piece = news.next() => {
                match news.tell(piece, viewer).await {
                    Told::GoesOn => {}
                    Told::Kicked => return End::Close(KICKED, KICKED_TEXT),
                    Told::Outdated => return End::Close(CloseCode::Restart, OUTDATED_TEXT),
                }
            }
            _ = numbers.tick() => viewer.tell_numbers(),
            _ = insist.tick() => viewer.insist(),
        }
    }
}
