//! What there is while `selkiessignal` runs, made of its settings.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use tokio::sync::watch;

use super::http::{Assets, Credentials, Server, Site};
use super::hub::{Hub, Parts};
use super::ice::IceServers;
use super::imp::CAT;
use super::settings::{Settings, Tuning};
use super::stream::Stream;

/// See the module.
pub(super) struct Running {
    server: Server,
    pub(super) hub: Arc<Hub>,
    /// Where it listens.
    pub(super) address: String,
}

impl Running {
    /// Checks the settings, and starts to serve.
    pub(super) fn start(
        element: &super::SelkiesSignal,
        settings: Settings,
        video: Option<Arc<Stream>>,
        audio: Option<Arc<Stream>>,
        tuning: watch::Receiver<Tuning>,
    ) -> Result<Self, gst::ErrorMessage> {
        let listen: SocketAddr = settings.listen.parse().map_err(|_| {
            let text =
                format!("\"{}\" is not an address and port such as 127.0.0.1:8080 or [::]:8080", settings.listen);
            gst::error_msg!(gst::ResourceError::Settings, ("{text}"))
        })?;
        let credentials = credentials(element, &settings, listen)?;
        let ice = IceServers::new(&settings)
            .map_err(|error| gst::error_msg!(gst::ResourceError::Settings, ("ICE servers: {error}")))?;
        let listener = TcpListener::bind(listen).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok((listener.local_addr()?, listener))
        });
        let (address, listener) = listener.map_err(|error| {
            gst::error_msg!(
                gst::ResourceError::OpenReadWrite,
                ("Cannot listen on {listen}: {error}"),
                ["choose another address or port with the property listen"]
            )
        })?;

        let (user, policy) = (settings.user, settings.control_policy);
        let hub = Arc::new(Hub::new(element, Parts { ice, user, policy, video, audio, tuning }));
        let assets = settings.web_root.map_or(Assets::Embedded, |root| Assets::Directory(root.into()));
        let site = Site { credentials, assets, hub: hub.clone() };
        let server = Server::start(listener, site)
            .map_err(|error| gst::error_msg!(gst::ResourceError::Failed, ("Cannot start the web server: {error}")))?;
        gst::info!(CAT, obj = element, "serving on http://{address}/");
        Ok(Self { server, hub, address: address.to_string() })
    }

    /// Ends all sessions.
    pub(super) fn stop(self) {
        self.server.stop();
    }
}

/// Whom to ask for a password; nobody only where that is safe, or wanted.
fn credentials(
    element: &super::SelkiesSignal,
    settings: &Settings,
    listen: SocketAddr,
) -> Result<Option<Credentials>, gst::ErrorMessage> {
    match (&settings.password, settings.basic_auth) {
        (_, false) => Ok(None),
        (Some(password), true) => {
            Ok(Some(Credentials::new(&settings.user, password, settings.view_password.as_deref())))
        }
        (None, true) if listen.ip().is_loopback() => {
            gst::warning!(CAT, obj = element, "no password: everybody on this machine can use this desktop");
            Ok(None)
        }
        (None, true) => Err(gst::error_msg!(
            gst::ResourceError::Settings,
            ("Refusing to serve a desktop on {listen} without a password"),
            ["set the property password, or basic-auth=false where something else asks for one"]
        )),
    }
}
