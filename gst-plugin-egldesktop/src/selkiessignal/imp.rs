//! GObject side of `selkiessignal`: properties, request pads and states.

// The derive writes public accessors; what they mean stands in the properties' blurbs.
#![allow(missing_docs)]

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;

use super::congestion::Control;
use super::http::{Assets, Credentials, Server, Site};
use super::hub::Hub;
use super::ice::Ice;
use super::settings::{
    DEFAULT_BITRATE, DEFAULT_FRAMERATE, DEFAULT_LISTEN, DEFAULT_TURN_PORT, Settings, TurnProtocol, Wanted,
};
use super::stream::Stream;

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("selkiessignal", gst::DebugColorFlags::empty(), Some("Desktop to browsers by WebRTC"))
});

/// What there is while the server runs.
struct Running {
    server: Server,
    hub: Arc<Hub>,
    congestion: Option<Arc<Control>>,
    address: SocketAddr,
}

/// The pads that were requested.
#[derive(Default)]
struct Pads {
    video: Option<(gst::GhostPad, Arc<Stream>)>,
    audio: Option<(gst::GhostPad, Arc<Stream>)>,
}

impl Pads {
    fn streams(&self) -> (Option<Arc<Stream>>, Option<Arc<Stream>>) {
        let stream = |pad: &Option<(gst::GhostPad, Arc<Stream>)>| pad.as_ref().map(|(_, stream)| stream.clone());
        (stream(&self.video), stream(&self.audio))
    }
}

