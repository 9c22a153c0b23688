//! STUN and TURN servers: where they come from, and as browsers and webrtcbin read them; and our own addresses.
//!
//! [`Source`] says where the servers come from, with Selkies' precedence; [`Ice`] holds what is known now and, where that
//! changes by itself (a file, a service), keeps it fresh. Pure parts: [`server`], [`credentials`], [`announce`].

mod announce;
mod credentials;
mod link;
mod request;
mod server;
mod source;

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde_json::Value;

use super::settings::Settings;
pub(super) use announce::Announced;
pub(super) use server::{Configuration, Policy};
pub(super) use source::IceError;
use source::Source;

/// The ICE servers and addresses of this desktop.
pub(super) struct Ice {
    source: Source,
    /// What a file or a service said last.
    latest: Mutex<Option<Configuration>>,
    /// Ports of our own candidates.
    ports: Option<RangeInclusive<u32>>,
    announced: Announced,
    user: String,
    /// Said once, not for every viewer.
    complaint: Mutex<Option<String>>,
}

impl Ice {
    pub(super) fn new(settings: &Settings) -> Result<Self, IceError> {
        Ok(Self {
            source: Source::new(settings)?,
            latest: Mutex::default(),
            ports: settings.port_range.as_deref().map(parse_ports).transpose()?,
            announced: Announced::parse(settings.announced_addresses.as_deref().unwrap_or_default())?,
            user: settings.user.clone(),
            complaint: Mutex::default(),
        })
    }

    /// The servers to use from `now` on, with credentials that are good for hours.
    pub(super) fn configuration(&self, now: SystemTime) -> Configuration {
        lock(&self.latest).clone().unwrap_or_else(|| self.source.configured(&self.user, now))
    }

    /// The `RTCConfiguration` of a browser.
    pub(super) fn rtc_configuration(&self, now: SystemTime) -> Value {
        self.configuration(now).to_json()
    }

    pub(super) fn ports(&self) -> Option<RangeInclusive<u32>> {
        self.ports.clone()
    }

    pub(super) fn announced(&self) -> &Announced {
        &self.announced
    }

    /// Keeps the servers fresh until it is dropped. Returns at once where nothing changes by itself.
    pub(super) async fn keep_fresh(&self) {
        let update = |update: Result<_, IceError>| match update {
            Ok(configuration) => {
                *lock(&self.complaint) = None;
                *lock(&self.latest) = configuration;
            }
            Err(error) => self.complain(&error.to_string()),
        };
        self.source.follow(update).await;
    }

    /// What was known stays known: a service that is away for a while harms nobody.
    fn complain(&self, text: &str) {
        let mut last = lock(&self.complaint);
        if last.as_deref() != Some(text) {
            gst::warning!(CAT, "ICE servers: {text}");
            *last = Some(text.to_owned());
        }
    }
}

static CAT: LazyLock<gst::DebugCategory> = LazyLock::new(|| {
    gst::DebugCategory::new("selkiessignal-ice", gst::DebugColorFlags::empty(), Some("ICE servers of selkiessignal"))
});

/// `LOWEST-HIGHEST`
fn parse_ports(text: &str) -> Result<RangeInclusive<u32>, IceError> {
    let port = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0).map(u32::from);
    let range = text.split_once('-').and_then(|(low, high)| Some(port(low)?..=port(high)?));
    range.filter(|range| !range.is_empty()).ok_or_else(|| IceError::Ports(text.to_owned()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The addresses to offer a viewer that talks to us from `peer`. libnice leaves the loopback out, so that a browser on
/// the same machine finds no way without a network; and it is only offered to such a browser.
pub(super) fn local_addresses(peer: IpAddr) -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let mut addresses: Vec<IpAddr> = interfaces
        .into_iter()
        .filter(|interface| !interface.is_link_local())
        .filter(|interface| !interface.is_loopback() || peer.to_canonical().is_loopback())
        .map(|interface| interface.ip())
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_a_range() {
        assert_eq!(parse_ports("59000-59100").unwrap(), 59000..=59100);
        assert_eq!(parse_ports("5-5").unwrap(), 5..=5);
        for bad in ["", "5", "6-5", "0-5", "1-65536", "-", "1-2-3"] {
            assert!(parse_ports(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_loopback_is_for_browsers_on_this_machine() {
        let offered = |peer: &str| local_addresses(peer.parse().unwrap());
        assert!(offered("127.0.0.1").contains(&"127.0.0.1".parse().unwrap()));
        assert!(offered("::ffff:127.0.0.1").contains(&"127.0.0.1".parse().unwrap()));
        assert!(offered("192.0.2.1").iter().all(|address| !address.is_loopback()));
    }
}
