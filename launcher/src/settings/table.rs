//! The one table of environment variables: parsing, `--help`, the README's table and the `${NAME}`s of the pipeline files
//! all come from here.

/// An environment variable the launcher understands.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    /// Older names of the same thing; the first name wins where both are set.
    pub(crate) aliases: &'static [&'static str],
    /// The value when it is not set, in the variable's own syntax.
    pub(crate) default: Option<&'static str>,
    /// What the default is where it takes more than a constant to say it.
    pub(crate) default_note: Option<&'static str>,
    pub(crate) kind: Kind,
    /// Never shown, logged, or handed to a child process.
    pub(crate) secret: bool,
    pub(crate) meaning: &'static str,
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Boolean,
    Number { min: u32, max: u32 },
    Decimal { min: i32, max: i32 },
    Choice(&'static [&'static str]),
}

impl Variable {
    const fn new(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        Self { name, aliases: &[], default: None, default_note: None, kind, secret: false, meaning }
    }

    const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn default_note(mut self, note: &'static str) -> Self {
        self.default_note = Some(note);
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// The name and the aliases, in the order in which they are looked up.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// Every name of every secret.
pub(crate) fn secrets() -> impl Iterator<Item = &'static str> {
    TABLE.iter().filter(|variable| variable.secret).flat_map(|variable| variable.names())
}

const fn number(min: u32, max: u32) -> Kind {
    Kind::Number { min, max }
}

pub(crate) static ADDR: Variable = Variable::new(
    "SELKIES_ADDR",
    Kind::Text,
    "IP address to listen on; `0.0.0.0` or `::` for every address of the machine",
)
.aliases(&["LISTEN_HOST"])
.default("127.0.0.1");

pub(crate) static PORT: Variable =
    Variable::new("SELKIES_PORT", number(0, 65535), "TCP port to listen on; `0` picks a free one")
        .aliases(&["LISTEN_PORT"])
        .default("8080");

pub(crate) static DISPLAY: Variable = Variable::new(
    "DISPLAY",
    Kind::Text,
    "X display to serve, as it is; when unset, a private Xvfb with a desktop session is started",
);

pub(crate) static WIDTH: Variable = Variable::new("SIZEW", number(16, 16384), "width of the private screen, in pixels")
    .aliases(&["DISPLAY_SIZEW"])
    .default("1920");

pub(crate) static HEIGHT: Variable =
    Variable::new("SIZEH", number(16, 16384), "height of the private screen, in pixels")
        .aliases(&["DISPLAY_SIZEH"])
        .default("1080");

pub(crate) static REFRESH: Variable =
    Variable::new("REFRESH", number(1, 600), "refresh rate of the private screen, in Hz")
        .aliases(&["DISPLAY_REFRESH"])
        .default("60");

pub(crate) static DPI: Variable =
    Variable::new("DPI", number(24, 960), "resolution of the private screen, in dots per inch")
        .aliases(&["DISPLAY_DPI"])
        .default("96");

pub(crate) static DEPTH: Variable =
    Variable::new("CDEPTH", number(8, 32), "colour depth of the private screen, in bits")
        .aliases(&["DISPLAY_CDEPTH"])
        .default("24");

pub(crate) static VGL_DISPLAY: Variable = Variable::new(
    "VGL_DISPLAY",
    Kind::Text,
    "GPU that programs on the private screen draw with, by VirtualGL: `egl`, `egl1`, `/dev/dri/card0`, …; `none` for none",
)
.default_note("`egl` and `SELKIES_GPU_ID`, where there is a GPU and VirtualGL");

pub(crate) static TIME_ZONE: Variable =
    Variable::new("TZ", Kind::Text, "time zone of the desktop, such as `Europe/Vienna`")
        .default_note("that of the machine");

pub(crate) static NOVNC: Variable = Variable::new(
    "NOVNC_ENABLE",
    Kind::Boolean,
    "serve noVNC, for browsers and networks without WebRTC, as the front page: the same password, no sound; WebRTC's page is \
     at `/index.html` then",
)
.default("false");

pub(crate) static NOVNC_ROOT: Variable =
    Variable::new("EGLDESKTOP_NOVNC_ROOT", Kind::Text, "folder with noVNC").default("/usr/share/novnc");

pub(crate) static ENCODER: Variable = Variable::new(
    "WEBRTC_ENCODER",
    Kind::Text,
    "encoder, that is the pipeline file to run; `--list-encoders` lists them; `auto` takes the best that works",
)
.aliases(&["SELKIES_ENCODER"])
.default("auto");

pub(crate) static ENCODER_FALLBACK: Variable = Variable::new(
    "WEBRTC_ENCODER_FALLBACK",
    Kind::Boolean,
    "encode on the CPU, and say so, where the encoder that is named cannot work",
)
.default("false");

pub(crate) static GPU: Variable =
    Variable::new("SELKIES_GPU_ID", number(0, 63), "number of the GPU to encode with, as NVIDIA and `/dev/dri` count")
        .default("0");

pub(crate) static KEYFRAME_DISTANCE: Variable = Variable::new(
    "SELKIES_KEYFRAME_DISTANCE",
    Kind::Decimal { min: -1, max: 86_400 },
    "seconds from one keyframe to the next; below zero: only when a viewer needs one",
)
.default("-1");

pub(crate) static RESIZE: Variable = Variable::new(
    "WEBRTC_ENABLE_RESIZE",
    Kind::Boolean,
    "let browsers give the screen the size and the scale of their window",
)
.aliases(&["SELKIES_ENABLE_RESIZE"])
.default("false");

pub(crate) static CLIPBOARD: Variable = Variable::new(
    "SELKIES_ENABLE_CLIPBOARD",
    Kind::Choice(&["true", "false", "in", "out"]),
    "share the clipboard: `true`, `false`, only `in` to the desktop, or only `out` of it",
)
.aliases(&["ENABLE_CLIPBOARD"])
.default("true");

pub(crate) static FRAMERATE: Variable = Variable::new("SELKIES_FRAMERATE", number(1, 480), "most frames per second")
    .aliases(&["WEBRTC_FRAMERATE"])
    .default("60");

pub(crate) static VIDEO_BITRATE: Variable =
    Variable::new("SELKIES_VIDEO_BITRATE", number(100, 1_000_000), "video bitrate, in kbit/s")
        .aliases(&["WEBRTC_VIDEO_BITRATE"])
        .default("8000");

pub(crate) static AUDIO_BITRATE: Variable =
    Variable::new("SELKIES_AUDIO_BITRATE", number(6_000, 510_000), "sound bitrate, in bit/s")
        .aliases(&["WEBRTC_AUDIO_BITRATE"])
        .default("128000");

pub(crate) static AUDIO: Variable =
    Variable::new("ENABLE_AUDIO", Kind::Boolean, "send the desktop's sound").default("true");

pub(crate) static PULSE_SERVER: Variable = Variable::new(
    "PULSE_SERVER",
    Kind::Text,
    "PulseAudio (or pipewire-pulse) server to take the sound from, instead of a private one",
);

pub(crate) static BASIC_AUTH: Variable =
    Variable::new("ENABLE_BASIC_AUTH", Kind::Boolean, "ask for a user name and a password")
        .aliases(&["SELKIES_ENABLE_BASIC_AUTH"])
        .default("true");

pub(crate) static USER: Variable = Variable::new("BASIC_AUTH_USER", Kind::Text, "user name")
    .aliases(&["SELKIES_BASIC_AUTH_USER"])
    .default_note("`$USER`, else `user`");

pub(crate) static PASSWORD: Variable = Variable::new("BASIC_AUTH_PASSWORD", Kind::Text, "password")
    .aliases(&["SELKIES_BASIC_AUTH_PASSWORD"])
    .default_note("`PASSWD`, else a random one, printed at the start")
    .secret();

pub(crate) static PASSWD: Variable =
    Variable::new("PASSWD", Kind::Text, "password, where `BASIC_AUTH_PASSWORD` is not set").secret();

pub(crate) static VIEW_PASSWORD: Variable = Variable::new(
    "SELKIES_BASIC_AUTH_VIEWONLY_PASSWORD",
    Kind::Text,
    "a second password, for those who may watch only",
)
.aliases(&["NOVNC_VIEWPASS"])
.secret();

pub(crate) static CONTROL_POLICY: Variable = Variable::new(
    "EGLDESKTOP_CONTROL",
    Kind::Choice(&["takeover", "first", "shared"]),
    "who controls the desktop when a second one comes who may: who comes or asks last (`takeover`), who came `first`, or \
     everybody (`shared`)",
)
.default("takeover");

pub(crate) static UNIX_SOCKET: Variable =
    Variable::new("SELKIES_UNIX_SOCKET", Kind::Text, "path of a Unix socket to listen on, instead of an address");

pub(crate) static SUBFOLDER: Variable = Variable::new(
    "SELKIES_SUBFOLDER",
    Kind::Text,
    "path that a reverse proxy serves this desktop below, such as `/desk`; needed only where the proxy passes it on",
);

pub(crate) static HTTPS: Variable = Variable::new("SELKIES_ENABLE_HTTPS", Kind::Boolean, "serve by TLS")
    .aliases(&["ENABLE_HTTPS_WEB"])
    .default("false");

pub(crate) static HTTPS_CERT: Variable = Variable::new(
    "SELKIES_HTTPS_CERT",
    Kind::Text,
    "PEM file with the chain of certificates; read again when it changes",
)
.aliases(&["HTTPS_WEB_CERT"])
.default("/etc/ssl/certs/ssl-cert-snakeoil.pem");

pub(crate) static HTTPS_KEY: Variable = Variable::new(
    "SELKIES_HTTPS_KEY",
    Kind::Text,
    "PEM file with the private key; empty where it is in the other file",
)
.aliases(&["HTTPS_WEB_KEY"])
.default_note("`/etc/ssl/private/ssl-cert-snakeoil.key` with the default certificate");

pub(crate) static METRICS: Variable = Variable::new(
    "SELKIES_ENABLE_METRICS_HTTP",
    Kind::Boolean,
    "serve `/metrics` without a password on `SELKIES_METRICS_HTTP_PORT`; it is always there behind the password",
)
.default("false");

pub(crate) static METRICS_PORT: Variable = Variable::new(
    "SELKIES_METRICS_HTTP_PORT",
    number(1, 65535),
    "TCP port of `/metrics` without a password, on `SELKIES_ADDR`",
)
.aliases(&["METRICS_PORT", "WEBRTC_METRICS_PORT"])
.default("8000");

pub(crate) static TURN_HOST: Variable =
    Variable::new("SELKIES_TURN_HOST", Kind::Text, "TURN server to relay through").aliases(&["TURN_HOST"]);

pub(crate) static TURN_PORT: Variable = Variable::new("SELKIES_TURN_PORT", number(1, 65535), "port of the TURN server")
    .aliases(&["TURN_PORT"])
    .default("3478");

pub(crate) static TURN_PROTOCOL: Variable = Variable::new(
    "SELKIES_TURN_PROTOCOL",
    Kind::Choice(&["udp", "tcp"]),
    "how to reach the TURN server: `udp` or `tcp`",
)
.aliases(&["TURN_PROTOCOL"])
.default("udp");

pub(crate) static TURN_TLS: Variable =
    Variable::new("SELKIES_TURN_TLS", Kind::Boolean, "reach the TURN server through TLS")
        .aliases(&["TURN_TLS"])
        .default("false");

pub(crate) static TURN_SECRET: Variable = Variable::new(
    "SELKIES_TURN_SHARED_SECRET",
    Kind::Text,
    "secret shared with the TURN server, to make short-lived credentials from",
)
.aliases(&["TURN_SHARED_SECRET"])
.secret();

pub(crate) static TURN_USERNAME: Variable =
    Variable::new("SELKIES_TURN_USERNAME", Kind::Text, "user name at the TURN server, where there is no shared secret")
        .aliases(&["TURN_USERNAME"]);

pub(crate) static TURN_PASSWORD: Variable =
    Variable::new("SELKIES_TURN_PASSWORD", Kind::Text, "password at the TURN server, where there is no shared secret")
        .aliases(&["TURN_PASSWORD"])
        .secret();

pub(crate) static TURN_SEPARATOR: Variable = Variable::new(
    "EGLDESKTOP_TURN_SEPARATOR",
    Kind::Choice(&[":", "-"]),
    "what stands in user names made from the shared secret: `:`, or `-` for a coTURN with `rest-api-separator=-`",
)
.default(":");

pub(crate) static RTC_CONFIG: Variable = Variable::new(
    "SELKIES_RTC_CONFIG_JSON",
    Kind::Text,
    "JSON file with an `RTCConfiguration`; while it is there it goes before the TURN variables, and changes are followed",
)
.aliases(&["RTC_CONFIG_JSON"]);

pub(crate) static TURN_REST: Variable = Variable::new(
    "SELKIES_TURN_REST_URI",
    Kind::Text,
    "TURN REST service to ask for servers; goes before `SELKIES_TURN_HOST`",
)
.aliases(&["COTURN_WEB_URI"]);

pub(crate) static TURN_REST_USERNAME: Variable =
    Variable::new("SELKIES_TURN_REST_USERNAME", Kind::Text, "name of this desktop at the TURN REST service")
        .aliases(&["COTURN_WEB_USERNAME"])
        .default_note("`selkies-` and the name of the machine");

pub(crate) static TURN_REST_USERNAME_HEADER: Variable = Variable::new(
    "SELKIES_TURN_REST_USERNAME_AUTH_HEADER",
    Kind::Text,
    "header for that name in requests to the TURN REST service",
)
.aliases(&["COTURN_AUTH_HEADER_NAME"])
.default("x-auth-user");

pub(crate) static TURN_REST_PROTOCOL_HEADER: Variable = Variable::new(
    "SELKIES_TURN_REST_PROTOCOL_HEADER",
    Kind::Text,
    "header for `SELKIES_TURN_PROTOCOL` in requests to the TURN REST service",
)
.default("x-turn-protocol");

pub(crate) static TURN_REST_TLS_HEADER: Variable = Variable::new(
    "SELKIES_TURN_REST_TLS_HEADER",
    Kind::Text,
    "header for `SELKIES_TURN_TLS` in requests to the TURN REST service",
)
.default("x-turn-tls");

pub(crate) static CLOUDFLARE: Variable = Variable::new(
    "SELKIES_ENABLE_CLOUDFLARE_TURN",
    Kind::Boolean,
    "ask Cloudflare for TURN servers; goes before all the others",
)
.default("false");

pub(crate) static CLOUDFLARE_ID: Variable =
    Variable::new("SELKIES_CLOUDFLARE_TURN_TOKEN_ID", Kind::Text, "TURN key at Cloudflare");

pub(crate) static CLOUDFLARE_TOKEN: Variable =
    Variable::new("SELKIES_CLOUDFLARE_TURN_API_TOKEN", Kind::Text, "API token of that TURN key").secret();

pub(crate) static CONGESTION: Variable = Variable::new(
    "SELKIES_CONGESTION_CONTROL",
    Kind::Boolean,
    "set the encoder to what the network carries, up to the video bitrate",
)
.default("true");

pub(crate) static VIDEO_LOSS: Variable = Variable::new(
    "SELKIES_VIDEO_PACKETLOSS_PERCENT",
    number(0, 100),
    "packets of error correction for a hundred of video; lost packets are sent again anyway",
)
.default("0");

pub(crate) static AUDIO_LOSS: Variable = Variable::new(
    "SELKIES_AUDIO_PACKETLOSS_PERCENT",
    number(0, 100),
    "lost packets, in per cent, that the sound is prepared for",
)
.default("0");

pub(crate) static PUBLIC_IP: Variable = Variable::new(
    "SELKIES_WEBRTC_PUBLIC_IP",
    Kind::Text,
    "public IPv4 and IPv6 address of the machine, with a comma between, where it has others itself (NAT 1:1)",
);

pub(crate) static PORT_RANGE: Variable =
    Variable::new("SELKIES_WEBRTC_PORT_RANGE", Kind::Text, "UDP and TCP ports for media, such as `59000-59100`");

pub(crate) static STUN_HOST: Variable =
    Variable::new("SELKIES_STUN_HOST", Kind::Text, "STUN server, by which the desktop learns its public address");

pub(crate) static STUN_PORT: Variable =
    Variable::new("SELKIES_STUN_PORT", number(1, 65535), "port of the STUN server").default("19302");

pub(crate) static WEB_ROOT: Variable =
    Variable::new("SELKIES_WEB_ROOT", Kind::Text, "folder with a web client to serve instead of the built-in one")
        .aliases(&["WEB_ROOT"]);

pub(crate) static PIPELINES: Variable = Variable::new(
    "EGLDESKTOP_PIPELINES",
    Kind::Text,
    "folder with pipeline files that add to, or stand in for, the built-in ones",
);

pub(crate) static LOG: Variable = Variable::new(
    "RUST_LOG",
    Kind::Text,
    "what the launcher logs: `warn`, `info`, `debug` (with what its children print), …; GStreamer has `GST_DEBUG`",
)
.default("info");

pub(crate) static LOG_FORMAT: Variable = Variable::new(
    "EGLDESKTOP_LOG_FORMAT",
    Kind::Choice(&["text", "json"]),
    "how the launcher logs: `text`, or `json` with one object a line",
)
.default("text");

pub(crate) static TABLE: &[&Variable] = &[
    &ADDR,
    &PORT,
    &UNIX_SOCKET,
    &SUBFOLDER,
    &HTTPS,
    &HTTPS_CERT,
    &HTTPS_KEY,
    &BASIC_AUTH,
    &USER,
    &PASSWORD,
    &PASSWD,
    &VIEW_PASSWORD,
    &CONTROL_POLICY,
    &NOVNC,
    &NOVNC_ROOT,
    &DISPLAY,
    &WIDTH,
    &HEIGHT,
    &REFRESH,
    &DPI,
    &DEPTH,
    &VGL_DISPLAY,
    &TIME_ZONE,
    &RESIZE,
    &CLIPBOARD,
    &ENCODER,
    &ENCODER_FALLBACK,
    &GPU,
    &FRAMERATE,
    &VIDEO_BITRATE,
    &KEYFRAME_DISTANCE,
    &AUDIO,
    &AUDIO_BITRATE,
    &PULSE_SERVER,
    &TURN_HOST,
    &TURN_PORT,
    &TURN_PROTOCOL,
    &TURN_TLS,
    &TURN_SECRET,
    &TURN_USERNAME,
    &TURN_PASSWORD,
    &TURN_SEPARATOR,
    &RTC_CONFIG,
    &TURN_REST,
    &TURN_REST_USERNAME,
    &TURN_REST_USERNAME_HEADER,
    &TURN_REST_PROTOCOL_HEADER,
    &TURN_REST_TLS_HEADER,
    &CLOUDFLARE,
    &CLOUDFLARE_ID,
    &CLOUDFLARE_TOKEN,
    &CONGESTION,
    &VIDEO_LOSS,
    &AUDIO_LOSS,
    &PUBLIC_IP,
    &PORT_RANGE,
    &STUN_HOST,
    &STUN_PORT,
    &METRICS,
    &METRICS_PORT,
    &WEB_ROOT,
    &PIPELINES,
    &LOG,
    &LOG_FORMAT,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_is_given_twice() {
        let mut seen = BTreeSet::new();
        for name in TABLE.iter().flat_map(|variable| variable.names()) {
            assert!(seen.insert(name), "{name}");
        }
    }

    #[test]
    fn whatever_sounds_secret_is_secret() {
        for variable in TABLE {
            let sounds = ["PASS", "SECRET", "API_TOKEN"].iter().any(|part| variable.name.contains(part));
            assert_eq!(variable.secret, sounds, "{}", variable.name);
        }
    }
}
