//! The variables that say how browser and desktop find a network path to each other.

use super::{Kind, Variable, number};

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
