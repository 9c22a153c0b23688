//! A firewall that lets nothing pass but TCP to the web server. For a namespace with nothing but the loopback.

use anyhow::Result;

use crate::nat::nft;

/// Ports for media, to give to the desktop (`SELKIES_WEBRTC_PORT_RANGE`): those that are shut.
pub const MEDIA_PORTS: &str = "59000-59100";

/// The firewall of this thread's namespace; opens on drop.
#[derive(Debug)]
pub struct Firewall(());

impl Firewall {
    /// From now on UDP is dropped, and TCP to and from [`MEDIA_PORTS`].
    pub fn shut() -> Result<Self> {
        nft(&format!(
            "table inet firewall {{
               chain input {{ type filter hook input priority 0;
                 meta l4proto udp drop
                 tcp dport {MEDIA_PORTS} drop
                 tcp sport {MEDIA_PORTS} drop
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
