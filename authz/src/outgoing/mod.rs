//! Calls to addresses that a stranger named: client metadata documents and the keys of clients. An address is checked
//! before anything connects to it, and what was checked is what is connected to (RFC 9700 §4.17, the draft on client
//! ID metadata documents §6.5): no name leads into our own network, not even the second time that it is looked up.

mod resolver;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use resolver::{Resolver, SystemResolver};
pub use verification_keys::addresses::AllowedAddresses;

use resolver::Checked;
use std::sync::Arc;
use url::{Host, Url};
use verification_keys::http::{self, Answer, CallError, Client, ClientError, ClientOptions};

/// A way to call such addresses. No redirect is followed, and a call ends after 5 s.
#[derive(Clone, Debug)]
pub struct Outgoing {
    client: Client,
    allowed: AllowedAddresses,
}

/// The address is not one to call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForbiddenUrl {
    /// Neither https nor, where that is allowed, http to this machine.
    #[error("is not an https URL")]
    Scheme,
    /// The host is an address of a special use (RFC 6890).
    #[error("names an address that is not public")]
    Address,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    /// Not an address to call: nothing was connected to.
    #[error(transparent)]
    Forbidden(#[from] ForbiddenUrl),
    /// No answer, or one that is too long.
    #[error("no answer that can be used")]
    Call(#[from] CallError),
}

impl Outgoing {
    /// Makes a way to call the addresses that are `allowed`, with names looked up by `resolver`.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(
        options: &ClientOptions,
        resolver: Arc<dyn Resolver>,
        allowed: AllowedAddresses,
    ) -> Result<Self, ClientError> {
        let client = http::client_with_resolver(options, Arc::new(Checked { resolver, allowed }))?;
        Ok(Self { client, allowed })
    }

    /// Whether `url` may be called, as far as it can be told without looking its name up.
    ///
    /// # Errors
    /// Says why not.
    pub fn check(&self, url: &Url) -> Result<(), ForbiddenUrl> {
        // A host that is an address is connected to as it is, so the resolver does not see it.
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            Some(Host::Domain(_)) | None => None,
        };
        if address.is_some_and(|address| !self.allowed.contains(address)) {
            return Err(ForbiddenUrl::Address);
        }
        let is_loopback = url.host_str() == Some("localhost") || address.is_some_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.allowed.includes_loopback() && is_loopback => Ok(()),
            _ => Err(ForbiddenUrl::Scheme),
        }
    }

    /// Gets `url`, accepting `media_types`, with a body of `max_bytes` at most.
    ///
    /// # Errors
    /// It may not be called, or there is no answer that can be used. Any status is an answer.
    pub async fn get(&self, url: &Url, media_types: &str, max_bytes: usize) -> Result<Answer, OutgoingError> {
        self.check(url)?;
        Ok(http::get_limited(&self.client, url, media_types, max_bytes).await?)
    }

    /// The client itself, for addresses that [`Self::check`] allows.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }
}
