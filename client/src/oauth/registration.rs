//! Dynamic client registration (RFC 7591), as a native application with a loopback redirect.

use serde::{Deserialize, Serialize};

use super::{
    authorization::refusal,
    client::{ClientAuthentication, ClientCredentials, ClientSecret},
    discovery::IssuerMetadata,
    endpoint::Endpoint,
    exchange::{self, Answer, ExchangeError, Request},
    loopback::RedirectUri,
    token::DEVICE_CODE,
};
use crate::flow::{StepKind, Wire};

/// Shown by authorization servers on the consent page.
pub const CLIENT_NAME: &str = "Portcullis client";
/// Longest identifier or secret accepted, in bytes.
const MAX_CREDENTIAL_BYTES: usize = 2048;

/// A client made by registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredClient {
    /// Identifier and secret, valid at that issuer only.
    pub credentials: ClientCredentials,
    /// How it authenticates at the token endpoint.
    pub method: ClientAuthentication,
    /// Unix seconds after which the secret is not valid any more; `None` for never.
    pub secret_expires_at: Option<i64>,
}

/// Why this client could not register itself.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The server has no registration endpoint.
    #[error(
        "{0} does not let clients register themselves. Set MCP_CLIENT_ID (and MCP_CLIENT_SECRET) to a client registered there"
    )]
    NotOffered(String),
    /// The server supports no method of client authentication that this client has.
    #[error("{0} offers no client authentication that this client has (none, client_secret_basic, client_secret_post)")]
    NoMethod(String),
    /// The server refused.
    #[error("registration was refused: {}", refusal(.error, .description.as_deref()))]
    Refused {
        /// `invalid_redirect_uri`, `invalid_client_metadata` …
        error: String,
        /// `error_description`.
        description: Option<String>,
    },
    /// An answer that is neither a registration nor an OAuth error.
    #[error("the registration endpoint sent an unusable answer: {0}")]
    Malformed(String),
}

#[derive(Serialize)]
struct ClientMetadata<'a> {
    client_name: &'static str,
    application_type: &'static str,
    redirect_uris: [&'a str; 1],
    grant_types: Vec<&'static str>,
    response_types: [&'static str; 1],
    token_endpoint_auth_method: &'static str,
}

/// The client metadata document of this client, to be hosted at `url` (Client ID Metadata Document; MCP adds that
/// `client_name` and `redirect_uris` are there).
#[must_use]
pub fn metadata_document(url: &Endpoint, redirect_uri: &RedirectUri) -> String {
    let metadata = client_metadata(redirect_uri, ClientAuthentication::None, true);
    serde_json::to_string_pretty(&MetadataDocument { client_id: url.as_str(), metadata }).unwrap_or_default()
}

#[derive(Serialize)]
struct MetadataDocument<'a> {
    client_id: &'a str,
    #[serde(flatten)]
    metadata: ClientMetadata<'a>,
}

#[derive(Deserialize)]
struct Registration {
    client_id: String,
    client_secret: Option<String>,
    client_secret_expires_at: Option<i64>,
    token_endpoint_auth_method: Option<String>,
    redirect_uris: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub(super) struct ErrorDocument {
    pub(super) error: String,
    pub(super) error_description: Option<String>,
}

/// The method to ask for: public where that is offered, because an installed program cannot keep a secret.
///
/// # Errors
/// When the issuer offers no method that this client has.
pub fn preferred_method(issuer: &IssuerMetadata) -> Result<ClientAuthentication, RegistrationError> {
    let offered = &issuer.token_endpoint_auth_methods;
    [ClientAuthentication::None, ClientAuthentication::Basic, ClientAuthentication::Post]
        .into_iter()
        .find(|method| offered.contains(method))
        .ok_or_else(|| RegistrationError::NoMethod(issuer.issuer.clone()))
}

/// Builds the registration request. It names no scope, so that the client may ask for more later (step-up), and the device
/// grant where the issuer has it.
#[must_use]
pub fn registration_request(
    endpoint: &Endpoint,
    redirect_uri: &RedirectUri,
    method: ClientAuthentication,
    with_devices: bool,
) -> Request {
    let metadata = client_metadata(redirect_uri, method, with_devices);
    exchange::post(endpoint.url(), "application/json", serde_json::to_vec(&metadata).unwrap_or_default())
}

/// The metadata names the device grant where it is known there, because some servers refuse words that they do not know.
fn client_metadata(redirect_uri: &RedirectUri, method: ClientAuthentication, with_devices: bool) -> ClientMetadata<'_> {
    let mut grant_types = vec!["authorization_code", "refresh_token"];
    grant_types.extend(with_devices.then_some(DEVICE_CODE));
    ClientMetadata {
        client_name: CLIENT_NAME,
        application_type: redirect_uri.application_type(),
        redirect_uris: [redirect_uri.as_str()],
        grant_types,
        response_types: ["code"],
        token_endpoint_auth_method: method.as_str(),
    }
}

