//! Servers of 2025-03-26, which publish no protected resource metadata: their own origin is their authorization server, and
//! its endpoints have fixed places where it publishes no metadata either (MCP authorization 2025-03-26 §2.3).

use super::{DiscoveryError, IssuerMetadata, ResourceMetadata, issuer_metadata::Pkce};
use crate::oauth::{client::ClientAuthentication, endpoint::Endpoint};

/// What stands in for the metadata that `server` does not publish.
#[must_use]
pub fn resource(server: &Endpoint) -> ResourceMetadata {
    ResourceMetadata {
        resource: canonical(server),
        authorization_server: server.origin_endpoint(),
        scopes_supported: None,
        published: false,
        dpop_algorithms: Vec::new(),
        dpop_required: false,
    }
}

/// Scheme and host in lower case, no default port, and no slash that stands for no path (MCP authorization "Canonical Server
/// URI").
fn canonical(server: &Endpoint) -> String {
    let url = server.url();
    if url.path() == "/" && url.query().is_none() { server.origin() } else { url.to_string() }
}

/// What stands in for the metadata of an authorization server that publishes none either.
///
/// # Errors
/// Unless a person said that it checks S256, because nothing else says so.
pub fn metadata(resource: &ResourceMetadata, pkce: Pkce) -> Result<IssuerMetadata, DiscoveryError> {
    let issuer = &resource.authorization_server;
    if pkce != Pkce::Assumed {
        return Err(DiscoveryError::NoResourceMetadata {
            server: resource.resource.clone(),
            issuer: issuer.as_str().to_owned(),
        });
    }
    Ok(IssuerMetadata {
        issuer: issuer.as_str().to_owned(),
        authorization_endpoint: Some(issuer.with_path("/authorize")),
        token_endpoint: issuer.with_path("/token"),
        device_authorization_endpoint: None,
        registration_endpoint: Some(issuer.with_path("/register")),
        revocation_endpoint: None,
        token_endpoint_auth_methods: vec![
            ClientAuthentication::None,
            ClientAuthentication::Basic,
            ClientAuthentication::Post,
        ],
        iss_parameter_supported: false,
        metadata_documents_supported: false,
        grant_types: None,
        dpop_algorithms: Vec::new(),
        offline_access_supported: false,
    })
}
