//! `POST /register` (RFC 7591): a client registers itself. What it says about itself is unverified.

mod metadata;
#[cfg(test)]
mod tests;

pub use metadata::{ClientMetadata, InvalidMetadata};

use crate::{
    domain::{ClientAuthentication, Origin, RegisteredClient},
    form,
    protocol::{AuthenticationMethod, ClientId, ClientSecret, ErrorCode, RedirectUri, ResponseType},
    services::Services,
    store::StoreError,
};
use axum::{
    Json,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode, header};
use ring::{error::Unspecified, rand::SecureRandom};
use serde::Serialize;
use std::sync::Arc;

/// Handles a registration request.
///
/// # Errors
/// The metadata breaks a rule, or something broke; nothing was registered.
pub async fn post(
    State(services): State<Arc<Services>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, RegisterError> {
    if !form::has_media_type(&headers, "application/json") {
        return Err(RegisterError::NotJson);
    }
    let metadata = ClientMetadata::parse(&body, &services.resources.current().scopes())?;
    let (client, secret) = new_client(&services, metadata)?;
    services.store.add_client(&client).await?;
    tracing::info!(client_id = %client.id, "client registered");
    let body = Json(ClientInformation::of(&client, secret.as_ref()));
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], body).into_response())
}

fn new_client(
    services: &Services,
    metadata: ClientMetadata,
) -> Result<(RegisteredClient, Option<ClientSecret>), Unspecified> {
    let random = services.random.as_ref();
    let (authentication, secret) = match metadata.authentication_method {
        AuthenticationMethod::None => (ClientAuthentication::Public, None),
        method @ (AuthenticationMethod::ClientSecretBasic | AuthenticationMethod::ClientSecretPost) => {
            let secret = ClientSecret::generate(random)?;
            (ClientAuthentication::Secret { hash: secret.hash(), methods: vec![method] }, Some(secret))
        }
    };
    let client = RegisteredClient {
        id: new_client_id(random)?,
        name: metadata.name,
        uri: metadata.uri,
        authentication,
        redirect_uris: metadata.redirect_uris,
        grant_types: metadata.grant_types,
        scope: metadata.scope,
        application_type: metadata.application_type,
        introspects: None,
        origin: Origin::SelfRegistered,
        registered_at: services.now(),
    };
    Ok((client, secret))
}

/// `c_` and 16 random bytes: never a URL, never a subject.
fn new_client_id(random: &dyn SecureRandom) -> Result<ClientId, Unspecified> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    ClientId::parse(&format!("c_{}", URL_SAFE_NO_PAD.encode(bytes))).map_err(|_| Unspecified)
}

/// A client information response (RFC 7591 §3.2.1): everything as it was registered.
#[derive(Serialize)]
struct ClientInformation<'a> {
    client_id: &'a str,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// RFC 7591 §3.2.1: REQUIRED with a secret; 0 means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_uri: Option<&'a str>,
    redirect_uris: Vec<&'a str>,
    grant_types: Vec<&'a str>,
    response_types: [&'static str; 1],
    token_endpoint_auth_method: &'a str,
    scope: String,
    application_type: &'a str,
}

impl<'a> ClientInformation<'a> {
    fn of(client: &'a RegisteredClient, secret: Option<&'a ClientSecret>) -> Self {
        let method = match &client.authentication {
            ClientAuthentication::Public => AuthenticationMethod::None,
            ClientAuthentication::Secret { methods, .. } => {
                methods.first().copied().unwrap_or(AuthenticationMethod::ClientSecretBasic)
            }
        };
        Self {
            client_id: client.id.as_str(),
            client_id_issued_at: client.registered_at.as_second(),
            client_secret: secret.map(ClientSecret::reveal),
            client_secret_expires_at: secret.map(|_| 0),
            client_name: client.name.as_deref(),
            client_uri: client.uri.as_deref(),
            redirect_uris: client.redirect_uris.iter().map(RedirectUri::as_str).collect(),
            grant_types: client.grant_types.iter().map(|word| word.as_str()).collect(),
            response_types: [ResponseType::Code.as_str()],
            token_endpoint_auth_method: method.as_str(),
            scope: client.scope.to_string(),
            application_type: client.application_type.as_str(),
        }
    }
}

/// Why a client was not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The content type is another one.
    #[error("the body has to be application/json")]
    NotJson,
    /// The metadata breaks a rule.
    #[error(transparent)]
    Metadata(#[from] InvalidMetadata),
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for RegisterError {
    fn into_response(self) -> Response {
        match self {
            Self::NotJson => {
                let mut response = form::error(ErrorCode::InvalidClientMetadata, "use application/json");
                *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
                response
            }
            Self::Metadata(invalid) => {
                tracing::info!(cause = %invalid, "registration refused");
                form::error(invalid.code(), invalid.description())
            }
            Self::Randomness(_) | Self::Store(_) => {
                tracing::error!(error = ?self, "registration failed");
                form::error(ErrorCode::TemporarilyUnavailable, "try again later")
            }
        }
    }
}