// Lock order: `pads` before `running`; never one of them while properties are read.
#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::SelkiesSignal)]
pub struct SelkiesSignal {
    #[property(
        name = "listen", get, set, type = String, member = listen, nick = "Listen",
        blurb = "Address and port of the web server, such as 127.0.0.1:8080 or [::]:8080; port 0 takes a free one",
        builder().default_value(Some(DEFAULT_LISTEN)).mutable_ready()
    )]
    #[property(
        name = "basic-auth", get, set, type = bool, member = basic_auth, nick = "Basic auth",
        blurb = "Whether the web server asks for user and password. Only an address of the loopback may do without a password while this is true",
        builder().default_value(true).mutable_ready()
    )]
    #[property(
        name = "user", get, set, type = String, member = user, nick = "User",
        blurb = "User name that browsers log in with",
        builder().default_value(Some("user")).mutable_ready()
    )]
    #[property(
        name = "password", set, type = Option<String>, member = password, nick = "Password",
        blurb = "Password that browsers log in with. Can't be read back",
        builder().mutable_ready()
    )]
    #[property(
        name = "web-root", get, set, type = Option<String>, member = web_root, nick = "Web root",
        blurb = "Directory with another web client (unset = the built-in one)",
        builder().mutable_ready()
    )]
    #[property(
        name = "stun-server", get, set, type = Option<String>, member = stun_server, nick = "STUN server",
        blurb = "STUN server of the form stun://host:port (unset = none)",
        builder().mutable_ready()
    )]
    #[property(
        name = "turn-host", get, set, type = Option<String>, member = turn_host, nick = "TURN host",
        blurb = "Name or address of a TURN server (unset = none); needs turn-shared-secret, or turn-username and turn-password",
        builder().mutable_ready()
    )]
    #[property(
        name = "turn-port", get, set, type = u32, member = turn_port, nick = "TURN port",
        blurb = "Port of the TURN server",
        builder().minimum(1).maximum(65535).default_value(DEFAULT_TURN_PORT).mutable_ready()
    )]
    #[property(
        name = "turn-protocol", get, set, type = TurnProtocol, member = turn_protocol, nick = "TURN protocol",
        blurb = "How the TURN server is reached",
        builder(TurnProtocol::Udp).mutable_ready()
    )]
    #[property(
        name = "turn-tls", get, set, type = bool, member = turn_tls, nick = "TURN TLS",
        blurb = "Whether the TURN server is reached by TLS (turns:)",
        builder().default_value(false).mutable_ready()
    )]
    #[property(
        name = "turn-username", get, set, type = Option<String>, member = turn_username, nick = "TURN user name",
        blurb = "Long-term user name on the TURN server",
        builder().mutable_ready()
    )]
    #[property(
        name = "turn-password", set, type = Option<String>, member = turn_password, nick = "TURN password",
        blurb = "Long-term password on the TURN server. Can't be read back",
        builder().mutable_ready()
    )]
    #[property(
        name = "turn-shared-secret", set, type = Option<String>, member = turn_shared_secret, nick = "TURN shared secret",
        blurb = "Secret that the TURN server makes temporary passwords of (coTURN: use-auth-secret). Can't be read back",
        builder().mutable_ready()
    )]
    #[property(
        name = "turn-separator", get, set, type = String, member = turn_separator, nick = "TURN separator",
        blurb = "What stands between time and user in temporary user names: \":\", or \"-\" for a coTURN with rest-api-separator=-",
        builder().default_value(Some(":")).mutable_ready()
    )]
    #[property(
        name = "turn-rest-uri", get, set, type = Option<String>, member = turn_rest_uri, nick = "TURN REST URI",
        blurb = "Service that is asked for TURN servers (unset = none); goes before turn-host",
        builder().mutable_ready()
    )]
    #[property(
        name = "turn-rest-username", get, set, type = Option<String>, member = turn_rest_username, nick = "TURN REST user name",
        blurb = "Name of this desktop at the TURN REST service (unset = selkies- and the name of the machine)",
        builder().mutable_ready()
    )]
    #[property(
        name = "turn-rest-username-header", get, set, type = String, member = turn_rest_username_header, nick = "TURN REST user header",
        blurb = "HTTP header of the name in requests to the TURN REST service",
        builder().default_value(Some("x-auth-user")).mutable_ready()
    )]
    #[property(
        name = "turn-rest-protocol-header", get, set, type = String, member = turn_rest_protocol_header, nick = "TURN REST protocol header",
        blurb = "HTTP header of turn-protocol in requests to the TURN REST service",
        builder().default_value(Some("x-turn-protocol")).mutable_ready()
    )]
    #[property(
        name = "turn-rest-tls-header", get, set, type = String, member = turn_rest_tls_header, nick = "TURN REST TLS header",
        blurb = "HTTP header of turn-tls in requests to the TURN REST service",
        builder().default_value(Some("x-turn-tls")).mutable_ready()
    )]
    #[property(
        name = "cloudflare-turn", get, set, type = bool, member = cloudflare_turn, nick = "Cloudflare TURN",
        blurb = "Whether Cloudflare is asked for TURN servers; goes before everything else",
        builder().mutable_ready()
    )]
    #[property(
        name = "cloudflare-turn-token-id", get, set, type = Option<String>, member = cloudflare_turn_token_id, nick = "Cloudflare TURN token",
        blurb = "TURN key at Cloudflare",
        builder().mutable_ready()
    )]
    #[property(
        name = "cloudflare-turn-api-token", set, type = Option<String>, member = cloudflare_turn_api_token, nick = "Cloudflare API token",
        blurb = "Secret of cloudflare-turn-token-id. Can't be read back",
        builder().mutable_ready()
    )]
    #[property(
        name = "rtc-config-file", get, set, type = Option<String>, member = rtc_config_file, nick = "RTC configuration file",
        blurb = "JSON file with an RTCConfiguration (unset = none); while it exists it goes before turn-rest-uri and turn-host, and its changes are followed",
        builder().mutable_ready()
    )]
    #[property(
        name = "port-range", get, set, type = Option<String>, member = port_range, nick = "Port range",
        blurb = "UDP and TCP ports for media, such as 59000-59100 (unset = any)",
        builder().mutable_ready()
    )]
    #[property(
        name = "announced-addresses", get, set, type = Option<String>, member = announced_addresses, nick = "Announced addresses",
        blurb = "Public IPv4 and IPv6 address of this machine, with a comma between, where it has others itself (unset = its own)",
        builder().mutable_ready()
    )]
    #[property(
        name = "congestion-control", get, set, type = bool, member = congestion_control, nick = "Congestion control",
        blurb = "Whether target-video-bitrate and target-framerate follow what the network carries",
        builder().default_value(true).mutable_ready()
    )]
    #[property(
        name = "video-fec-percentage", get, set, type = u32, member = fec_percentage, nick = "Video FEC",
        blurb = "Packets of forward error correction (ULPFEC) for a hundred of video; lost packets are sent again anyway",
        builder().maximum(100).mutable_ready()
    )]
    settings: Mutex<Settings>,
    #[property(
        name = "bound-address", get = Self::bound_address, type = Option<String>, nick = "Bound address",
        blurb = "Address and port that the web server listens on, while it runs"
    )]
    #[property(
        name = "viewers", get = Self::viewers, type = u32, nick = "Viewers",
        blurb = "Number of connections of viewers"
    )]
    running: Mutex<Option<Running>>,
    #[property(
        name = "video-bitrate", get = |this: &Self| lock(&this.wanted).bitrate,
        set = |this: &Self, value| this.want(|wanted| wanted.bitrate = value), type = u32, nick = "Video bitrate",
        blurb = "What the encoder is to be set to where the network carries it, in kbit/s",
        builder().minimum(100).maximum(1_000_000).default_value(DEFAULT_BITRATE).mutable_playing()
    )]
    #[property(
        name = "framerate", get = |this: &Self| lock(&this.wanted).framerate,
        set = |this: &Self, value| this.want(|wanted| wanted.framerate = value), type = u32, nick = "Framerate",
        blurb = "Most frames per second where the network carries them",
        builder().minimum(1).maximum(480).default_value(DEFAULT_FRAMERATE).mutable_playing()
    )]
    #[property(
        name = "target-video-bitrate", get = |this: &Self| this.target().bitrate, type = u32, nick = "Target video bitrate",
        blurb = "What the network carries of video-bitrate, in kbit/s: whoever owns the encoder listens to changes, and sets it"
    )]
    #[property(
        name = "target-framerate", get = |this: &Self| this.target().framerate, type = u32, nick = "Target framerate",
        blurb = "The same of framerate; falls only when the bitrate is below a tenth"
    )]
    wanted: Mutex<Wanted>,
    pads: Mutex<Pads>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[glib::object_subclass]
