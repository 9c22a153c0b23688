//! GObject side of `selkiessignal`: properties, request pads and states.

// The derive writes public accessors; what they mean stands in the properties' blurbs.
#![allow(missing_docs)]

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use gst::glib;
use gst::prelude::*;
use gst::subclass::prelude::*;
use selkies_protocol::control::GpuStatistics;
use tokio::sync::watch;

use super::access::AccessSettings;
use super::encoders::Encoders;
use super::pads::{self, Kind, Pads};
use super::running::Running;
use super::settings::{
    ClipboardPolicy, ControlPolicy, DEFAULT_LISTEN, DEFAULT_TURN_PORT, DEFAULT_TURN_REST_HEADERS, FilesPolicy,
    Settings, TransportPolicy, Tuning, TurnProtocol,
};

mod tuning;

pub(super) static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("selkiessignal", gst::DebugColorFlags::empty(), Some("Desktop to browsers by WebRTC"))
});

// Lock order: `pads` before `running`; never one of them while properties are read.
#[derive(Default, glib::Properties)]
#[properties(wrapper_type = super::SelkiesSignal)]
pub struct SelkiesSignal {
    #[property(
        name = "listen", get, set, type = String, member = listen, nick = "Listen",
        blurb = "Address and port of the web server, such as 127.0.0.1:8080 or [::]:8080 (port 0 takes a free one), or a Unix socket: unix:/path",
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
        name = "view-password", set, type = Option<String>, member = view_password, nick = "View password",
        blurb = "A second password, for those who may watch only (unset = none). Can't be read back",
        builder().mutable_ready()
    )]
    #[property(
        name = "control-policy", get, set, type = ControlPolicy, member = control_policy, nick = "Control policy",
        blurb = "Who controls the desktop when a second one comes who may",
        builder(ControlPolicy::Takeover).mutable_ready()
    )]
    #[property(
        name = "transport", get, set, type = TransportPolicy, member = transport, nick = "Transport",
        blurb = "How picture and sound travel to browsers",
        builder(TransportPolicy::default()).mutable_ready()
    )]
    #[property(
        name = "base-path", get, set, type = Option<String>, member = base_path, nick = "Base path",
        blurb = "Path that a reverse proxy serves this desktop below, such as /desk; needed only where the proxy passes it on",
        builder().mutable_ready()
    )]
    #[property(
        name = "tls-certificate", get, set, type = Option<String>, member = tls_certificate, nick = "TLS certificate",
        blurb = "PEM file with the chain of certificates, read again when it changes (unset = no TLS)",
        builder().mutable_ready()
    )]
    #[property(
        name = "tls-key", get, set, type = Option<String>, member = tls_key, nick = "TLS key",
        blurb = "PEM file with the private key (unset = in the file of the certificate)",
        builder().mutable_ready()
    )]
    #[property(
        name = "metrics-listen", get, set, type = Option<String>, member = metrics_listen, nick = "Metrics address",
        blurb = "Address and port of /metrics for those without a password (unset = only behind the password, on listen)",
        builder().mutable_ready()
    )]
    #[property(
        name = "statistics-dir", get, set, type = Option<String>, member = statistics_dir, nick = "Statistics folder",
        blurb = "Folder for CSV files of what browsers measure of their connections (unset = none are written)",
        builder().mutable_ready()
    )]
    #[property(
        name = "signalling-uri", get, set, type = Option<String>, member = signalling_uri, nick = "Signalling URI",
        blurb = "Selkies signalling server to join instead of listening oneself, such as wss://host/webrtc/signalling/, with user and password (unset = none)",
        builder().mutable_ready()
    )]
    #[property(
        name = "web-root", get, set, type = Option<String>, member = web_root, nick = "Web root",
        blurb = "Directory with another web client (unset = the built-in one)",
        builder().mutable_ready()
    )]
    #[property(
        name = "files-path", get, set, type = Option<String>, member = files_path, nick = "Files path",
        blurb = "Folder that browsers send files to and fetch files from (unset = no files)",
        builder().mutable_ready()
    )]
    #[property(
        name = "file-transfers", get, set, type = FilesPolicy, member = file_transfers, nick = "File transfers",
        blurb = "Which way files may go",
        builder(FilesPolicy::default()).mutable_ready()
    )]
    #[property(
        name = "app-name", get, set, type = Option<String>, member = app_name, nick = "App name",
        blurb = "Name under which browsers install the page as an app (unset = egldesktop)",
        builder().mutable_ready()
    )]
    #[property(
        name = "app-short-name", get, set, type = Option<String>, member = app_short_name, nick = "Short app name",
        blurb = "The same where there is little room, such as below an icon (unset = app-name)",
        builder().mutable_ready()
    )]
    #[property(
        name = "app-start-url", get, set, type = Option<String>, member = app_start_url, nick = "App start URL",
        blurb = "Address that the installed app opens, relative to the page (unset = the page)",
        builder().mutable_ready()
    )]
    #[property(
        name = "vnc-server", get, set, type = Option<String>, member = vnc_server, nick = "VNC server",
        blurb = "VNC server of the same screen, such as unix:/run/vnc or 127.0.0.1:5900, to be reached by the WebSocket /websockify (unset = none)",
        builder().mutable_ready()
    )]
    #[property(
        name = "vnc-client", get, set, type = Option<String>, member = vnc_client, nick = "VNC client",
        blurb = "Directory with noVNC, the front page where vnc-server is set as well (unset = none)",
        builder().mutable_ready()
    )]
    #[property(
        name = "clipboard", get, set, type = ClipboardPolicy, member = clipboard, nick = "Clipboard",
        blurb = "Which way the clipboard is shared",
        builder(ClipboardPolicy::default()).mutable_ready()
    )]
    #[property(
        name = "resize-switch", get, set, type = bool, member = resize_switch, nick = "Resize switch",
        blurb = "Whether who controls the desktop may change enable-resize",
        builder().default_value(false).mutable_ready()
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
        name = "notice", get, set, type = Option<String>, member = notice, nick = "Notice",
        blurb = "What every viewer is told, and /health tells who logs in, such as that another encoder runs than wanted",
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
        name = "turn-rest-headers", get, set, type = String, member = turn_rest_headers, nick = "TURN REST headers",
        blurb = "HTTP headers for that name, turn-protocol and turn-tls in requests to the TURN REST service, with commas between",
        builder().default_value(Some(DEFAULT_TURN_REST_HEADERS)).mutable_ready()
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
        name = "audio-channels", get, set, type = u32, member = audio_channels, nick = "Audio channels",
        blurb = "How many the sound has that comes once somebody listens: 1, 2, 6 (5.1) or 8 (7.1)",
        builder().minimum(1).maximum(8).default_value(2).mutable_ready()
    )]
    settings: Mutex<Settings>,
    #[property(
        name = "bound-address", get = Self::bound_address, type = Option<String>, nick = "Bound address",
        blurb = "Address and port that the web server listens on, while it runs; or the signalling-uri that is joined instead"
    )]
    #[property(
        name = "viewers", get = Self::viewers, type = u32, nick = "Viewers",
        blurb = "Number of connections of viewers"
    )]
    running: Mutex<Option<Running>>,
    #[property(
        name = "video-active", get = |this: &Self| this.is_active(Kind::Video), type = bool, nick = "Video active",
        blurb = "Whether anybody watches: else nothing need be encoded"
    )]
    #[property(
        name = "audio-active", get = |this: &Self| this.is_active(Kind::Audio), type = bool, nick = "Audio active",
        blurb = "Whether anybody listens: else nothing need be encoded"
    )]
    #[property(
        name = "microphone-active", get = Self::is_microphone_active, type = bool, nick = "Microphone active",
        blurb = "Whether who controls the desktop talks: else nothing need be decoded"
    )]
    pads: Mutex<Pads>,
    #[property(
        name = "video-bitrate", get = |this: &Self| this.tuning.borrow().video_bitrate,
        set = |this: &Self, value| this.tune(|tuning| tuning.video_bitrate = value), type = u32, nick = "Video bitrate",
        blurb = "What is wanted of the encoder, in kbit/s (0 = unknown). Changes when who controls the desktop asks for it"
    )]
    #[property(
        name = "audio-bitrate", get = |this: &Self| this.tuning.borrow().audio_bitrate,
        set = |this: &Self, value| this.tune(|tuning| tuning.audio_bitrate = value), type = u32, nick = "Audio bitrate",
        blurb = "The same for the sound, in bit/s: whoever owns the encoder listens to that, and sets the encoder"
    )]
    #[property(
        name = "framerate", get = |this: &Self| this.tuning.borrow().framerate,
        set = |this: &Self, value| this.tune(|tuning| tuning.framerate = value), type = u32, nick = "Framerate",
        blurb = "What is wanted of the encoder, in frames per second at most"
    )]
    #[property(
        name = "enable-resize", get = |this: &Self| this.tuning.borrow().resize,
        set = |this: &Self, value| this.tune(|tuning| tuning.resize = value), type = bool, nick = "Enable resize",
        blurb = "Whether browsers may give the screen the size and the scale of their window. Changes when who controls \
                 the desktop asks for it, where resize-switch allows it"
    )]
    #[property(
        name = "target-video-bitrate", get = |this: &Self| this.target().video_bitrate, type = u32, nick = "Target video bitrate",
        blurb = "As much of video-bitrate as the network carries: whoever owns the encoder listens to that, and sets the encoder"
    )]
    #[property(
        name = "target-framerate", get = |this: &Self| this.target().framerate, type = u32, nick = "Target framerate",
        blurb = "The same for framerate, which falls only when the network carries less than a tenth of video-bitrate"
    )]
    tuning: watch::Sender<Tuning>,
    #[property(
        name = "encoder", get = |this: &Self| this.encoders.borrow().current.clone(),
        set = |this: &Self, name: Option<String>| this.encoders.send_modify(|it| it.current = name.unwrap_or_default()),
        type = String, nick = "Encoder",
        blurb = "Name of the encoder that is wanted. Changes when who controls the desktop asks for another of encoders: \
                 whoever owns the encoder listens to that, and exchanges it"
    )]
    #[property(
        name = "encoders", get = |this: &Self| this.encoders.borrow().print_offers(),
        set = |this: &Self, text: Option<String>| this.offer_encoders(text.as_deref().unwrap_or_default()),
        type = String, nick = "Encoders",
        blurb = "Encoders that may be chosen, set with the media types of what they make, such as \
                 x264enc=video/x-h264,vp8enc=video/x-vp8 (empty = there is no choice)"
    )]
    encoders: watch::Sender<Encoders>,
    #[property(
        name = "gpu-statistics", set = Self::set_gpu_statistics, type = Option<String>, nick = "GPU statistics",
        blurb = "What the GPU does now, for the viewers: the text of a structure with load (double, 0 to 1), and in bytes \
                 memory-used and memory-total (guint64; 0 where the GPU has no memory of its own)"
    )]
    gpu: watch::Sender<Option<GpuStatistics>>,
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

