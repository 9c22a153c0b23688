//! The web server: page, signalling WebSocket, `/turn`, `/health`, `/ready` and noVNC on one address.

mod account;
mod assets;
mod auth;
mod capability;
mod client;
mod cookie;
mod dial;
mod embedded;
mod files;
#[cfg(feature = "fuzz")]
mod fuzz;
mod guard;
mod headers;
mod limiter;
mod listen;
mod manifest;
mod notice;
mod route;
mod tls;
mod vnc;
mod websocket;
mod whep;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

pub(super) use assets::Assets;
pub(super) use auth::Credentials;
pub(super) use capability::{Capabilities, LinkId};
pub(super) use dial::Remote;
pub(super) use files::Folder;
#[cfg(feature = "fuzz")]
pub(crate) use fuzz::request as fuzz_request;
pub(super) use guard::{Guard, Open};
pub(super) use listen::{Bound, Place};
pub(super) use manifest::manifest;
pub(super) use tls::acceptor;
pub(super) use vnc::Vnc;
pub(super) use whep::Sessions;

use super::hub::Hub;
use listen::{Listener, Peer, Stream};

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("selkiessignal-http", gst::DebugColorFlags::empty(), Some("Web server of selkiessignal"))
});

/// What one too many gets.
const BUSY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 15\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// How long a client may take for the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// How long sessions may take to end when the element stops.
const SHUTDOWN: Duration = Duration::from_secs(3);

/// What there is to serve.
pub(super) struct Site {
    pub(super) guard: Guard,
    /// Connections at a time.
    pub(super) max_connections: usize,
    pub(super) assets: Assets,
    /// Where files go to and come from; `None` where they do not.
    pub(super) files: Option<Arc<Folder>>,
    /// What browsers read to install the page as an app.
    pub(super) manifest: String,
    /// The other way to see the screen, whose page is the front page then.
    pub(super) vnc: Option<Vnc>,
    pub(super) hub: Arc<Hub>,
    /// Those of players.
    pub(super) players: Sessions,
    /// The folder that a proxy serves this desktop below, such as `/desk`; empty for none.
    pub(super) base_path: String,
}

/// Where viewers come from.
pub(super) enum Front {
    /// They come here, by TLS where there is a certificate.
    Listen(Bound, Option<TlsAcceptor>),
    /// They are at a signalling server, which has its own page.
    Join(Remote),
}

/// What a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Everything, for those who log in.
    Desktop,
    /// `/metrics`, for everybody who can reach it.
    Metrics,
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
    peer: Peer,
    purpose: Purpose,
    /// Whether the connection is encrypted.
    tls: bool,
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
    /// Serves `site` to those who come through `front`. `metrics` is a listener without TLS and password.
    pub(super) fn start(front: Front, metrics: Option<Bound>, site: Site) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("selkiessignal")
            .enable_all()
            .build()?;
        let inside = runtime.enter();
        let metrics = metrics.map(Bound::listen).transpose()?;
        let (stop, stopped) = watch::channel(false);
        let (alive, ended) = mpsc::channel(1);
        let site = Arc::new(site);
        let hub = site.hub.clone();
        let mut stopping = stopped.clone();
        runtime.spawn(async move {
            tokio::select! {
                ((), ()) = async { tokio::join!(hub.ice().keep_fresh(), hub.watch_machine()) } => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        });
        let shared = |purpose| -> Shared { (site.clone(), purpose, stopped.clone(), alive.clone()) };
        match front {
            Front::Listen(bound, tls) => drop(runtime.spawn(accept(bound.listen()?, tls, shared(Purpose::Desktop)))),
            Front::Join(remote) => {
                for line in [dial::Line::Picture, dial::Line::Sound] {
                    runtime.spawn(remote.clone().keep(line, site.hub.clone(), stopped.clone(), alive.clone()));
                }
            }
        }
        if let Some(metrics) = metrics {
            runtime.spawn(accept(metrics, None, shared(Purpose::Metrics)));
        }
        drop(inside);
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

type Shared = (Arc<Site>, Purpose, watch::Receiver<bool>, mpsc::Sender<()>);

async fn accept(listener: Listener, tls: Option<TlsAcceptor>, (site, purpose, mut stop, alive): Shared) {
    let most = site.max_connections;
    let places = Arc::new(Semaphore::new(most));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let (mut stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: a busy loop would make it worse.
                gst::warning!(CAT, "cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            gst::warning!(CAT, "refused {peer}: {most} connections are open");
            // At most into the socket's buffer: nobody waits for it to be read.
            let _ = stream.write_all(BUSY).now_or_never();
            continue;
        };
        let context = Context {
            site: site.clone(),
            peer,
            purpose,
            tls: tls.is_some(),
            stop: stop.clone(),
            _alive: alive.clone(),
        };
        let tls = tls.clone();
        tokio::spawn(async move {
            let _place = place;
            match tls {
                None => connection(stream, context).await,
                Some(tls) => match timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => connection(Box::new(stream), context).await,
                    Ok(Err(error)) => gst::debug!(CAT, "no TLS with {peer}: {error}"),
                    Err(_) => gst::debug!(CAT, "{peer} is too slow with TLS"),
                },
            }
        });
    }
}

async fn connection(stream: Box<dyn Stream>, context: Context) {
    let mut stopping = context.clone();
    let peer = context.peer;
    let service = service_fn(move |request| route::respond(request, context.clone()));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD)
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
