//! Names to addresses, with the check between looking up and connecting.

use super::AllowedAddresses;
use async_trait::async_trait;
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use verification_keys::http::dns;

/// Looks names up.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The addresses of a host.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's way.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The name leads to an address that is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to an address that is not public")]
struct ForbiddenAddress;

/// What the HTTP client asks, and the only place that it gets addresses from.
pub(super) struct Checked {
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) allowed: AllowedAddresses,
}

impl dns::Resolve for Checked {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let (resolver, allowed) = (Arc::clone(&self.resolver), self.allowed);
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await?;
            // One bad address spoils the name: who may choose between them would have the choice.
            if !addresses.iter().all(|address| allowed.contains(*address)) {
                return Err(ForbiddenAddress.into());
            }
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as dns::Addrs)
        })
    }
}
