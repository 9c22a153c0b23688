//! The variables that say where a desktop is served, to whom, and what is told of it.

use super::{Kind, Variable, number};

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

pub(crate) static TRANSPORT: Variable = Variable::new(
    "EGLDESKTOP_TRANSPORT",
    Kind::Choice(&["auto", "webrtc", "websocket"]),
    "how picture and sound travel: by WebRTC where that connects and over the page's WebSocket elsewhere (`auto`), or one \
     of the two only",
)
.default("auto");

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

pub(crate) static STATISTICS: Variable = Variable::new(
    "SELKIES_ENABLE_WEBRTC_STATISTICS",
    Kind::Boolean,
    "write what browsers measure of their connections into CSV files, a row a second",
)
.default("false");

pub(crate) static STATISTICS_DIR: Variable =
    Variable::new("SELKIES_WEBRTC_STATISTICS_DIR", Kind::Text, "folder for these files, which has to be there")
        .default("/tmp");

pub(crate) static WEB_ROOT: Variable =
    Variable::new("SELKIES_WEB_ROOT", Kind::Text, "folder with a web client to serve instead of the built-in one")
        .aliases(&["WEB_ROOT"]);
