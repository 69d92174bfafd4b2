//! Which addresses a client that runs on a server may call: a hostile MCP server names URLs in its metadata, and none of
//! them may lead into the network that the client stands in (MCP best practices "SSRF"). What was looked up and checked
//! is what is connected to, so a name that changes its mind gains nothing.

use http::Uri;
use std::{fmt, net::SocketAddr, sync::Arc};
use url::{Host, Url};
use verification_keys::{
    addresses::AllowedAddresses,
    http::{Client, ClientError, ClientOptions, client_with_resolver, dns},
};

use crate::oauth::{endpoint::Endpoint, exchange::ExchangeError};

/// The rule, which all ways out of the client share.
#[derive(Clone)]
pub struct Guard(Arc<Rule>);

struct Rule {
    allowed: AllowedAddresses,
    hosts: Vec<String>,
}

/// The name leads to an address that may not be called.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name leads to an address that is not public; if it is yours, name it in MCP_CLIENT_WEB_ALLOWED_HOSTS")]
struct ForbiddenAddress;

impl Guard {
    /// Public addresses, those of `server` and of `hosts`, which the operator named; and this computer only where the
    /// client itself is on this computer alone (`page`).
    #[must_use]
    pub fn new(page: &Endpoint, server: &Endpoint, hosts: &[String]) -> Self {
        let allowed = if page.is_loopback() { AllowedAddresses::PublicAndLoopback } else { AllowedAddresses::Public };
        let server = server.url().host_str().map(str::to_owned);
        Self(Arc::new(Rule { allowed, hosts: hosts.iter().cloned().chain(server).collect() }))
    }

    /// A client whose names are looked up under this rule.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn client(&self, options: &ClientOptions) -> Result<Client, ClientError> {
        client_with_resolver(options, Arc::new(self.clone()))
    }

    /// Whether `uri` may be called, as far as it can be told without looking its name up.
    ///
    /// # Errors
    /// When its host is an address that may not be called.
    pub fn check(&self, uri: &Uri) -> Result<(), ExchangeError> {
        let Ok(url) = Url::parse(&uri.to_string()) else { return Err(ExchangeError::Unsendable) };
        // An address is connected to as it is, so the resolver never sees it.
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        let named = url.host_str().is_some_and(|host| self.is_named(host));
        if named || self.0.allowed.contains(address) {
            return Ok(());
        }
        Err(ExchangeError::Forbidden(url.origin().ascii_serialization()))
    }

    fn is_named(&self, host: &str) -> bool {
        self.0.hosts.iter().any(|named| named.eq_ignore_ascii_case(host))
    }

    fn allows(&self, host: &str, found: &[SocketAddr]) -> bool {
        // One bad address spoils the name: who may choose between them would have the choice.
        self.is_named(host) || found.iter().all(|address| self.0.allowed.contains(address.ip()))
    }
}

impl dns::Resolve for Guard {
    fn resolve(&self, name: dns::Name) -> dns::Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if !guard.allows(name.as_str(), &found) {
                return Err(ForbiddenAddress.into());
            }
            Ok(Box::new(found.into_iter()) as dns::Addrs)
        })
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("allowed", &self.0.allowed).field("hosts", &self.0.hosts).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flow::{StepKind, Wire},
        oauth::{
            discovery,
            exchange::get_json,
            testing::{endpoint, world::World},
        },
    };
    use std::net::IpAddr;

    const INNER: [&str; 7] =
        ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "[fd00::1]", "[::ffff:10.0.0.1]"];

    fn hosted(server: &str) -> Guard {
        Guard::new(&endpoint("https://client.example"), &endpoint(server), &[])
    }

    fn addresses(raw: &[&str]) -> Vec<SocketAddr> {
        raw.iter().map(|raw| SocketAddr::new(raw.parse::<IpAddr>().unwrap(), 0)).collect()
    }

    /// CL-24: private, link-local and shared ranges are never called, by whatever spelling; loopback only from loopback.
    #[test]
    fn cl_24_a_server_cannot_send_a_hosted_client_into_its_own_network() {
        let (hosted, local) = (
            hosted("https://mcp.example/mcp"),
            Guard::new(&endpoint("http://localhost:3000"), &endpoint("http://localhost:8001/mcp"), &[]),
        );
        for inner in INNER {
            let uri = format!("https://{inner}/.well-known/oauth-authorization-server").parse().unwrap();
            for guard in [&hosted, &local] {
                assert!(matches!(guard.check(&uri), Err(ExchangeError::Forbidden(_))), "{inner}");
            }
        }
        for this_computer in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::1]"] {
            let uri = format!("https://{this_computer}/token").parse().unwrap();
            assert!(hosted.check(&uri).is_err(), "{this_computer}");
            assert!(local.check(&uri).is_ok(), "{this_computer}");
        }
        assert!(hosted.check(&"https://1.1.1.1/token".parse().unwrap()).is_ok());
    }

    #[test]
    fn cl_24_a_name_is_spoilt_by_one_inner_address_among_others() {
        let guard = hosted("https://mcp.corp/mcp");
        assert!(guard.allows("auth.example", &addresses(&["1.1.1.1", "2606:4700:4700::1111"])));
        for inner in ["10.0.0.1", "169.254.169.254", "127.0.0.1", "::1", "fd00::1"] {
            assert!(!guard.allows("auth.example", &addresses(&["1.1.1.1", inner])), "{inner}");
            assert!(guard.allows("MCP.corp", &addresses(&[inner])), "the operator named it");
        }
    }

    #[tokio::test]
    async fn cl_24_what_is_forbidden_is_not_connected_to() {
        let world = World::start().await;
        let guard = hosted("https://mcp.example/mcp");
        verification_keys::install_crypto_providers();
        let wire = Wire::new(guard.client(&ClientOptions::default()).unwrap()).guarded_by(guard);
        let refused = discovery::probe(&wire, &endpoint(&world.server())).await.unwrap_err();
        assert!(matches!(refused, ExchangeError::Forbidden(_)), "{refused}");
        let named = format!("{}/x", world.origin.replace("127.0.0.1", "localhost")).parse().unwrap();
        let unreachable = wire.send(StepKind::IssuerMetadata, get_json(&named)).await.unwrap_err();
        assert!(unreachable.to_string().contains("not public"), "{unreachable}");
        assert!(world.seen("/mcp").is_empty() && world.seen("/x").is_empty());
    }
}
