//! Where a request comes from, as far as those who passed it on can be believed.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use hyper::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

use super::listen::Peer;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// What stands for everybody who comes through the Unix socket.
const UNIX: &str = "unix";

/// Machines that are believed: networks, single addresses, and maybe the Unix socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in super::super) struct Ranges {
    networks: Vec<IpNet>,
    unix: bool,
}

/// Text that is no range.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is neither an address such as 192.0.2.1, nor a network such as 10.0.0.0/8 or fd00::/8, nor unix")]
pub(in super::super) struct NoRange(String);

impl FromStr for Ranges {
    type Err = NoRange;

    /// Ranges with commas between; nothing for nobody.
    fn from_str(text: &str) -> Result<Self, NoRange> {
        let mut ranges = Self::default();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match (entry.parse::<IpNet>(), entry.parse::<IpAddr>()) {
                _ if entry == UNIX => ranges.unix = true,
                (Ok(network), _) => ranges.networks.push(network),
                (_, Ok(address)) => ranges.networks.push(address.to_canonical().into()),
                _ => return Err(NoRange(entry.to_owned())),
            }
        }
        Ok(ranges)
    }
}

impl Ranges {
    /// Whether whoever is at the other end of the connection is one of them.
    pub(super) fn contains(&self, peer: Peer) -> bool {
        match peer {
            Peer::Inet(address) => self.contains_address(address.ip()),
            Peer::Local => self.unix,
        }
    }

    fn contains_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// The address of the browser: that of the connection, or what proxies that are believed say. Each appends to
/// `X-Forwarded-For` whom it got the request from, so the list counts from its end, up to the first one who is not
/// believed: before that, everybody may write what they like.
pub(super) fn address(peer: Peer, headers: &HeaderMap, proxies: &Ranges) -> IpAddr {
    let mut address = peer.ip().to_canonical();
    if !proxies.contains(peer) {
        return address;
    }
    let values = headers.get_all(FORWARDED_FOR).iter().rev();
    for entry in values.flat_map(|value| value.to_str().unwrap_or("").rsplit(',')) {
        let Some(before) = forwarded(entry.trim()) else { break };
        address = before;
        if !proxies.contains_address(address) {
            break;
        }
    }
    address
}

/// Some proxies add the port.
fn forwarded(entry: &str) -> Option<IpAddr> {
    let alone = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = alone.parse().or_else(|_| entry.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Whether a proxy that is believed says that the browser came by TLS.
pub(super) fn came_by_tls(peer: Peer, headers: &HeaderMap, proxies: &Ranges) -> bool {
    proxies.contains(peer) && headers.get(FORWARDED_PROTO).is_some_and(|value| value == "https")
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn peer(text: &str) -> Peer {
        if text == UNIX { Peer::Local } else { Peer::Inet(SocketAddr::new(text.parse().unwrap(), 1)) }
    }

    fn seen(from: &str, forwarded: &[&'static str], proxies: &str) -> String {
        let headers = forwarded.iter().map(|value| (FORWARDED_FOR, HeaderValue::from_static(value))).collect();
        address(peer(from), &headers, &proxies.parse().unwrap()).to_string()
    }

    #[test]
    fn ranges_are_networks_addresses_and_the_socket() {
        let ranges: Ranges = "10.0.0.0/8, ::1, unix, 192.0.2.1".parse().unwrap();
        for inside in ["10.255.0.1", "::ffff:10.1.2.3", "::1", "unix", "192.0.2.1"] {
            assert!(ranges.contains(peer(inside)), "{inside}");
        }
        for outside in ["11.0.0.1", "::2", "192.0.2.2"] {
            assert!(!ranges.contains(peer(outside)), "{outside}");
        }
        assert!(!Ranges::default().contains(Peer::Local) && "".parse() == Ok(Ranges::default()));
        for bad in ["10.0.0.0/33", "localhost", "10.0.0.1-9", "*"] {
            assert_eq!(bad.parse::<Ranges>(), Err(NoRange(bad.into())));
        }
    }

    #[test]
    fn only_proxies_that_are_named_are_believed() {
        assert_eq!(seen("127.0.0.1", &["10.0.0.1, 192.0.2.7"], "127.0.0.0/8"), "192.0.2.7");
        assert_eq!(seen("::ffff:127.0.0.1", &["192.0.2.7"], "127.0.0.0/8"), "192.0.2.7");
        assert_eq!(seen("unix", &["192.0.2.7"], "unix"), "192.0.2.7");
        assert_eq!(seen("198.51.100.1", &["192.0.2.7"], "127.0.0.0/8,unix"), "198.51.100.1");
        assert_eq!(seen("127.0.0.1", &["192.0.2.7"], ""), "127.0.0.1");
    }

    #[test]
    fn the_list_counts_from_its_end() {
        let proxies = "127.0.0.1,10.0.0.0/8";
        // Two proxies; what the browser itself has written before is not believed.
        assert_eq!(seen("127.0.0.1", &["1.2.3.4, 192.0.2.7, 10.0.0.9"], proxies), "192.0.2.7");
        assert_eq!(seen("127.0.0.1", &["1.2.3.4", "192.0.2.7", "10.0.0.9"], proxies), "192.0.2.7");
        assert_eq!(seen("127.0.0.1", &["192.0.2.7:4711, 10.0.0.9"], proxies), "192.0.2.7");
        assert_eq!(seen("127.0.0.1", &["[2001:db8::1]:4711"], proxies), "2001:db8::1");
        assert_eq!(seen("127.0.0.1", &["192.0.2.7, nonsense"], proxies), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &[], proxies), "127.0.0.1");
    }
}
