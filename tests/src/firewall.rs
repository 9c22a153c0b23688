//! A firewall, for a namespace with nothing but the loopback.

use std::ops::RangeInclusive;

use anyhow::Result;

use crate::nat::nft;

/// Ports for media, to give to the desktop (`SELKIES_WEBRTC_PORT_RANGE`).
pub const MEDIA_PORTS: &str = "59000-59100";
/// The same.
pub const MEDIA: RangeInclusive<u16> = 59000..=59100;

/// The firewall of this thread's namespace; opens on drop.
#[derive(Debug)]
pub struct Firewall(());

impl Firewall {
    /// Lets nothing pass but TCP to the web server: from now on UDP is dropped, and TCP to and from [`MEDIA_PORTS`].
    pub fn shut() -> Result<Self> {
        Self::dropping(&format!("meta l4proto udp drop\n{}", media("tcp")))
    }

    /// Lets UDP to and from [`MEDIA_PORTS`] pass, and TCP to the web server.
    pub fn only_media_by_udp() -> Result<Self> {
        let other = format!("udp dport != {MEDIA_PORTS} udp sport != {MEDIA_PORTS} drop");
        Self::dropping(&format!("{other}\n{}", media("tcp")))
    }

    /// Lets TCP pass, and no UDP.
    pub fn without_udp() -> Result<Self> {
        Self::dropping("meta l4proto udp drop")
    }

    /// Lets media pass by IPv6 only.
    pub fn only_media_by_ipv6() -> Result<Self> {
        Self::dropping(&format!("meta nfproto ipv6 accept\nmeta l4proto udp drop\n{}", media("tcp")))
    }

    fn dropping(rules: &str) -> Result<Self> {
        nft(&format!(
            "table inet firewall {{
               chain input {{ type filter hook input priority 0;
                 {rules}
               }}
             }}"
        ))?;
        Ok(Self(()))
    }
}

impl Drop for Firewall {
    fn drop(&mut self) {
        // The namespace may be gone already, and the rules with it.
        let _ = nft("delete table inet firewall");
    }
}

fn media(protocol: &str) -> String {
    format!("{protocol} dport {MEDIA_PORTS} drop\n{protocol} sport {MEDIA_PORTS} drop")
}
