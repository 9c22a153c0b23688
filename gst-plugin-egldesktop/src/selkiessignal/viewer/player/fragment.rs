//! Candidates that a player sends after its offer, as `application/trickle-ice-sdpfrag` (RFC 8840 §9). Pure.

use super::super::transport::{MAX_CANDIDATES, Transport, is_candidate};

/// What a fragment says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super::super) struct Fragment {
    /// Which ICE session it belongs to, where it says so.
    pub(super) ice_ufrag: Option<String>,
    pub(super) candidates: Vec<String>,
}

impl Fragment {
    /// Reads one; `None` where it is none. Candidates that can't be used are left out.
    pub(in super::super::super) fn parse(text: &str) -> Option<Self> {
        let (mut this, mut transport) = (Self::default(), Transport::default());
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            let (kind, rest) = line.split_once('=').filter(|(kind, _)| kind.len() == 1)?;
            let (key, value) = rest.split_once(':').unwrap_or((rest, ""));
            if kind != "a" {
                continue;
            }
            if key == "candidate" && is_candidate(value) && this.candidates.len() < MAX_CANDIDATES {
                this.candidates.push(value.strip_prefix("candidate:").unwrap_or(value).to_owned());
            }
            transport.read(key, value);
        }
        this.ice_ufrag = transport.ice_ufrag;
        Some(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_as_players_write_it() {
        let text = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n\
            a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n\
            a=candidate:2 1 udp 1 example.org 5 typ host\r\na=end-of-candidates\r\n";
        let fragment = Fragment::parse(text).unwrap();
        assert_eq!(fragment.ice_ufrag.as_deref(), Some("EsAw"));
        assert_eq!(fragment.candidates.len(), 1, "{fragment:?}");
        assert_eq!(Fragment::parse(""), Some(Fragment::default()));
        for bad in ["{}", "candidate:1 1 udp 1 192.0.2.1 5 typ host", "a=mid:0\r\nx"] {
            assert_eq!(Fragment::parse(bad), None, "{bad}");
        }
    }
}
