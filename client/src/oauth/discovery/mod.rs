//! From a refused request to an authorization server: challenge → resource metadata → issuer metadata.
//! MCP authorization "Authorization Server Discovery"; RFC 9728, RFC 8414.

pub mod issuer_metadata;
pub mod own_issuer;
pub mod resource_metadata;

#[cfg(test)]
mod tests;

pub use issuer_metadata::IssuerMetadata;
pub use resource_metadata::ResourceMetadata;

use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    challenge::BearerChallenge,
    endpoint::{Endpoint, InvalidEndpoint},
    exchange::{self, Answer, ExchangeError, Request},
};
use crate::flow::{StepKind, Wire};

/// Why no authorization server was found, or why the one found is not used.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// A server did not answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// `resource_metadata` of the challenge breaks a URL rule.
    #[error("the server's challenge names a resource_metadata URL that is not used: {0}")]
    MetadataUrl(#[source] InvalidEndpoint),
    /// `resource_metadata` of the challenge is on another origin than the server.
    #[error("the server's challenge points at resource metadata on {found}, which is not its own address {expected}")]
    MetadataElsewhere {
        /// Origin of the MCP server.
        expected: String,
        /// Origin named by the challenge.
        found: String,
    },
    /// No metadata at any location, nor any of an authorization server at its own origin.
    #[error(
        "{server} asks for authorization but publishes no protected resource metadata (RFC 9728). If it is an old server \
         that signs people in itself, and you know that it checks PKCE with S256, start this client with \
         --assume-s256 {issuer}"
    )]
    NoResourceMetadata {
        /// The MCP server.
        server: String,
        /// Its origin.
        issuer: String,
    },
    /// None at the place that the challenge names.
    #[error("{0} names a resource_metadata URL at which there is no protected resource metadata (RFC 9728)")]
    NothingThere(String),
    /// A document is not what it should be.
    #[error("the document at {url} cannot be used: {problem}")]
    Malformed {
        /// Where it was read.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// `resource` is another one.
    #[error("the metadata is for the resource {found}, but this client asked for {expected}; it is not used")]
    ResourceMismatch {
        /// The URL this client was given.
        expected: String,
        /// The published `resource`.
        found: String,
    },
    /// `authorization_servers` is missing or empty.
    #[error("{0} names no authorization server in its metadata")]
    NoAuthorizationServer(String),
    /// The issuer breaks a URL rule.
    #[error("the authorization server {issuer} is not used: {reason}")]
    Issuer {
        /// As published.
        issuer: String,
        /// The rule.
        #[source]
        reason: InvalidEndpoint,
    },
    /// No metadata at any location.
    #[error("{0} publishes no authorization server metadata (RFC 8414 or OpenID Connect Discovery)")]
    NoIssuerMetadata(String),
    /// `issuer` of the document is another one.
    #[error("the authorization server metadata says issuer {found}, but {expected} was asked; it is not used")]
    IssuerMismatch {
        /// The issuer used for the URL.
        expected: String,
        /// The published `issuer`.
        found: String,
    },
    /// No S256, and nobody said that it is there all the same.
    #[error(
        "{0} does not offer PKCE with S256 (code_challenge_methods_supported), so a stolen code could be redeemed by \
         somebody else; this client does not sign in there. Two ways out: the MCP server publishes metadata in its place \
         (MCP_RESOURCE_METADATA_SHIM=on at the server), or, if you know that it checks S256 all the same, start this \
         client with --assume-s256 {0}"
    )]
    NoS256(String),
    /// An endpoint breaks a URL rule.
    #[error("{name} of {issuer} is not used: {reason}")]
    Endpoint {
        /// `authorization_endpoint`, `token_endpoint` …
        name: &'static str,
        /// The issuer.
        issuer: String,
        /// The rule.
        #[source]
        reason: InvalidEndpoint,
    },
}

/// Whether a server wants a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It does, and this is what it says about it (a 401 without a readable challenge counts as an empty one).
    Challenged(BearerChallenge),
    /// It answered without asking for one.
    Open,
}

/// A request without a token, in the form of the newest protocol version.
#[must_use]
pub fn probe_request(server: &Endpoint) -> Request {
    let body = json!({"jsonrpc": "2.0", "id": 0, "method": "server/discover", "params": {"_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "portcullis-client", "version": env!("CARGO_PKG_VERSION")},
        "io.modelcontextprotocol/clientCapabilities": {},
    }}});
    let mut request = exchange::post(server.url(), "application/json", body.to_string().into_bytes());
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert("mcp-protocol-version", HeaderValue::from_static("2026-07-28"));
    headers.insert("mcp-method", HeaderValue::from_static("server/discover"));
    request
}

/// Reads the answer to [`probe_request`].
#[must_use]
pub fn process_probe(answer: &Answer) -> Probe {
    if answer.status == StatusCode::UNAUTHORIZED {
        Probe::Challenged(BearerChallenge::from_headers(&answer.headers).unwrap_or_default())
    } else {
        Probe::Open
    }
}

/// Asks `server` once without a token.
///
/// # Errors
/// When it does not answer.
pub async fn probe(wire: &Wire, server: &Endpoint) -> Result<Probe, ExchangeError> {
    Ok(process_probe(&wire.send(StepKind::UnauthenticatedRequest, probe_request(server)).await?))
}

/// The JSON object of a well-known location, or `None` when this location does not have one.
fn document<'a>(answer: &'a Answer, url: &Endpoint) -> Result<Option<&'a [u8]>, DiscoveryError> {
    // A 3xx counts as absent, because metadata is never followed elsewhere; so does a site's HTML catch-all page.
    if answer.status.is_redirection() || answer.status.is_client_error() {
        return Ok(None);
    }
    if answer.status != StatusCode::OK {
        return Err(DiscoveryError::Malformed {
            url: url.as_str().to_owned(),
            problem: format!("status {}", answer.status),
        });
    }
    Ok(answer.is_json().then_some(answer.body.as_slice()))
}

fn malformed(url: &Endpoint, problem: &impl ToString) -> DiscoveryError {
    DiscoveryError::Malformed { url: url.as_str().to_owned(), problem: problem.to_string() }
}
