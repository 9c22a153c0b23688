//! What either side says in SDP of how packets get there: ICE, DTLS and candidates. Pure, and nothing is taken that is not
//! known to be well-formed.

use std::net::IpAddr;

/// Longer lines are none that browsers write.
pub(super) const MAX_VALUE: usize = 512;
/// Of one medium.
pub(super) const MAX_CANDIDATES: usize = 64;

/// What is said of one medium, or for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Transport {
    /// `active`, `passive` or `actpass`: who begins with DTLS.
    pub(super) setup: Option<String>,
    pub(super) ice_ufrag: Option<String>,
    pub(super) ice_pwd: Option<String>,
    pub(super) fingerprint: Option<String>,
}

impl Transport {
    /// Takes an attribute that says something of it for the first time.
    pub(super) fn read(&mut self, key: &str, value: &str) {
        if value.len() > MAX_VALUE {
            return;
        }
        let place = match key {
            "setup" if matches!(value, "active" | "passive" | "actpass") => &mut self.setup,
            // RFC 8839 §5.4.
            "ice-ufrag" if (4..=256).contains(&value.len()) && is_ice(value) => &mut self.ice_ufrag,
            "ice-pwd" if (22..=256).contains(&value.len()) && is_ice(value) => &mut self.ice_pwd,
            "fingerprint" if is_fingerprint(value) => &mut self.fingerprint,
            _ => return,
        };
        place.get_or_insert_with(|| value.to_owned());
    }

    /// What is said for the session holds for the media that say nothing.
    pub(super) fn or(&mut self, session: &Self) {
        for (own, session) in [
            (&mut self.setup, &session.setup),
            (&mut self.ice_ufrag, &session.ice_ufrag),
            (&mut self.ice_pwd, &session.ice_pwd),
            (&mut self.fingerprint, &session.fingerprint),
        ] {
            if own.is_none() {
                own.clone_from(session);
            }
        }
    }
}

/// Whether this is a candidate that libnice can take (RFC 8839 §5.1), with or without `candidate:` before it. There is one
/// component: RTP and RTCP share it.
pub(super) fn is_candidate(text: &str) -> bool {
    let text = text.strip_prefix("candidate:").unwrap_or(text);
    let words: Vec<_> = text.split(' ').collect();
    let [foundation, "1", transport, priority, address, port, "typ", kind, extensions @ ..] = &words[..] else {
        return false;
    };
    let is_name = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    text.len() <= MAX_VALUE
        && (1..=32).contains(&foundation.len())
        && is_ice(foundation)
        && ["udp", "tcp"].iter().any(|known| transport.eq_ignore_ascii_case(known))
        && priority.parse::<u32>().is_ok()
        // Browsers hide addresses behind names of multicast DNS.
        && (address.parse::<IpAddr>().is_ok() || address.ends_with(".local") && is_name(address))
        && port.parse::<u16>().is_ok_and(|port| port > 0)
        && matches!(*kind, "host" | "srflx" | "prflx" | "relay")
        && extensions.len() % 2 == 0
        && extensions.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// `ice-char` of RFC 8839.
fn is_ice(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// A hash and hexadecimal bytes with colons between (RFC 8122 §5).
fn is_fingerprint(text: &str) -> bool {
    let Some((hash, bytes)) = text.split_once(' ') else { return false };
    let known = ["sha-1", "sha-224", "sha-256", "sha-384", "sha-512"];
    known.iter().any(|known| hash.eq_ignore_ascii_case(known))
        && bytes.split(':').all(|byte| byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit()))
}

/// Adds an attribute.
pub(super) fn line(text: &mut String, key: &str, value: Option<&str>) {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => text.push_str(&format!("a={key}:{value}\r\n")),
        None => text.push_str(&format!("a={key}\r\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_as_browsers_write_them() {
        for good in [
            "candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host generation 0 ufrag abcd network-cost 999",
            "candidate:842163049 1 UDP 1677729535 2001:db8::1 50000 typ srflx raddr 0.0.0.0 rport 0",
            "candidate:1 1 tcp 1518280447 1f4712db-ea17-4bcf.local 9 typ host tcptype active",
        ] {
            assert!(is_candidate(good), "{good}");
        }
        for bad in [
            "",
            "candidate:",
            "candidate:1 0 udp 1 192.0.2.1 5 typ host",
            "candidate:1 1 udp 1 192.0.2.1 0 typ host",
            "candidate:1 1 udp 1 example.org 5 typ host",
            "candidate:1 1 sctp 1 192.0.2.1 5 typ host",
            "candidate:1 1 udp -1 192.0.2.1 5 typ host",
            "candidate:1 1 udp 1 192.0.2.1 5 typ host raddr",
            "candidate:1 1 udp 1 192.0.2.1 5 typ other",
        ] {
            assert!(!is_candidate(bad), "{bad}");
        }
    }
}
