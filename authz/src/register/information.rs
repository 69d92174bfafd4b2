//! The client information response (RFC 7591 §3.2.1, RFC 7592 §3): everything as it is registered.

use crate::{
    domain::{ClientAuthentication, ClientKeys, RegisteredClient, RegistrationAccessToken},
    protocol::{ClientSecret, GrantType, RedirectUri, ResponseType},
    public_url::PublicUrl,
    routes,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use serde_json::Value;

/// What a client is told about itself. Its secrets are in it only when they were just made: what is kept is a hash.
#[derive(Debug)]
pub(super) struct ClientInformation<'a> {
    pub(super) client: &'a RegisteredClient,
    pub(super) secret: Option<&'a ClientSecret>,
    pub(super) access_token: &'a RegistrationAccessToken,
}

#[derive(Serialize)]
struct Document<'a> {
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
    response_types: Vec<&'static str>,
    token_endpoint_auth_method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a str>,
    scope: String,
    application_type: &'a str,
    registration_access_token: String,
    registration_client_uri: String,
}

impl ClientInformation<'_> {
    /// The response; RFC 7591 §3.2.1: not to be kept by anybody.
    pub(super) fn respond(&self, status: StatusCode, public_url: &PublicUrl) -> Response {
        let headers = [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")];
        (status, headers, Json(self.document(public_url))).into_response()
    }

    fn document(&self, public_url: &PublicUrl) -> Document<'_> {
        let client = self.client;
        let has_secret = matches!(client.authentication, ClientAuthentication::Secret { .. });
        let with_code = client.grant_types.contains(&GrantType::AuthorizationCode);
        let (jwks, jwks_uri) = match &client.authentication {
            ClientAuthentication::PrivateKey { keys: ClientKeys::Set(document) } => {
                (serde_json::from_str(document).ok(), None)
            }
            ClientAuthentication::PrivateKey { keys: ClientKeys::At(url) } => (None, Some(url.as_str())),
            ClientAuthentication::Public | ClientAuthentication::Secret { .. } => (None, None),
        };
        Document {
            client_id: client.id.as_str(),
            client_id_issued_at: client.registered_at.as_second(),
            client_secret: self.secret.map(ClientSecret::reveal),
            client_secret_expires_at: has_secret.then_some(0),
            client_name: client.name.as_deref(),
            client_uri: client.uri.as_deref(),
            redirect_uris: client.redirect_uris.iter().map(RedirectUri::as_str).collect(),
            grant_types: client.grant_types.iter().map(|word| word.as_str()).collect(),
            response_types: with_code.then_some(ResponseType::Code.as_str()).into_iter().collect(),
            token_endpoint_auth_method: client.authentication.methods().first().map(|method| method.as_str()),
            jwks,
            jwks_uri,
            scope: client.scope.to_string(),
            application_type: client.application_type.as_str(),
            registration_access_token: self.access_token.reveal(),
            registration_client_uri: public_url.join(&format!("{}/{}", routes::REGISTER, client.id)),
        }
    }
}
