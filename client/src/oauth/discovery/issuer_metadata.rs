//! Authorization server metadata (RFC 8414, OpenID Connect Discovery): endpoints, and what the server can do.

use serde::Deserialize;

use super::{DiscoveryError, document, malformed};
use crate::flow::{StepKind, Wire};
use crate::oauth::{
    client::ClientAuthentication,
    endpoint::Endpoint,
    exchange::{self, Answer},
};

const OAUTH: &str = "/.well-known/oauth-authorization-server";
/// The scope that asks for a refresh token (OpenID Connect Core §11).
pub const OFFLINE_ACCESS: &str = "offline_access";
const OPENID: &str = "/.well-known/openid-configuration";

/// A checked document; every endpoint in it may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerMetadata {
    /// Exactly the issuer that was asked for.
    pub issuer: String,
    /// Where the browser goes, if there are people to sign in.
    pub authorization_endpoint: Option<Endpoint>,
    /// Where the code goes.
    pub token_endpoint: Endpoint,
    /// Where a device without a browser begins (RFC 8628 §4), if it can.
    pub device_authorization_endpoint: Option<Endpoint>,
    /// Where clients register themselves, if they may.
    pub registration_endpoint: Option<Endpoint>,
    /// Where tokens are given back (RFC 7009), if they can be.
    pub revocation_endpoint: Option<Endpoint>,
    /// Methods of client authentication that this client has as well.
    pub token_endpoint_auth_methods: Vec<ClientAuthentication>,
    /// Whether authorization responses always carry `iss` (RFC 9207 §3).
    pub iss_parameter_supported: bool,
    /// Whether a client may name itself by the URL of its metadata document.
    pub metadata_documents_supported: bool,
    /// The grants that it says it has; `None` when it does not say.
    pub grant_types: Option<Vec<String>>,
    /// Algorithms that it takes in proofs of possession (RFC 9449 §5.1); none where it binds no token to a key.
    pub dpop_algorithms: Vec<String>,
    /// Whether `offline_access` is a scope there; elsewhere it is not asked for.
    pub offline_access_supported: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    grant_types_supported: Option<Vec<String>>,
    #[serde(default)]
    dpop_signing_alg_values_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// How it is known that an issuer holds codes to their verifier with S256 (RFC 7636).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// Its metadata says so, or it is not used.
    Published,
    /// A person said so for this issuer.
    Assumed,
    /// There is no code to protect: the token is asked for without a browser.
    NotNeeded,
}

/// Where to look, in order: RFC 8414 with the path inserted, OpenID inserted, OpenID appended.
#[must_use]
pub fn locations(issuer: &Endpoint) -> Vec<Endpoint> {
    let path = issuer.url().path().trim_end_matches('/');
    let mut found = vec![issuer.with_path(&format!("{OAUTH}{path}")), issuer.with_path(&format!("{OPENID}{path}"))];
    if !path.is_empty() {
        found.push(issuer.with_path(&format!("{path}{OPENID}")));
    }
    found
}

/// Checks the answer of one location; `None` when the document is not there.
///
/// # Errors
/// When the document is there but must not be used.
pub fn process(
    answer: &Answer,
    url: &Endpoint,
    issuer: &Endpoint,
    pkce: Pkce,
) -> Result<Option<IssuerMetadata>, DiscoveryError> {
    let Some(body) = document(answer, url)? else { return Ok(None) };
    let document: Document = serde_json::from_slice(body).map_err(|error| malformed(url, &error))?;
    // RFC 8414 §3.3: identical as strings, or the document MUST NOT be used.
    if document.issuer != issuer.as_str() {
        return Err(DiscoveryError::IssuerMismatch { expected: issuer.as_str().to_owned(), found: document.issuer });
    }
    // MCP "Authorization Code Protection": absent means no PKCE, and then clients MUST refuse.
    let published = document.code_challenge_methods_supported.iter().any(|method| method == "S256");
    if !published && pkce == Pkce::Published {
        return Err(DiscoveryError::NoS256(document.issuer));
    }
    Ok(Some(IssuerMetadata {
        authorization_endpoint: match (document.authorization_endpoint, pkce) {
            (None, Pkce::NotNeeded) => None,
            (raw, _) => Some(required("authorization_endpoint", raw, url, issuer)?),
        },
        token_endpoint: required("token_endpoint", document.token_endpoint, url, issuer)?,
        device_authorization_endpoint: (document.device_authorization_endpoint)
            .map(|raw| endpoint("device_authorization_endpoint", &raw, issuer))
            .transpose()?,
        registration_endpoint: (document.registration_endpoint)
            .map(|raw| endpoint("registration_endpoint", &raw, issuer))
            .transpose()?,
        revocation_endpoint: (document.revocation_endpoint)
            .map(|raw| endpoint("revocation_endpoint", &raw, issuer))
            .transpose()?,
        token_endpoint_auth_methods: methods(document.token_endpoint_auth_methods_supported.as_deref()),
        grant_types: document.grant_types_supported,
        dpop_algorithms: document.dpop_signing_alg_values_supported,
        iss_parameter_supported: document.authorization_response_iss_parameter_supported,
        metadata_documents_supported: document.client_id_metadata_document_supported,
        offline_access_supported: document.scopes_supported.iter().any(|scope| scope == OFFLINE_ACCESS),
        issuer: document.issuer,
    }))
}

/// Finds the metadata of `issuer`.
///
/// # Errors
/// When no location has it, or the one that has it must not be used.
pub async fn fetch(wire: &Wire, issuer: &Endpoint, pkce: Pkce) -> Result<IssuerMetadata, DiscoveryError> {
    for url in locations(issuer) {
        let answer = wire.send(StepKind::IssuerMetadata, exchange::get_json(url.url())).await?;
        if let Some(metadata) = process(&answer, &url, issuer, pkce)? {
            return Ok(metadata);
        }
    }
    Err(DiscoveryError::NoIssuerMetadata(issuer.as_str().to_owned()))
}

fn required(
    name: &'static str,
    raw: Option<String>,
    url: &Endpoint,
    issuer: &Endpoint,
) -> Result<Endpoint, DiscoveryError> {
    let raw = raw.ok_or_else(|| malformed(url, &format!("{name} is missing")))?;
    endpoint(name, &raw, issuer)
}

fn endpoint(name: &'static str, raw: &str, issuer: &Endpoint) -> Result<Endpoint, DiscoveryError> {
    Endpoint::named_by(issuer, raw).map_err(|reason| DiscoveryError::Endpoint {
        name,
        issuer: issuer.as_str().to_owned(),
        reason,
    })
}

/// RFC 8414 §2: when the member is absent, the default is `client_secret_basic`.
fn methods(offered: Option<&[String]>) -> Vec<ClientAuthentication> {
    offered.map_or_else(
        || vec![ClientAuthentication::Basic],
        |names| names.iter().filter_map(|name| ClientAuthentication::parse(name)).collect(),
    )
}
