//! The web server: page, signalling WebSocket, `/turn` and `/health` on one address.

mod assets;
mod auth;
mod headers;
mod route;
mod websocket;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};

pub(super) use assets::Assets;
pub(super) use auth::Credentials;

use super::hub::Hub;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("selkiessignal-http", gst::DebugColorFlags::empty(), Some("Web server of selkiessignal"))
});

/// Connections at a time; a browser opens up to six.
const MAX_CONNECTIONS: usize = 512;
/// How long a client may take for the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// How long sessions may take to end when the element stops.
const SHUTDOWN: Duration = Duration::from_secs(3);

/// What there is to serve.
pub(super) struct Site {
    pub(super) credentials: Option<Credentials>,
    pub(super) assets: Assets,
    pub(super) hub: Arc<Hub>,
}

/// A running server. [`Server::stop`] ends all its connections.
pub(super) struct Server {
    runtime: tokio::runtime::Runtime,
    stop: watch::Sender<bool>,
    /// Every task holds a sender; the last one gone means that all have ended.
    ended: mpsc::Receiver<()>,
}

/// What every connection needs.
#[derive(Clone)]
struct Context {
    site: Arc<Site>,
    peer: SocketAddr,
    stop: watch::Receiver<bool>,
    /// Held, not used: see [`Server::ended`].
    _alive: mpsc::Sender<()>,
}

impl Context {
    /// Waits until the server stops.
    async fn stopped(&mut self) {
        // An error means that the server is gone, which is the same.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }
}

impl Server {
    /// Serves `site` on a bound, non-blocking listener.
    pub(super) fn start(listener: std::net::TcpListener, site: Site) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("selkiessignal")
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = watch::channel(false);
        let (alive, ended) = mpsc::channel(1);
        let hub = site.hub.clone();
        let mut stopping = stopped.clone();
        runtime.spawn(async move {
            tokio::select! {
                () = hub.ice().keep_fresh() => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        });
        runtime.spawn(accept(listener, Arc::new(site), stopped, alive));
        Ok(Self { runtime, stop, ended })
    }

    /// Ends all sessions and closes the listener. Returns when that is done, at most after a few seconds.
    pub(super) fn stop(mut self) {
        self.stop.send_replace(true);
        let all_ended = async { while self.ended.recv().await.is_some() {} };
        if self.runtime.block_on(async { tokio::time::timeout(SHUTDOWN, all_ended).await }).is_err() {
            gst::warning!(CAT, "some sessions did not end in time");
        }
        self.runtime.shutdown_timeout(SHUTDOWN);
    }
}

async fn accept(listener: TcpListener, site: Arc<Site>, mut stop: watch::Receiver<bool>, alive: mpsc::Sender<()>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: a busy loop would make it worse.
                gst::warning!(CAT, "cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            gst::warning!(CAT, "refused {peer}: {MAX_CONNECTIONS} connections are open");
            continue;
        };
        let context = Context { site: site.clone(), peer, stop: stop.clone(), _alive: alive.clone() };
        tokio::spawn(async move {
            connection(stream, context).await;
            drop(place);
        });
    }
}

async fn connection(stream: TcpStream, context: Context) {
    // Signalling is small messages that the next one waits for.
    let _ = stream.set_nodelay(true);
    let mut stopping = context.clone();
    let peer = context.peer;
    let service = service_fn(move |request| route::respond(request, context.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        result = connection => {
            if let Err(error) = result {
                gst::debug!(CAT, "connection of {peer}: {error}");
            }
        }
        () = stopping.stopped() => {}
    }
}
