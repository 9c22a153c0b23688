//! What there is while `selkiessignal` runs, made of its settings.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use gst::prelude::*;
use selkies_protocol::control::GpuStatistics;
use tokio::sync::watch;

use super::congestion::Control;
use super::encoders::Encoders;
use super::http::{
    Assets, Capabilities, Credentials, Folder, Front, Guard, Open, Place, Remote, Server, Sessions, Site, Vnc,
    acceptor, manifest,
};
use super::hub::{Hub, Parts};
use super::ice::Ice;
use super::imp::CAT;
use super::opus;
use super::settings::{FilesPolicy, Permissions, Settings, Tuning};
use super::statistics::Recorder;
use super::stream::Stream;

/// See the module.
pub(super) struct Running {
    server: Server,
    pub(super) hub: Arc<Hub>,
    /// Where it listens, or the URI of the signalling server that it has joined.
    pub(super) address: String,
}

impl Running {
    /// Checks the settings, and starts to serve.
    pub(super) fn start(
        element: &super::SelkiesSignal,
        settings: Settings,
        (video, audio): (Option<Arc<Stream>>, Option<Arc<Stream>>),
        (tuning, encoders): (watch::Receiver<Tuning>, watch::Receiver<Encoders>),
        gpu: watch::Receiver<Option<GpuStatistics>>,
    ) -> Result<Self, gst::ErrorMessage> {
        let wrong = |error: &dyn std::fmt::Display| gst::error_msg!(gst::ResourceError::Settings, ("{error}"));
        let base_path = base_path(settings.base_path.as_deref())
            .ok_or_else(|| wrong(&"base-path must be of the form /desk or /desks/1"))?;
        let ice = Ice::new(&settings)
            .map_err(|error| gst::error_msg!(gst::ResourceError::Settings, ("ICE servers: {error}")))?;
        let (front, (open, credentials), address) = match &settings.signalling_uri {
            Some(uri) => (join(uri, &settings)?, (Open::No, None), uri.clone()),
            None => listen(element, &settings)?,
        };

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

        let recorder = settings.statistics_dir.as_ref().map(|folder| {
            Recorder::start(Path::new(folder)).map_err(|error| wrong(&format!("statistics-dir \"{folder}\": {error}")))
        });
        let recorder = recorder.transpose()?;
        let permissions = Permissions { clipboard: settings.clipboard, resize_switch: settings.resize_switch };
        let congestion = settings.congestion_control.then(|| Arc::new(congestion_control(element, &tuning)));
        let (policy, notice) = (settings.control_policy, settings.notice);
        let audio_channels = settings.audio_channels;
        if !opus::CHANNELS.contains(&audio_channels) {
            return Err(wrong(&format!("audio-channels is {audio_channels}, but must be 1, 2, 6 or 8")));
        }
        let transport = settings.transport;
        let place = format!("{}{base_path}", settings.listen);
        let access = &settings.access;
        let guard = Guard::new(open, credentials, access, &place).map_err(|error| wrong(&error))?;
        let (max_connections, max_viewers) = (access.max_connections as usize, access.max_viewers as usize);
        let capabilities = Capabilities::new(Instant::now())
            .map_err(|error| gst::error_msg!(gst::ResourceError::Failed, ("No random numbers: {error}")))?;
        let parts = Parts {
            max_viewers,
            capabilities,
            ice,
            congestion,
            audio_channels,
            permissions,
            policy,
            transport,
            notice,
            video,
            audio,
            tuning,
            encoders,
            gpu,
            recorder,
        };
        let hub = Arc::new(Hub::new(element, parts));
        let assets = settings.web_root.map_or(Assets::Embedded, |root| Assets::Directory(root.into()));
        let vnc = match (&settings.vnc_server, &settings.vnc_client) {
            (Some(server), Some(client)) => {
                let server = server.parse().map_err(|error| wrong(&format!("vnc-server: {error}")))?;
                Some(Vnc::new(server, client.into()))
            }
            _ => None,
        };
        let files = settings.files_path.filter(|_| settings.file_transfers != FilesPolicy::Off);
        let files =
            files.map(|path| Arc::new(Folder::new(path.into(), settings.file_transfers, settings.access.max_upload())));
        let manifest = manifest(
            settings.app_name.as_deref(),
            settings.app_short_name.as_deref(),
            settings.app_start_url.as_deref(),
        );
        let site = Site {
            guard,
            max_connections,
            assets,
            files,
            manifest,
            vnc,
            hub: hub.clone(),
            players: Sessions::default(),
            base_path,
        };
        let server = Server::start(front, metrics, site)
            .map_err(|error| gst::error_msg!(gst::ResourceError::Failed, ("Cannot start the web server: {error}")))?;
        gst::info!(CAT, obj = element, "serving at {address}");
        Ok(Self { server, hub, address })
    }

