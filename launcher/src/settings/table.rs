//! The one table of environment variables: parsing, `--help`, the README's table and the `${NAME}`s of the pipeline files
//! all come from here.

mod access;
mod ice;
mod serve;

pub(crate) use access::*;
pub(crate) use ice::*;
pub(crate) use serve::*;

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
    /// What it is called in the file of what viewers changed; see [`super::saved`].
    pub(crate) saved_as: Option<&'static str>,
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
        Self { name, aliases: &[], default: None, default_note: None, kind, secret: false, saved_as: None, meaning }
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

    /// A viewer may change it, and it stays changed.
    const fn saved_as(mut self, key: &'static str) -> Self {
        self.saved_as = Some(key);
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
.default("auto")
.saved_as("encoder");

pub(crate) static ENCODERS: Variable = Variable::new(
    "EGLDESKTOP_ENCODERS",
    Kind::Text,
    "encoders that viewers may change to while the desktop runs, with commas between; `none` for no choice; not set, all \
     that work here",
);

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
    "let browsers give the screen the size and the scale of their window; who controls may switch that, unless this is set \
     to `false`",
)
.aliases(&["SELKIES_ENABLE_RESIZE"])
.default("false")
.saved_as("enable_resize");

pub(crate) static CLIPBOARD: Variable = Variable::new(
    "SELKIES_ENABLE_CLIPBOARD",
    Kind::Choice(&["true", "false", "in", "out"]),
    "share the clipboard: `true`, `false`, only `in` to the desktop, or only `out` of it",
)
.aliases(&["ENABLE_CLIPBOARD"])
.default("true");

pub(crate) static GAMEPADS: Variable = Variable::new(
    "EGLDESKTOP_GAMEPADS",
    Kind::Choice(&["auto", "uinput", "interposer", "interposer-v1", "none"]),
    "gamepads of browsers: devices of the kernel (`uinput`), a library in the session's programs (`interposer`; `-v1` for \
     that of Selkies 1.5 and 1.6), or `none`; `auto` takes `uinput` where `/dev/uinput` can be written",
)
.default("auto");

pub(crate) static INTERPOSER: Variable = Variable::new(
    "SELKIES_INTERPOSER",
    Kind::Text,
    "joystick interposer for the session's programs, where the gamepads are no devices of the kernel",
)
.default_note("our own");

pub(crate) static JS_SOCKET_PATH: Variable =
    Variable::new("SELKIES_JS_SOCKET_PATH", Kind::Text, "folder of the joystick interposer's sockets")
        .default_note("a private one for our own interposer, else `/tmp`");

pub(crate) static FRAMERATE: Variable = Variable::new("SELKIES_FRAMERATE", number(1, 480), "most frames per second")
    .aliases(&["WEBRTC_FRAMERATE"])
    .default("60")
    .saved_as("framerate");

pub(crate) static VIDEO_BITRATE: Variable =
    Variable::new("SELKIES_VIDEO_BITRATE", number(100, 1_000_000), "video bitrate, in kbit/s")
        .aliases(&["WEBRTC_VIDEO_BITRATE"])
        .default("8000")
        .saved_as("video_bitrate");

pub(crate) static AUDIO_BITRATE: Variable =
    Variable::new("SELKIES_AUDIO_BITRATE", number(6_000, 510_000), "sound bitrate, in bit/s")
        .aliases(&["WEBRTC_AUDIO_BITRATE"])
        .default("128000")
        .saved_as("audio_bitrate");

pub(crate) static AUDIO: Variable =
    Variable::new("ENABLE_AUDIO", Kind::Boolean, "send the desktop's sound").default("true");

pub(crate) static AUDIO_CHANNELS: Variable = Variable::new(
    "SELKIES_AUDIO_CHANNELS",
    Kind::Choice(&["1", "2", "6", "8"]),
    "channels of the sound: mono, stereo, 5.1 or 7.1. By WebRTC, Chromium and what is made of it play more than two, others \
     only by WebSocket",
)
.aliases(&["WEBRTC_AUDIO_CHANNELS"])
.default("2");

