//! Ports: whether the wanted one is free, and free ones for a check or a test.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU32, Ordering},
};

use super::servers::ServerError;

/// Below the range that outgoing connections use, so that none of them takes the port of a server that restarts.
const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// Whether nobody listens on `port` of either loopback.
#[must_use]
pub fn is_free(port: u16) -> bool {
    let loopbacks = [SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))];
    loopbacks.into_iter().all(|address| match TcpListener::bind(address) {
        // An address family that is switched off is nobody's.
        Err(error) => !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied),
        Ok(_) => true,
    })
}

/// A port that nobody listens on, and that no other call of this process returns.
///
/// # Errors
/// When there is none.
pub fn free() -> Result<u16, ServerError> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Programs that run at the same time begin at different places.
    let begin = std::process::id().wrapping_mul(101);
    (0..COUNT)
        .map(|_| begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT)
        .filter_map(|offset| u16::try_from(FIRST + offset).ok())
        .find(|port| is_free(*port))
        .ok_or(ServerError::NoFreePort)
}

/// Says which setting to change when `port` is taken.
///
/// # Errors
/// When it is.
pub fn expect_free(port: u16, setting: &'static str) -> Result<(), ServerError> {
    if is_free(port) { Ok(()) } else { Err(ServerError::PortTaken { port, setting }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_setting() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let sentence = expect_free(port, "MCP_AUTH_PORT").unwrap_err().to_string();
        assert!(sentence.contains(&port.to_string()) && sentence.contains("MCP_AUTH_PORT"), "{sentence}");
    }

    #[test]
    fn free_ports_differ_and_are_free() {
        let (first, second) = (free().unwrap(), free().unwrap());
        assert_ne!(first, second);
        assert!(is_free(first) && is_free(second));
    }
}
