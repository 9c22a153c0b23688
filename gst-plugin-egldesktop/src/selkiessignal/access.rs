//! The properties of `selkiessignal` that say who comes in, how often, and how much: one table of them, with what they
//! are called, and where they are kept.

use std::time::Duration;

use gst::glib;
use gst::glib::prelude::*;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AccessSettings {
    pub(super) trusted_proxies: String,
    pub(super) login_header: String,
    pub(super) login_header_from: Option<String>,
    pub(super) login_header_control: Option<String>,
    pub(super) login_attempts: u32,
    /// Seconds.
    pub(super) login_lockout: u32,
    /// Seconds.
    pub(super) session_lifetime: u32,
    pub(super) max_connections: u32,
    pub(super) max_viewers: u32,
    /// MiB.
    pub(super) max_upload: u32,
}

impl Default for AccessSettings {
    fn default() -> Self {
        Self {
            trusted_proxies: "127.0.0.0/8,::1,unix".into(),
            login_header: "X-Forwarded-User".into(),
            login_header_from: None,
            login_header_control: None,
            login_attempts: 5,
            login_lockout: 900,
            session_lifetime: 43_200,
            max_connections: 512,
            max_viewers: 64,
            max_upload: 65_536,
        }
    }
}

/// One of them, for reading and writing.
enum Slot<'a> {
    Text(&'a mut String),
    Maybe(&'a mut Option<String>),
    Number(&'a mut u32),
}

/// Name, nick, blurb; least and most of a number.
type Row = (&'static str, &'static str, &'static str, [u32; 2]);

const TABLE: [Row; 10] = [
    (
        "trusted-proxies",
        "Trusted proxies",
        "Addresses and networks of reverse proxies, with commas between, whose X-Forwarded-For and X-Forwarded-Proto are believed; unix stands for the Unix socket",
        [0, 0],
    ),
    (
        "login-header",
        "Login header",
        "Header in which a proxy of login-header-from says who has logged in there, such as by OpenID Connect",
        [0, 0],
    ),
    (
        "login-header-from",
        "Login header from",
        "Addresses and networks of the proxies whose login-header lets people in without a password (unset = none). They have to take that header away from browsers, and nobody else may reach this address from there",
        [0, 0],
    ),
    (
        "login-header-control",
        "Login header control",
        "Names in login-header of those who may control the desktop, with commas between; the others watch (unset = all may)",
        [0, 0],
    ),
    (
        "login-attempts",
        "Login attempts",
        "Wrong passwords from one IPv4 address or one IPv6 /64 before nobody there is heard for a second; each further one doubles that",
        [1, 1_000_000],
    ),
    ("login-lockout", "Login lock-out", "The longest that nobody there is heard, in seconds", [1, 86_400]),
    (
        "session-lifetime",
        "Session lifetime",
        "How long a browser need not show the password again, in seconds. It counts from the last use",
        [60, 31_536_000],
    ),
    (
        "max-connections",
        "Max connections",
        "Connections to the web server at a time; a browser opens up to six",
        [1, 100_000],
    ),
    ("max-viewers", "Max viewers", "Viewers at a time", [1, 1000]),
    ("max-upload-size", "Max upload size", "The largest file that browsers may send, in MiB", [1, 1 << 30]),
];

impl AccessSettings {
    /// All of them. They can be changed while the element is stopped.
    pub(super) fn specs() -> Vec<glib::ParamSpec> {
        let mut defaults = Self::default();
        let flags = glib::ParamFlags::READWRITE | gst::PARAM_FLAG_MUTABLE_READY;
        let specs = TABLE.iter().map(|&(name, nick, blurb, [least, most])| match defaults.slot(name) {
            Some(Slot::Number(number)) => glib::ParamSpecUInt::builder(name)
                .nick(nick)
                .blurb(blurb)
                .minimum(least)
                .maximum(most)
                .default_value(*number)
                .flags(flags)
                .build(),
            Some(Slot::Text(text)) => glib::ParamSpecString::builder(name)
                .nick(nick)
                .blurb(blurb)
                .default_value(Some(text.as_str()))
                .flags(flags)
                .build(),
            _ => glib::ParamSpecString::builder(name).nick(nick).blurb(blurb).flags(flags).build(),
        });
        specs.collect()
    }

    /// Whether this is one of them.
    pub(super) fn has(name: &str) -> bool {
        TABLE.iter().any(|row| row.0 == name)
    }

    pub(super) fn set(&mut self, name: &str, value: &glib::Value) {
        let text = || value.get::<Option<String>>().ok().flatten();
        match self.slot(name) {
            Some(Slot::Text(slot)) => *slot = text().unwrap_or_default(),
            Some(Slot::Maybe(slot)) => *slot = text().filter(|text| !text.trim().is_empty()),
            Some(Slot::Number(slot)) => *slot = value.get().unwrap_or(*slot),
            None => {}
        }
    }

    pub(super) fn get(&self, name: &str) -> glib::Value {
        match self.clone().slot(name) {
            Some(Slot::Text(text)) => text.to_value(),
            Some(Slot::Maybe(text)) => text.to_value(),
            Some(Slot::Number(number)) => number.to_value(),
            None => false.to_value(),
        }
    }

    fn slot(&mut self, name: &str) -> Option<Slot<'_>> {
        Some(match name {
            "trusted-proxies" => Slot::Text(&mut self.trusted_proxies),
            "login-header" => Slot::Text(&mut self.login_header),
            "login-header-from" => Slot::Maybe(&mut self.login_header_from),
            "login-header-control" => Slot::Maybe(&mut self.login_header_control),
            "login-attempts" => Slot::Number(&mut self.login_attempts),
            "login-lockout" => Slot::Number(&mut self.login_lockout),
            "session-lifetime" => Slot::Number(&mut self.session_lifetime),
            "max-connections" => Slot::Number(&mut self.max_connections),
            "max-viewers" => Slot::Number(&mut self.max_viewers),
            "max-upload-size" => Slot::Number(&mut self.max_upload),
            _ => return None,
        })
    }

    /// The longest that nobody is heard.
    pub(super) fn longest_lockout(&self) -> Duration {
        Duration::from_secs(self.login_lockout.into())
    }

    /// How long a browser need not show the password again.
    pub(super) fn session_lifetime(&self) -> Duration {
        Duration::from_secs(self.session_lifetime.into())
    }

    /// The largest file, in bytes.
    pub(super) fn max_upload(&self) -> u64 {
        u64::from(self.max_upload) << 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_place_and_keeps_what_is_set() {
        let mut settings = AccessSettings::default();
        for (name, ..) in TABLE {
            let before = settings.get(name);
            let value = if before.is::<u32>() { 77u32.to_value() } else { "x".to_value() };
            settings.set(name, &value);
            assert!(AccessSettings::has(name));
            assert_eq!(settings.get(name).get::<u32>().ok(), value.get::<u32>().ok(), "{name}");
            assert_eq!(settings.get(name).get::<String>().ok(), value.get::<String>().ok(), "{name}");
        }
        settings.set("login-header-from", &"  ".to_value());
        assert_eq!(settings.login_header_from, None, "empty is off");
    }
}
