//! The address of a caller. Behind a proxy every connection comes from the proxy, and `X-Forwarded-For` says the rest;
//! but anybody can send that header, so it counts only as far as the proxies that wrote it are trusted.

use axum::extract::{ConnectInfo, Request};
use http::{HeaderMap, HeaderName};
use ipnet::{AddrParseError, IpNet};
use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from, as far as it can be trusted. An extension of every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallerAddress(IpAddr);

/// The networks whose `X-Forwarded-For` is believed; by default none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl CallerAddress {
    /// The address of `request`: that of its connection, or what trusted proxies say.
    #[must_use]
    pub fn of(request: &Request, proxies: &TrustedProxies) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        // Without a connection, in process, there is no address.
        let peer = peer.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip().to_canonical());
        Self(proxies.caller(peer, request.headers()))
    }

    /// The address itself.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        self.0
    }

    /// What one subscriber has: an IPv4 address, or the first 64 bits of an IPv6 address.
    #[must_use]
    pub fn subscriber(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (!0 << 64))),
        }
    }
}

impl fmt::Display for CallerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TrustedProxies {
    /// Reads addresses (`127.0.0.1`) and networks (`10.0.0.0/8`).
    ///
    /// # Errors
    /// One is neither.
    pub fn parse(raw: &[String]) -> Result<Self, AddrParseError> {
        let named = raw.iter().map(|one| one.trim()).filter(|one| !one.is_empty());
        let networks = named.map(|one| one.parse().or_else(|error| one.parse().map(IpAddr::into).map_err(|_| error)));
        networks.collect::<Result<_, _>>().map(Self)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// From the right, where the proxy next to us writes, to the first hop that no trusted proxy is at. What cannot be
    /// read was not written by a proxy: the hop before it is as far as anybody can be held to.
    fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all(X_FORWARDED_FOR);
        let lines: Vec<_> = lines.iter().map(|line| line.to_str().unwrap_or_default()).collect();
        let mut caller = peer;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            if !self.trusts(caller) {
                break;
            }
            let Some(hop) = parse_hop(hop.trim()) else { break };
            caller = hop;
        }
        caller
    }
}

/// An address, with or without a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().or_else(|_| hop.parse::<SocketAddr>().map(|socket| socket.ip()));
    address.ok().map(|address| address.to_canonical())
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, network) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(f, "{separator}{network}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn caller(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let trusted: Vec<_> = trusted.iter().map(|one| (*one).to_owned()).collect();
        let mut request = http::Request::get("/");
        for line in forwarded {
            request = request.header(X_FORWARDED_FOR, *line);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
        CallerAddress::of(&request, &TrustedProxies::parse(&trusted).unwrap()).to_string()
    }

    #[test]
    fn nobody_is_believed_unless_the_setting_says_so() {
        assert_eq!(caller(&[], "192.0.2.1:5", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(caller(&["10.0.0.0/8"], "192.0.2.1:5", &["203.0.113.9"]), "192.0.2.1");
    }

    #[test]
    fn the_rightmost_hop_that_is_no_trusted_proxy_is_the_caller() {
        let trusted = ["10.0.0.0/8", "::1"];
        assert_eq!(caller(&trusted, "10.1.2.3:5", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(caller(&trusted, "[::1]:5", &["6.6.6.6, 203.0.113.9, 10.9.9.9"]), "203.0.113.9");
        assert_eq!(
            caller(&trusted, "10.1.2.3:5", &["6.6.6.6", "203.0.113.9"]),
            "203.0.113.9",
            "two lines are one list"
        );
        assert_eq!(caller(&trusted, "10.1.2.3:5", &["10.0.0.1, 10.0.0.2"]), "10.0.0.1", "all of them are ours");
        assert_eq!(caller(&trusted, "10.1.2.3:5", &[]), "10.1.2.3");
    }

    #[test]
    fn a_hop_that_cannot_be_read_ends_the_list() {
        for junk in ["unknown", "203.0.113.9, nonsense", "", "203.0.113.9,", "evil\u{e9}"] {
            assert_eq!(caller(&["10.0.0.0/8"], "10.1.2.3:5", &[junk]), "10.1.2.3", "{junk}");
        }
    }

    #[test]
    fn a_hop_may_have_a_port_and_a_mapped_address_is_an_ipv4_address() {
        for (hop, expected) in [
            ("203.0.113.9:1234", "203.0.113.9"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
        ] {
            assert_eq!(caller(&["127.0.0.1"], "[::ffff:127.0.0.1]:5", &[hop]), expected);
        }
    }

    #[test]
    fn a_subscriber_has_an_ipv4_address_or_64_bits() {
        let subscriber = |raw: &str| CallerAddress(raw.parse().unwrap()).subscriber().to_string();
        assert_eq!(subscriber("203.0.113.9"), "203.0.113.9");
        assert_eq!(subscriber("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }
}