impl ObjectSubclass for SelkiesSignal {
    const NAME: &'static str = "GstSelkiesSignal";
    type Type = super::SelkiesSignal;
    type ParentType = gst::Bin;
}

#[glib::derived_properties]
impl ObjectImpl for SelkiesSignal {
    fn constructed(&self) {
        self.parent_constructed();
        let obj = self.obj();
        // A sink before it has a pad: the pipeline's end of stream and latency count it in.
        obj.set_suppressed_flags(gst::ElementFlags::SINK | gst::ElementFlags::SOURCE);
        obj.set_element_flags(gst::ElementFlags::SINK);
    }
}

impl GstObjectImpl for SelkiesSignal {}

impl ElementImpl for SelkiesSignal {
    fn metadata() -> Option<&'static gst::subclass::ElementMetadata> {
        static METADATA: LazyLock<gst::subclass::ElementMetadata> = LazyLock::new(|| {
            gst::subclass::ElementMetadata::new(
                "Selkies signalling and WebRTC sink",
                "Sink/Network/WebRTC",
                "Serves encoded video and sound to browsers, and takes their input",
                "The egldesktop authors",
            )
        });
        Some(&METADATA)
    }

    fn pad_templates() -> &'static [gst::PadTemplate] {
        static TEMPLATES: LazyLock<Vec<gst::PadTemplate>> = LazyLock::new(|| {
            // The profiles that every browser decodes: without them an encoder after videoconvert chooses 4:4:4.
            let profiles = ["constrained-baseline", "baseline", "main", "constrained-high", "progressive-high", "high"];
            let video = gst::Caps::builder_full()
                .structure(
                    gst::Structure::builder("video/x-h264")
                        .field("stream-format", "byte-stream")
                        .field("alignment", "au")
                        .field("profile", gst::List::new(profiles))
                        .build(),
                )
                .structure(gst::Structure::new_empty("video/x-vp8"))
                .structure(gst::Structure::builder("video/x-vp9").field("profile", "0").build())
                .structure(gst::Structure::new_empty("video/x-vp9"))
                .build();
            let audio = gst::Caps::new_empty_simple("audio/x-opus");
            [("video_%u", video), ("audio_%u", audio)]
                .into_iter()
                .filter_map(|(name, caps)| {
                    gst::PadTemplate::new(name, gst::PadDirection::Sink, gst::PadPresence::Request, &caps).ok()
                })
                .collect()
        });
        &TEMPLATES
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        let video = template.name_template().starts_with("video");
        let mut pads = lock(&self.pads);
        let place = if video { &mut pads.video } else { &mut pads.audio };
        if place.is_some() {
            gst::error!(CAT, imp = self, "there is one {} pad already", template.name_template());
            return None;
        }
        let name = name.unwrap_or(if video { "video_0" } else { "audio_0" });
        let (pad, stream) =
            self.add_sink(template, name).inspect_err(|error| gst::error!(CAT, imp = self, "{error}")).ok()?;
        *place = Some((pad.clone(), Arc::new(stream)));
        self.publish(&pads);
        Some(pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        let mut pads = lock(&self.pads);
        let is_it = |mine: &mut (gst::GhostPad, Arc<Stream>)| mine.0.upcast_ref::<gst::Pad>() == pad;
        let _ = pads.video.take_if(is_it).or_else(|| pads.audio.take_if(is_it));
        self.publish(&pads);
        drop(pads);

        let sink =
            pad.downcast_ref::<gst::GhostPad>().and_then(|pad| pad.target()).and_then(|pad| pad.parent_element());
        let _ = pad.set_active(false);
        let _ = self.obj().remove_pad(pad);
        if let Some(sink) = sink {
            let _ = sink.set_state(gst::State::Null);
            let _ = self.obj().remove(&sink);
        }
    }

    fn change_state(&self, transition: gst::StateChange) -> Result<gst::StateChangeSuccess, gst::StateChangeError> {
        if transition == gst::StateChange::ReadyToPaused {
            self.start().map_err(|message| {
                self.post_error_message(message);
                gst::StateChangeError
            })?;
        }
        let result = self.parent_change_state(transition);
        if transition == gst::StateChange::PausedToReady
            || result.is_err() && transition == gst::StateChange::ReadyToPaused
        {
            self.stop();
        }
        result
    }
}