pub(crate) static PULSE_SERVER: Variable = Variable::new(
    "PULSE_SERVER",
    Kind::Text,
    "PulseAudio (or pipewire-pulse) server to take the sound from, instead of a private one",
);

pub(crate) static MICROPHONE: Variable = Variable::new(
    "SELKIES_MICROPHONE_ENABLED",
    Kind::Boolean,
    "let who controls the desktop talk to its programs by the browser's microphone, the default recording device of the private \
     sound server",
)
.default("false");

pub(crate) static CONGESTION: Variable = Variable::new(
    "SELKIES_CONGESTION_CONTROL",
    Kind::Boolean,
    "set the encoder to what the network carries, up to the video bitrate",
)
.default("true");

pub(crate) static VIDEO_LOSS: Variable = Variable::new(
    "SELKIES_VIDEO_PACKETLOSS_PERCENT",
    number(0, 100),
    "nothing any more, as lost packets are sent again: error correction beside that breaks the picture",
)
.default("0");

pub(crate) static AUDIO_LOSS: Variable = Variable::new(
    "SELKIES_AUDIO_PACKETLOSS_PERCENT",
    number(0, 100),
    "lost packets, in per cent, that the sound is prepared for: each has a copy of the one before in it then, and 4 ms more delay",
)
.default("0");

pub(crate) static SAVED: Variable = Variable::new(
    "SELKIES_USER_CONFIG_FILE",
    Kind::Text,
    "JSON file for what viewers change while the desktop runs, read at the next start; a variable that is set goes before \
     it; `/dev/null` keeps nothing",
)
.aliases(&["SELKIES_JSON_CONFIG", "JSON_CONFIG"])
.default_note("`~/.config/selkies/selkies-gstreamer-conf.json`");

pub(crate) static FILES: Variable = Variable::new(
    "SELKIES_FILE_TRANSFERS",
    Kind::Choice(&["upload,download", "upload", "download", "false"]),
    "which way files may go: `upload,download`, only `upload` to the desktop, only `download`, or `false` for neither",
)
.default("upload,download");

pub(crate) static FILES_PATH: Variable =
    Variable::new("SELKIES_FILE_MANAGER_PATH", Kind::Text, "folder that files go to and come from")
        .default_note("`~/Desktop`");

pub(crate) static APP_NAME: Variable =
    Variable::new("PWA_APP_NAME", Kind::Text, "name under which browsers install the page as an app")
        .default("egldesktop");

pub(crate) static APP_SHORT_NAME: Variable =
    Variable::new("PWA_APP_SHORT_NAME", Kind::Text, "the same where there is little room; empty for the same name");

pub(crate) static APP_START_URL: Variable = Variable::new(
    "PWA_START_URL",
    Kind::Text,
    "address that the installed app opens, relative to the page; empty for the page itself",
);

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
    &TRANSPORT,
    &TRUSTED_PROXIES,
    &LOGIN_HEADER_FROM,
    &LOGIN_HEADER,
    &LOGIN_HEADER_CONTROL,
    &LOGIN_ATTEMPTS,
    &LOGIN_LOCKOUT,
    &SESSION_LIFETIME,
    &MAX_CONNECTIONS,
    &MAX_VIEWERS,
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
    &GAMEPADS,
    &INTERPOSER,
    &JS_SOCKET_PATH,
    &ENCODER,
    &ENCODERS,
    &ENCODER_FALLBACK,
    &GPU,
    &FRAMERATE,
    &VIDEO_BITRATE,
    &KEYFRAME_DISTANCE,
    &AUDIO,
    &AUDIO_BITRATE,
    &AUDIO_CHANNELS,
    &PULSE_SERVER,
    &MICROPHONE,
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
    &STATISTICS,
    &STATISTICS_DIR,
    &SAVED,
    &WEB_ROOT,
    &FILES,
    &FILES_PATH,
    &MAX_UPLOAD,
    &APP_NAME,
    &APP_SHORT_NAME,
    &APP_START_URL,
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
