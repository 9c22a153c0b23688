//! The variables that say who comes in, how often, and how much.

use super::{Kind, Variable, number};

pub(crate) static TRUSTED_PROXIES: Variable = Variable::new(
    "EGLDESKTOP_TRUSTED_PROXIES",
    Kind::Text,
    "reverse proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: addresses and networks with commas \
     between; `unix` is the Unix socket; empty for none",
)
.default("127.0.0.0/8,::1,unix");

pub(crate) static LOGIN_HEADER_FROM: Variable = Variable::new(
    "EGLDESKTOP_LOGIN_HEADER_FROM",
    Kind::Text,
    "reverse proxies that have asked who somebody is, such as by OpenID Connect, and say so in `EGLDESKTOP_LOGIN_HEADER`: \
     who comes through them with a name needs no password; written as `EGLDESKTOP_TRUSTED_PROXIES`",
);

pub(crate) static LOGIN_HEADER: Variable = Variable::new(
    "EGLDESKTOP_LOGIN_HEADER",
    Kind::Text,
    "that header; the proxy has to take it away from what browsers send",
)
.default("X-Forwarded-User");

pub(crate) static LOGIN_HEADER_CONTROL: Variable = Variable::new(
    "EGLDESKTOP_LOGIN_HEADER_CONTROL",
    Kind::Text,
    "names in that header of those who may control the desktop, with commas between; the others watch; empty: all may",
);

pub(crate) static LOGIN_ATTEMPTS: Variable = Variable::new(
    "EGLDESKTOP_LOGIN_ATTEMPTS",
    number(1, 1_000_000),
    "wrong passwords from one address (IPv6: one /64) before nobody there is heard for a second; each further one doubles \
     that",
)
.default("5");

pub(crate) static LOGIN_LOCKOUT: Variable = Variable::new(
    "EGLDESKTOP_LOGIN_LOCKOUT",
    number(1, 86_400),
    "the longest that nobody there is heard, in seconds; who has a session is",
)
.default("900");

pub(crate) static SESSION_LIFETIME: Variable = Variable::new(
    "EGLDESKTOP_SESSION_LIFETIME",
    number(60, 31_536_000),
    "how long a browser need not show the password again, in seconds since it was used last",
)
.default("43200");

pub(crate) static MAX_CONNECTIONS: Variable = Variable::new(
    "EGLDESKTOP_MAX_CONNECTIONS",
    number(1, 100_000),
    "connections to the web server at a time; a browser opens up to six",
)
.default("512");

pub(crate) static MAX_VIEWERS: Variable =
    Variable::new("EGLDESKTOP_MAX_VIEWERS", number(1, 1000), "viewers at a time").default("64");

pub(crate) static MAX_UPLOAD: Variable =
    Variable::new("EGLDESKTOP_MAX_UPLOAD", number(1, 1 << 30), "the largest file that browsers may send, in MiB")
        .default("65536");