impl BinImpl for SelkiesSignal {}

impl SelkiesSignal {
    fn bound_address(&self) -> Option<String> {
        lock(&self.running).as_ref().map(|running| running.address.to_string())
    }

    fn viewers(&self) -> u32 {
        let hub = lock(&self.running).as_ref().map(|running| running.hub.clone());
        hub.map_or(0, |hub| hub.viewers())
    }

    fn congestion_control(&self) -> Control {
        let element = self.obj().downgrade();
        Control::new(u64::from(lock(&self.wanted).bitrate) * 1000, move || {
            if let Some(element) = element.upgrade() {
                element.notify_target_video_bitrate();
                element.notify_target_framerate();
            }
        })
    }

    /// Changes what is wanted, and with it what the encoder is to do.
    fn want(&self, change: impl FnOnce(&mut Wanted)) {
        let most = {
            let mut wanted = lock(&self.wanted);
            change(&mut wanted);
            u64::from(wanted.bitrate) * 1000
        };
        let congestion = lock(&self.running).as_ref().and_then(|running| running.congestion.clone());
        if let Some(control) = congestion {
            control.set_most(most);
        }
        self.obj().notify_target_video_bitrate();
        self.obj().notify_target_framerate();
    }

    /// What the encoder is to do.
    fn target(&self) -> Wanted {
        let wanted = *lock(&self.wanted);
        let congestion = lock(&self.running).as_ref().and_then(|running| running.congestion.clone());
        let Some(target) = congestion.map(|control| control.target()) else { return wanted };
        // Error correction is sent beside what the encoder makes.
        let with_fec = 100 + u64::from(lock(&self.settings).fec_percentage);
        let bitrate = u32::try_from(target.bitrate * 100 / with_fec / 1000).unwrap_or(wanted.bitrate);
        let framerate = (f64::from(wanted.framerate) * target.framerate).round().max(1.0) as u32;
        Wanted { bitrate: bitrate.min(wanted.bitrate), framerate }
    }

