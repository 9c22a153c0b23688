//! Addresses by which others reach this machine, where that is another one than it has: NAT 1:1, as clouds and
//! container hosts have it.

use std::net::IpAddr;

use super::IceError;

/// At most one address of each family.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Announced {
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl Announced {
    /// Addresses with commas between them.
    pub(super) fn parse(text: &str) -> Result<Self, IceError> {
        let mut announced = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let address: IpAddr = part.parse().map_err(|_| IceError::Announced(part.into()))?;
            let place = if address.is_ipv4() { &mut announced.v4 } else { &mut announced.v6 };
            if place.replace(address).is_some() {
                return Err(IceError::Announced(text.into()));
            }
        }
        Ok(announced)
    }

    /// The candidate as it goes out: a host candidate gets the announced address of its family instead of its own.
    pub(in super::super) fn rewrite(&self, candidate: String) -> String {
        // candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type> … (RFC 8839 §5.1)
        let mut words: Vec<&str> = candidate.split(' ').collect();
        let [_, _, _, _, address, _, "typ", "host", ..] = words[..] else { return candidate };
        let announced = match address.parse::<IpAddr>() {
            // A browser on this machine needs it as it is.
            Ok(own) if own.is_loopback() => None,
            Ok(IpAddr::V4(_)) => self.v4,
            Ok(IpAddr::V6(_)) => self.v6,
            Err(_) => None,
        };
        let Some(announced) = announced.map(|address| address.to_string()) else { return candidate };
        words[4] = &announced;
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_candidates_get_the_announced_address() {
        let announced = Announced::parse(" 203.0.113.7, 2001:db8::7 ").unwrap();
        let rewrite = |text: &str| announced.rewrite(text.into());
        assert_eq!(
            rewrite("candidate:1 1 UDP 2015363327 172.17.0.2 5000 typ host"),
            "candidate:1 1 UDP 2015363327 203.0.113.7 5000 typ host"
        );
        assert_eq!(
            rewrite("candidate:1 1 TCP 1 fd00::2 5000 typ host tcptype passive"),
            "candidate:1 1 TCP 1 2001:db8::7 5000 typ host tcptype passive"
        );
        for kept in [
            "candidate:1 1 UDP 1 192.0.2.9 5000 typ relay raddr 172.17.0.2 rport 5000",
            "candidate:1 1 UDP 1 127.0.0.1 5000 typ host",
            "candidate:1 1 UDP 1 x.local 5000 typ host",
            "",
        ] {
            assert_eq!(rewrite(kept), kept);
        }
        let one = Announced::parse("203.0.113.7").unwrap();
        assert_eq!(one.rewrite("a 1 UDP 1 fd00::2 5 typ host".into()), "a 1 UDP 1 fd00::2 5 typ host");
    }

    #[test]
    fn only_addresses_and_one_of_a_family() {
        assert_eq!(Announced::parse("").unwrap(), Announced::default());
        for bad in ["example.org", "192.0.2.1,192.0.2.2", "192.0.2.1:5"] {
            assert!(Announced::parse(bad).is_err(), "{bad}");
        }
    }
}
