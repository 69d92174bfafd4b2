//! Which addresses are public: those that no registry of special uses names (RFC 6890, IANA's two tables).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The addresses that may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedAddresses {
    /// Public ones.
    Public,
    /// Public ones and this machine: where the program itself is on loopback only.
    PublicAndLoopback,
}

/// Network and length of its prefix. IPv4: everything here is for a special use.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private use
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // shared between carriers and customers
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link local; clouds serve credentials here
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private use
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // relays to 6to4
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private use
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarking
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4),     // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4),     // reserved, broadcast
];

/// IPv6: only `2000::/3` is given out to the public, but for these. IPv4 addresses dressed up as IPv6 (mapped, NAT64) are
/// outside of it already.
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo with them
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 address inside
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

impl AllowedAddresses {
    /// Whether `address` may be connected to.
    #[must_use]
    pub fn contains(self, address: IpAddr) -> bool {
        is_public(address) || (self.includes_loopback() && address.is_loopback())
    }

    /// Whether this machine is among them.
    #[must_use]
    pub const fn includes_loopback(self) -> bool {
        matches!(self, Self::PublicAndLoopback)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|network| is_in_v4(address, *network)),
        IpAddr::V6(address) => {
            is_in_v6(address, GLOBAL_V6) && !SPECIAL_V6.iter().any(|network| is_in_v6(address, *network))
        }
    }
}

const fn is_in_v4(address: Ipv4Addr, (network, length): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (u32::BITS - length) == 0
}

const fn is_in_v6(address: Ipv6Addr, (network, length): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (u128::BITS - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIAL: &str = "0.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 \
        172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 \
        198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 \
        ::ffff:8.8.8.8 ::8.8.8.8 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: \
        2002:808:808:: 3fff::1 5f00::1 fc00::1 fd00::1 fe80::1 fec0::1 ff02::1";

    const PUBLIC: &str = "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 \
        172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255 \
        2606:4700:4700::1111 2a00:1450::1 2001:4860:4860::8888 2003::1";

    fn is_allowed(address: &str) -> bool {
        AllowedAddresses::Public.contains(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_a_special_use_are_not_public() {
        for special in SPECIAL.split(' ') {
            assert!(!is_allowed(special), "{special}");
        }
    }

    #[test]
    fn other_addresses_are_public() {
        for public in PUBLIC.split(' ') {
            assert!(is_allowed(public), "{public}");
        }
    }

    #[test]
    fn loopback_is_allowed_only_where_this_server_is_on_loopback() {
        for address in ["127.0.0.1", "127.3.2.1", "::1"] {
            let address = address.parse().unwrap();
            assert!(AllowedAddresses::PublicAndLoopback.contains(address), "{address}");
            assert!(!AllowedAddresses::Public.contains(address), "{address}");
        }
        for address in ["10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "0.0.0.0"] {
            assert!(!AllowedAddresses::PublicAndLoopback.contains(address.parse().unwrap()), "{address}");
        }
    }
}
