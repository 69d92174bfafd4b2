//! Protected resource metadata (RFC 9728): which authorization server a resource trusts, and its exact name.

use serde::Deserialize;

use super::{DiscoveryError, document, malformed, own_issuer};
use crate::flow::{StepKind, Wire};
use crate::oauth::{
    challenge::BearerChallenge,
    endpoint::{Endpoint, InvalidEndpoint},
    exchange::{self, Answer},
    scope::Scope,
};

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
/// Most authorization servers looked at in one document.
const MAX_AUTHORIZATION_SERVERS: usize = 16;

/// A place where the metadata may be, and the resource identifiers it may then speak for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Where to look.
    pub url: Endpoint,
    identifiers: Vec<Endpoint>,
}

/// A checked document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// `resource`, byte for byte as published; the value of the `resource` parameter (RFC 8707).
    pub resource: String,
    /// The authorization server to use: the first usable one.
    pub authorization_server: Endpoint,
    /// `scopes_supported`, if any.
    pub scopes_supported: Option<Scope>,
    /// Whether there is such a document; else this is what a server of 2025-03-26 means without one.
    pub published: bool,
    /// Algorithms that it takes in proofs of possession (RFC 9449), if any.
    pub dpop_algorithms: Vec<String>,
    /// Whether it takes no token that is not bound to a key.
    pub dpop_required: bool,
}

#[derive(Deserialize)]
struct Document {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    dpop_bound_access_tokens_required: bool,
}

/// Where to look, in order: the challenge's URL alone, else path-inserted, then the root.
///
/// # Errors
/// When the challenge names a URL that may not be fetched.
pub fn locations(server: &Endpoint, challenge: &BearerChallenge) -> Result<Vec<Location>, DiscoveryError> {
    if let Some(raw) = &challenge.resource_metadata {
        let url = Endpoint::named_by(server, raw).map_err(DiscoveryError::MetadataUrl)?;
        // The stranger's URL is fetched from this computer's network: only the server's own origin is (SSRF).
        if url.origin() != server.origin() {
            return Err(DiscoveryError::MetadataElsewhere { expected: server.origin(), found: url.origin() });
        }
        return Ok(vec![Location { url, identifiers: vec![server.clone()] }]);
    }
    let root = server.with_path("/");
    let at_root = Location { url: server.with_path(WELL_KNOWN), identifiers: vec![server.clone(), root] };
    let path = server.url().path();
    if path == "/" {
        return Ok(vec![at_root]);
    }
    let inserted =
        Location { url: server.with_path(&format!("{WELL_KNOWN}{path}")), identifiers: vec![server.clone()] };
    Ok(vec![inserted, at_root])
}

/// Checks the answer of one location; `None` when the document is not there.
///
/// # Errors
/// When the document is there but must not be used.
pub fn process(answer: &Answer, location: &Location) -> Result<Option<ResourceMetadata>, DiscoveryError> {
    let Some(body) = document(answer, &location.url)? else { return Ok(None) };
    let document: Document = serde_json::from_slice(body).map_err(|error| malformed(&location.url, &error))?;
    // RFC 9728 §3.3: MUST be identical, or the document MUST NOT be used.
    if !location.identifiers.iter().any(|identifier| is_same_resource(&document.resource, identifier)) {
        let expected = location.identifiers.first().map(|server| server.as_str().to_owned()).unwrap_or_default();
        return Err(DiscoveryError::ResourceMismatch { expected, found: document.resource });
    }
    let issuer = choose_issuer(&document, location)?;
    let scopes_supported = Scope::from_tokens(document.scopes_supported.iter().map(String::as_str));
    Ok(Some(ResourceMetadata {
        resource: document.resource,
        authorization_server: issuer,
        scopes_supported,
        published: true,
        dpop_algorithms: document.dpop_signing_alg_values_supported,
        dpop_required: document.dpop_bound_access_tokens_required,
    }))
}

/// Finds the metadata of `server`; without any, it is taken for a server of 2025-03-26, which has none.
///
/// # Errors
/// When the location that the challenge names does not have it, or one that has it must not be used.
pub async fn fetch(
    wire: &Wire,
    server: &Endpoint,
    challenge: &BearerChallenge,
) -> Result<ResourceMetadata, DiscoveryError> {
    for location in locations(server, challenge)? {
        let answer = wire.send(StepKind::ResourceMetadata, exchange::get_json(location.url.url())).await?;
        if let Some(metadata) = process(&answer, &location)? {
            return Ok(metadata);
        }
    }
    if challenge.resource_metadata.is_some() {
        return Err(DiscoveryError::NothingThere(server.as_str().to_owned()));
    }
    Ok(own_issuer::resource(server))
}

/// Identical as text, or as URLs once scheme and host are in lower case and the default port is dropped.
fn is_same_resource(published: &str, asked: &Endpoint) -> bool {
    published == asked.as_str() || Endpoint::parse(published).is_ok_and(|published| published.url() == asked.url())
}

fn choose_issuer(document: &Document, location: &Location) -> Result<Endpoint, DiscoveryError> {
    let mut refusal = None;
    for raw in document.authorization_servers.iter().take(MAX_AUTHORIZATION_SERVERS) {
        match Endpoint::named_by(&location.url, raw) {
            Ok(issuer) if issuer.url().query().is_none() => return Ok(issuer),
            Ok(_) => refusal = refusal.or(Some((raw, InvalidEndpoint::Query))),
            Err(reason) => refusal = refusal.or(Some((raw, reason))),
        }
    }
    Err(match refusal {
        Some((issuer, reason)) => DiscoveryError::Issuer { issuer: issuer.clone(), reason },
        None => DiscoveryError::NoAuthorizationServer(document.resource.clone()),
    })
}
