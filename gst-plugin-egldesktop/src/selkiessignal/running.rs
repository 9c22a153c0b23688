//! What there is while `selkiessignal` runs, made of its settings.

use std::path::Path;
use std::sync::Arc;

use gst::prelude::*;
use selkies_protocol::control::GpuStatistics;
use tokio::sync::watch;

use super::congestion::Control;
use super::http::{Assets, Credentials, Place, Remote, Server, Site, Vnc, acceptor};
use super::hub::{Hub, Parts};
use super::ice::Ice;
use super::imp::CAT;
use super::settings::{Permissions, Settings, Tuning};
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
        gpu: watch::Receiver<Option<GpuStatistics>>,
    ) -> Result<Self, gst::ErrorMessage> {
        let wrong = |error: &dyn std::fmt::Display| gst::error_msg!(gst::ResourceError::Settings, ("{error}"));
        let place: Place = settings.listen.parse().map_err(|error| wrong(&error))?;
        let base_path = base_path(settings.base_path.as_deref())
            .ok_or_else(|| wrong(&"base-path must be of the form /desk or /desks/1"))?;
        let tls = settings.tls_certificate.as_ref().map(|chain| {
            let key = settings.tls_key.as_deref().map(Path::new);
            acceptor(Path::new(chain), key).map_err(|error| wrong(&format!("TLS: {error}")))
        });
        let tls = tls.transpose()?;
        let login = settings.password.as_deref().map(|password| (settings.user.as_str(), password));
        let remote = settings
            .signalling_uri
            .as_deref()
            .map(|uri| Remote::new(uri, login).map_err(|error| wrong(&format!("signalling-uri \"{uri}\": {error}"))));
        let remote = remote.transpose()?;
        let vnc = match (&settings.vnc_server, &settings.vnc_client) {
            (Some(server), Some(client)) => {
                let server = server.parse().map_err(|error| wrong(&format!("vnc-server: {error}")))?;
                Some(Vnc::new(server, client.into()))
            }
            _ => None,
        };
        let credentials = credentials(element, &settings, &place)?;
        let ice = Ice::new(&settings)
            .map_err(|error| gst::error_msg!(gst::ResourceError::Settings, ("ICE servers: {error}")))?;
        let (bound, address) = place.bind().map_err(|error| {
            gst::error_msg!(
                gst::ResourceError::OpenReadWrite,
                ("Cannot listen on {place}: {error}"),
                ["choose another address or port with the property listen"]
            )
        })?;

        let metrics = settings.metrics_listen.as_ref().map(|text| {
            let place: Place = text.parse().map_err(|error| wrong(&format!("metrics-listen: {error}")))?;
            place.bind().map(|(bound, _)| bound).map_err(|error| {
                gst::error_msg!(
                    gst::ResourceError::OpenReadWrite,
                    ("Cannot listen on {place} for metrics: {error}"),
                    ["choose another address or port with the property metrics-listen"]
                )
            })
        });
        let metrics = metrics.transpose()?;

        let permissions = Permissions { clipboard: settings.clipboard, resize: settings.enable_resize };
        let congestion = settings.congestion_control.then(|| Arc::new(congestion_control(element, &tuning)));
        let (fec_percentage, policy, notice) = (settings.fec_percentage, settings.control_policy, settings.notice);
        let parts = Parts { ice, congestion, fec_percentage, permissions, policy, notice, video, audio, tuning, gpu };
        let hub = Arc::new(Hub::new(element, parts));
        let assets = settings.web_root.map_or(Assets::Embedded, |root| Assets::Directory(root.into()));
        let site = Site { credentials, assets, vnc, hub: hub.clone(), base_path, remote };
        let scheme = if tls.is_some() { "https" } else { "http" };
        let server = Server::start(bound, tls, metrics, site)
            .map_err(|error| gst::error_msg!(gst::ResourceError::Failed, ("Cannot start the web server: {error}")))?;
        gst::info!(CAT, obj = element, "serving on {scheme}://{address}/");
        Ok(Self { server, hub, address: address.to_string() })
    }

    /// Ends all sessions.
    pub(super) fn stop(self) {
        self.server.stop();
    }
}

/// One that announces what the encoder is to do as properties of the element.
fn congestion_control(element: &super::SelkiesSignal, tuning: &watch::Receiver<Tuning>) -> Control {
    let element = element.downgrade();
    Control::new(tuning.borrow().most(), move || {
        if let Some(element) = element.upgrade() {
            element.notify_target_video_bitrate();
            element.notify_target_framerate();
        }
    })
}

/// An absolute path without a slash at its end, and without what a URL escapes.
fn base_path(text: Option<&str>) -> Option<String> {
    let text = text.unwrap_or("").trim_end_matches('/');
    let plain = |char: char| char.is_ascii_alphanumeric() || "/-._~".contains(char);
    (text.is_empty() || text.starts_with('/') && text.chars().all(plain)).then(|| text.to_owned())
}

/// Whom to ask for a password; nobody only where that is safe, or wanted.
fn credentials(
    element: &super::SelkiesSignal,
    settings: &Settings,
    place: &Place,
) -> Result<Option<Credentials>, gst::ErrorMessage> {
    match (&settings.password, settings.basic_auth) {
        (_, false) => Ok(None),
        (Some(password), true) => {
            Ok(Some(Credentials::new(&settings.user, password, settings.view_password.as_deref())))
        }
        (None, true) if place.is_local() => {
            gst::warning!(CAT, obj = element, "no password: everybody on this machine can use this desktop");
            Ok(None)
        }
        (None, true) => Err(gst::error_msg!(
            gst::ResourceError::Settings,
            ("Refusing to serve a desktop on {place} without a password"),
            ["set the property password, or basic-auth=false where something else asks for one"]
        )),
    }
}
