//! A host name and a port become listening sockets. `localhost` is both loopbacks, because browsers and
//! clients disagree about which of the two they try first; a machine without IPv6 is fine.

use crate::settings::InvalidSetting;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    task::{Context, Poll},
};
use tokio::net::{TcpListener, TcpStream};

/// Listening sockets that share one port.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

/// Why no socket could be opened. Each message names the port.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process listens there.
    #[error("port {port} on {host} is already in use")]
    PortTaken {
        /// The host as it was asked for.
        host: String,
        /// The taken port.
        port: u16,
    },
    /// The operating system reserves the port (those below 1024, mostly).
    #[error("port {port} on {host} is not allowed for this user")]
    NotAllowed {
        /// The host as it was asked for.
        host: String,
        /// The refused port.
        port: u16,
    },
    /// The host name has no address, or none that belongs to this machine.
    #[error("cannot listen on {host} port {port}: {source}")]
    Host {
        /// The host as it was asked for.
        host: String,
        /// The port that was asked for.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
}

impl Listener {
    /// Opens the sockets for `host` (a name or an address, `[::1]` with or without brackets) and `port`
    /// (0: any free one, the same on all addresses).
    ///
    /// # Errors
    /// [`BindError`] when the port is taken or refused, or when no address of `host` is on this machine.
    pub async fn bind(host: &str, port: u16) -> Result<Self, BindError> {
        let addresses = resolve(host, port).await.map_err(|error| describe(host, port, error))?;
        let mut attempts = if port == 0 { 16 } else { 1 };
        loop {
            attempts -= 1;
            match bind_all(&addresses).await {
                Ok(sockets) => return Self::from_sockets(sockets).map_err(|error| describe(host, port, error)),
                // A free port of the one loopback may be taken on the other.
                Err(error) if attempts > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(describe(host, port, error)),
            }
        }
    }

    /// The port that the sockets listen on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.addresses.first().map_or(0, SocketAddr::port)
    }

    /// The addresses that the sockets listen on.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether only this machine can connect.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().is_loopback())
    }

    /// Waits for the next connection on any of the sockets.
    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        for socket in &self.sockets {
            if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }

    fn from_sockets(sockets: Vec<TcpListener>) -> io::Result<Self> {
        let addresses = sockets.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        Ok(Self { sockets, addresses })
    }
}

/// Whether a host to listen on is this machine alone: `localhost`, or a loopback address with or without brackets.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl BindError {
    /// The same problem in the words of the settings that chose the host and the port.
    #[must_use]
    pub fn as_invalid_setting(&self, host_setting: &'static str, port_setting: &'static str) -> InvalidSetting {
        let problem = self.to_string();
        match self {
            Self::PortTaken { .. } => {
                InvalidSetting::new(port_setting, problem, "stop what listens there, or choose another port")
            }
            Self::NotAllowed { .. } => InvalidSetting::new(port_setting, problem, "choose a port above 1023"),
            Self::Host { .. } => {
                InvalidSetting::new(host_setting, problem, "use localhost, 0.0.0.0, [::] or an address of this machine")
            }
        }
    }
}

async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()]);
    }
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let mut addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// Binds every address that this machine has; the first one decides a port of 0 for the rest.
async fn bind_all(addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut sockets = Vec::<TcpListener>::new();
    let mut absent = None;
    for address in addresses {
        let mut address = *address;
        if let Some(first) = sockets.first() {
            address.set_port(first.local_addr()?.port());
        }
        match TcpListener::bind(address).await {
            Ok(socket) => sockets.push(socket),
            Err(error) if is_absent(&error) => absent = Some(error),
            Err(error) => return Err(error),
        }
    }
    match absent {
        Some(error) if sockets.is_empty() => Err(error),
        _ if sockets.is_empty() => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
        _ => Ok(sockets),
    }
}

/// The address family is switched off, or the address is not on this machine.
fn is_absent(error: &io::Error) -> bool {
    const AF_NOT_SUPPORTED: [i32; 2] = [97, 47]; // Linux, macOS
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.raw_os_error().is_some_and(|code| AF_NOT_SUPPORTED.contains(&code))
}

fn describe(host: &str, port: u16, source: io::Error) -> BindError {
    let host = host.to_owned();
    match source.kind() {
        io::ErrorKind::AddrInUse => BindError::PortTaken { host, port },
        io::ErrorKind::PermissionDenied => BindError::NotAllowed { host, port },
        _ => BindError::Host { host, port, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_host_is_this_machine_alone() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in ["", "0.0.0.0", "::", "[::]", "[::1", "192.168.0.1", "localhost.example", "mcp.example"] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    #[tokio::test]
    async fn localhost_listens_on_both_loopbacks_with_one_port() {
        let listener = Listener::bind("localhost", 0).await.unwrap();
        let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
        assert_eq!(listener.addresses().len(), if has_ipv6 { 2 } else { 1 });
        assert!(listener.addresses().iter().all(|address| address.port() == listener.port()));
        assert!(listener.is_loopback());
        for address in listener.addresses() {
            TcpStream::connect(address).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_one_error_that_names_it() {
        let first = Listener::bind("127.0.0.1", 0).await.unwrap();
        let error = Listener::bind("localhost", first.port()).await.unwrap_err();
        assert!(matches!(&error, BindError::PortTaken { port, .. } if *port == first.port()));
        let shown = error.as_invalid_setting("MCP_X_HOST", "MCP_X_PORT").to_string();
        assert!(shown.starts_with("MCP_X_PORT: port ") && shown.contains(&first.port().to_string()), "{shown}");
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_an_error_about_the_host() {
        let error = Listener::bind("192.0.2.1", 0).await.unwrap_err();
        assert!(matches!(&error, BindError::Host { host, .. } if host == "192.0.2.1"));
        assert!(error.as_invalid_setting("MCP_X_HOST", "MCP_X_PORT").to_string().starts_with("MCP_X_HOST: "));
    }

    #[tokio::test]
    async fn brackets_around_an_address_are_accepted() {
        assert_eq!(resolve("[::1]", 80).await.unwrap(), resolve("::1", 80).await.unwrap());
        assert!(!Listener::bind("0.0.0.0", 0).await.unwrap().is_loopback());
    }

    #[test]
    fn a_machine_without_ipv6_is_recognised() {
        assert!(is_absent(&io::Error::from_raw_os_error(97)));
        assert!(is_absent(&io::ErrorKind::AddrNotAvailable.into()));
        assert!(!is_absent(&io::ErrorKind::AddrInUse.into()));
    }
}