impl ObjectImpl for SelkiesSignal {
    /// Those above, those of who comes in, and one of a type that the derive does not know.
    fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let stats = glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
                .nick("Statistics")
                .blurb("Numbers of all streams and viewers. Reading it may take a second")
                .read_only()
                .build();
            let derived = SelkiesSignal::derived_properties().iter().cloned();
            derived.chain(AccessSettings::specs()).chain([stats]).collect()
        });
        &PROPERTIES
    }

    fn property(&self, id: usize, spec: &glib::ParamSpec) -> glib::Value {
        match spec.name() {
            "stats" => self.stats().to_value(),
            name if AccessSettings::has(name) => lock(&self.settings).access.get(name),
            _ => self.derived_property(id, spec),
        }
    }

    fn set_property(&self, id: usize, value: &glib::Value, spec: &glib::ParamSpec) {
        if AccessSettings::has(spec.name()) {
            lock(&self.settings).access.set(spec.name(), value);
        } else {
            self.derived_set_property(id, value, spec);
        }
    }

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
        pads::templates()
    }

    fn request_new_pad(
        &self,
        template: &gst::PadTemplate,
        name: Option<&str>,
        _caps: Option<&gst::Caps>,
    ) -> Option<gst::Pad> {
        if template.direction() == gst::PadDirection::Src {
            let pad = lock(&self.pads)
                .add_microphone(&self.obj(), template, name)
                .inspect_err(|error| gst::error!(CAT, imp = self, "{error}"))
                .ok()?;
            self.publish();
            return Some(pad);
        }
        let kind = if template.name_template().starts_with("video") { Kind::Video } else { Kind::Audio };
        let pad = lock(&self.pads)
            .add(&self.obj(), template, kind, name)
            .inspect_err(|error| gst::error!(CAT, imp = self, "{error}"))
            .ok()?;
        self.publish();
        Some(pad.upcast())
    }

    fn release_pad(&self, pad: &gst::Pad) {
        lock(&self.pads).remove(&self.obj(), pad);
        self.publish();
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
        lock(&self.running).as_ref().map(|running| running.address.clone())
    }

    fn viewers(&self) -> u32 {
        let hub = lock(&self.running).as_ref().map(|running| running.hub.clone());
        hub.map_or(0, |hub| hub.viewers())
    }

    fn stats(&self) -> gst::Structure {
        let hub = lock(&self.running).as_ref().map(|running| running.hub.clone());
        let (streams, viewers) = hub.map(|hub| hub.stats()).unwrap_or_default();
        super::metrics::structure(&streams, &viewers)
    }

    fn is_active(&self, kind: Kind) -> bool {
        let stream = lock(&self.pads).stream(kind);
        stream.is_some_and(|stream| stream.is_active())
    }

    fn is_microphone_active(&self) -> bool {
        let microphone = lock(&self.pads).microphone.clone();
        microphone.is_some_and(|microphone| microphone.is_active())
    }

    /// Tells the server which pads there are.
    fn publish(&self) {
        let pads = lock(&self.pads);
        if let Some(running) = lock(&self.running).as_ref() {
            running.hub.set_streams(pads.stream(Kind::Video), pads.stream(Kind::Audio));
            running.hub.set_microphone(pads.microphone.clone());
        }
    }

    fn start(&self) -> Result<(), gst::ErrorMessage> {
        let settings = lock(&self.settings).clone();
        let (video, audio) = {
            let pads = lock(&self.pads);
            (pads.stream(Kind::Video), pads.stream(Kind::Audio))
        };
        let wishes = (self.tuning.subscribe(), self.encoders.subscribe());
        let running = Running::start(&self.obj(), settings, (video, audio), wishes, self.gpu.subscribe())?;
        *lock(&self.running) = Some(running);
        self.publish();
        self.obj().notify_bound_address();
        Ok(())
    }

    fn stop(&self) {
        // Not under the lock: sessions that end read properties.
        let running = lock(&self.running).take();
        if let Some(running) = running {
            running.stop();
            self.obj().notify_bound_address();
        }
    }
}