    fn add_sink(&self, template: &gst::PadTemplate, name: &str) -> Result<(gst::GhostPad, Stream), glib::BoolError> {
        let obj = self.obj();
        let appsink = gst_app::AppSink::builder()
            .name(format!("{name}-sink"))
            .sync(false)
            .async_(false)
            .enable_last_sample(false)
            // Encoded frames depend on each other: none may be left out here. Viewers that are too slow lose their own.
            .build();
        obj.add(&appsink)?;
        let inside = appsink.static_pad("sink").ok_or_else(|| glib::bool_error!("appsink without a pad"))?;
        let pad = gst::GhostPad::builder_from_template_with_target(template, &inside)?.name(name).build();
        let stream = Stream::new(&pad, &appsink);
        pad.set_active(true)?;
        obj.add_pad(&pad)?;
        appsink.sync_state_with_parent()?;
        Ok((pad, stream))
    }

    fn publish(&self, pads: &Pads) {
        if let Some(running) = lock(&self.running).as_ref() {
            let (video, audio) = pads.streams();
            running.hub.set_streams(video, audio);
        }
    }

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = lock(&self.settings).clone();
        let listen: SocketAddr = settings.listen.parse().map_err(|_| {
            let text =
                format!("\"{}\" is not an address and port such as 127.0.0.1:8080 or [::]:8080", settings.listen);
            gst::error_msg!(gst::ResourceError::Settings, ("{text}"))
        })?;
        let credentials = match (&settings.password, settings.basic_auth) {
            (_, false) => None,
            (Some(password), true) => Some(Credentials::new(&settings.user, password)),
            (None, true) if listen.ip().is_loopback() => {
                gst::warning!(CAT, imp = self, "no password: everybody on this machine can use this desktop");
                None
            }
            (None, true) => {
                return Err(gst::error_msg!(
                    gst::ResourceError::Settings,
                    ("Refusing to serve a desktop on {listen} without a password"),
                    ["set the property password, or basic-auth=false where something else asks for one"]
                ));
            }
        };
        let ice = Ice::new(&settings)
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

        let (video, audio) = lock(&self.pads).streams();
        let congestion = settings.congestion_control.then(|| Arc::new(self.congestion_control()));
        let hub = Hub::new(&self.obj(), ice, congestion.clone(), settings.fec_percentage, video, audio);
        let hub = Arc::new(hub);
        let assets = settings.web_root.map_or(Assets::Embedded, |root| Assets::Directory(root.into()));
        let site = Site { credentials, assets, hub: hub.clone() };
        let server = Server::start(listener, site)
            .map_err(|error| gst::error_msg!(gst::ResourceError::Failed, ("Cannot start the web server: {error}")))?;
        gst::info!(CAT, imp = self, "serving on http://{address}/");
        *lock(&self.running) = Some(Running { server, hub, congestion, address });
        self.obj().notify_bound_address();
        Ok(())
    }

    fn stop(&self) {
        // Not under the lock: sessions that end read properties.
        let running = lock(&self.running).take();
        if let Some(running) = running {
            running.server.stop();
            self.obj().notify_bound_address();
        }
    }
}