/// Checks the answer to [`registration_request`].
///
/// # Errors
/// When the server refused, or registered something else than was asked for.
pub fn process(
    answer: &Answer,
    redirect_uri: &RedirectUri,
    asked: ClientAuthentication,
) -> Result<RegisteredClient, RegistrationError> {
    if !matches!(answer.status.as_u16(), 200 | 201) {
        return Err(match serde_json::from_slice::<ErrorDocument>(&answer.body) {
            Ok(ErrorDocument { error, error_description: description }) => {
                RegistrationError::Refused { error, description }
            }
            Err(_) => RegistrationError::Malformed(format!("status {}", answer.status)),
        });
    }
    let registration: Registration =
        serde_json::from_slice(&answer.body).map_err(|error| RegistrationError::Malformed(error.to_string()))?;
    let listed = |uris: &Vec<String>| uris.iter().any(|uri| uri == redirect_uri.as_str());
    if !registration.redirect_uris.as_ref().is_none_or(listed) {
        return Err(RegistrationError::Malformed("the redirect URI was changed".to_owned()));
    }
    let method = match &registration.token_endpoint_auth_method {
        Some(name) => ClientAuthentication::parse(name)
            .filter(|method| *method != ClientAuthentication::PrivateKeyJwt)
            .ok_or_else(|| RegistrationError::Malformed(format!("token_endpoint_auth_method {name} is not ours")))?,
        None => asked,
    };
    let secret = registration.client_secret.as_deref().and_then(ClientSecret::new);
    if method != ClientAuthentication::None && secret.is_none() {
        return Err(RegistrationError::Malformed("client_secret is missing".to_owned()));
    }
    if !is_credential(&registration.client_id) || !secret.as_ref().is_none_or(|secret| is_credential(secret.reveal())) {
        return Err(RegistrationError::Malformed("client_id or client_secret is not printable ASCII".to_owned()));
    }
    Ok(RegisteredClient {
        credentials: ClientCredentials { id: registration.client_id, secret },
        method,
        secret_expires_at: registration.client_secret_expires_at.filter(|at| *at > 0),
    })
}

/// Registers this client at `issuer`.
///
/// # Errors
/// When the issuer does not offer it, does not answer, or refuses.
pub async fn register(
    wire: &Wire,
    issuer: &IssuerMetadata,
    redirect_uri: &RedirectUri,
) -> Result<RegisteredClient, RegistrationError> {
    let endpoint =
        issuer.registration_endpoint.as_ref().ok_or_else(|| RegistrationError::NotOffered(issuer.issuer.clone()))?;
    let method = preferred_method(issuer)?;
    let with_devices = issuer.device_authorization_endpoint.is_some();
    let request = registration_request(endpoint, redirect_uri, method, with_devices);
    let answer = wire.send(StepKind::Registration, request).await?;
    process(&answer, redirect_uri, method)
}

/// `*VSCHAR` of RFC 6749 appendix A, bounded and not empty.
fn is_credential(value: &str) -> bool {
    (1..=MAX_CREDENTIAL_BYTES).contains(&value.len()) && value.bytes().all(|byte| matches!(byte, 0x20..=0x7e))
}

#[cfg(test)]
mod tests;