    /// Ends all sessions.
    pub(super) fn stop(self) {
        self.server.stop();
    }
}

/// Joins a signalling server, which has its own page, and asks for passwords itself.
fn join(uri: &str, settings: &Settings) -> Result<Front, gst::ErrorMessage> {
    let wrong = |error: &dyn std::fmt::Display| {
        gst::error_msg!(gst::ResourceError::Settings, ("signalling-uri \"{uri}\": {error}"))
    };
    // The URI is told to people.
    if uri.split('/').nth(2).is_some_and(|authority| authority.contains('@')) {
        return Err(gst::error_msg!(
            gst::ResourceError::Settings,
            ("signalling-uri: user and password are properties of their own, not parts of the URI")
        ));
    }
    let remote = Remote::new(uri, settings.password.as_deref().map(|password| (settings.user.as_str(), password)));
    remote.map(Front::Join).map_err(|error| wrong(&error))
}

/// Listens where the settings say; returns also whom to ask for a password, and the address.
fn listen(element: &super::SelkiesSignal, settings: &Settings) -> Result<(Front, Login, String), gst::ErrorMessage> {
    let wrong = |error: &dyn std::fmt::Display| gst::error_msg!(gst::ResourceError::Settings, ("{error}"));
    let place: Place = settings.listen.parse().map_err(|error| wrong(&error))?;
    let tls = settings.tls_certificate.as_ref().map(|chain| {
        let key = settings.tls_key.as_deref().map(Path::new);
        acceptor(Path::new(chain), key).map_err(|error| wrong(&format!("TLS: {error}")))
    });
    let tls = tls.transpose()?;
    let credentials = credentials(element, settings, &place)?;
    let (bound, address) = place.bind().map_err(|error| {
        gst::error_msg!(
            gst::ResourceError::OpenReadWrite,
            ("Cannot listen on {place}: {error}"),
            ["choose another address or port with the property listen"]
        )
    })?;
    Ok((Front::Listen(bound, tls), credentials, address.to_string()))
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

/// Who needs no password, and what the passwords are.
type Login = (Open, Option<Credentials>);

/// Whom to ask for a password; nobody only where that is safe, or wanted.
fn credentials(element: &super::SelkiesSignal, settings: &Settings, place: &Place) -> Result<Login, gst::ErrorMessage> {
    match (&settings.password, settings.basic_auth) {
        (None, _) | (_, false) if settings.access.login_header_from.is_some() => Ok((Open::No, None)),
        (_, false) => Ok((Open::Everybody, None)),
        (Some(password), true) => {
            Ok((Open::No, Some(Credentials::new(&settings.user, password, settings.view_password.as_deref()))))
        }
        (None, true) if place.is_local() => {
            gst::warning!(CAT, obj = element, "no password: everybody on this machine can use this desktop");
            Ok((Open::Local, None))
        }
        (None, true) => Err(gst::error_msg!(
            gst::ResourceError::Settings,
            ("Refusing to serve a desktop on {place} without a password"),
            ["set the property password, or login-header-from, or basic-auth=false where something else asks for one"]
        )),
    }
}
