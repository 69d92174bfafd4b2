//! `GET /.well-known/oauth-authorization-server` (RFC 8414). It advertises only what exists.

use crate::{
    client_metadata_documents::admission,
    protocol::{AuthenticationMethod, GrantType, ResponseType, ScopeToken},
    routes,
    services::{Registration, Services},
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use serde::Serialize;
use std::sync::Arc;
use verification_keys::SigningAlgorithm;

/// Serves the document.
pub async fn get(State(services): State<Arc<Services>>) -> Response {
    let headers = [(header::CACHE_CONTROL, "public, max-age=300")];
    (headers, Json(AuthorizationServerMetadata::of(&services))).into_response()
}

/// The document (RFC 8414 §2). Lists are never empty; what does not exist is left out.
#[derive(Clone, Debug, Serialize)]
pub struct AuthorizationServerMetadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    device_authorization_endpoint: String,
    revocation_endpoint: String,
    introspection_endpoint: String,
    userinfo_endpoint: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) scopes_supported: Vec<String>,
    response_types_supported: Vec<&'static str>,
    response_modes_supported: Vec<&'static str>,
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    code_challenge_methods_supported: Vec<&'static str>,
    authorization_response_iss_parameter_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id_metadata_document_supported: Option<bool>,
    protected_resources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    portcullis_flawed_token_endpoint: Option<String>,
    /// MCP Enterprise-managed authorization.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authorization_grant_profiles_supported: Vec<&'static str>,
}

impl AuthorizationServerMetadata {
    /// What `services` offers.
    #[must_use]
    pub fn of(services: &Services) -> Self {
        let at = |route| services.public_url.join(route);
        let (settings, resources) = (&services.settings, services.resources.current());
        let none = AuthenticationMethod::None.as_str();
        let every_method = || AuthenticationMethod::ALL.iter().map(|word| word.as_str());
        let algorithms = || SigningAlgorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect();
        Self {
            issuer: services.public_url.issuer().to_owned(),
            authorization_endpoint: at(routes::AUTHORIZE),
            token_endpoint: at(routes::TOKEN),
            jwks_uri: at(routes::JWKS),
            registration_endpoint: (settings.registration != Registration::Off).then(|| at(routes::REGISTER)),
            device_authorization_endpoint: at(routes::DEVICE_AUTHORIZATION),
            revocation_endpoint: at(routes::REVOKE),
            introspection_endpoint: at(routes::INTROSPECT),
            userinfo_endpoint: at(routes::USERINFO),
            scopes_supported: resources.scopes().tokens().map(ScopeToken::as_str).map(str::to_owned).collect(),
            response_types_supported: ResponseType::ALL.iter().map(|word| word.as_str()).collect(),
            response_modes_supported: vec!["query"],
            grant_types_supported: grant_types(services).map(GrantType::as_str).collect(),
            token_endpoint_auth_methods_supported: every_method().collect(),
            token_endpoint_auth_signing_alg_values_supported: algorithms(),
            revocation_endpoint_auth_methods_supported: every_method().collect(),
            revocation_endpoint_auth_signing_alg_values_supported: algorithms(),
            introspection_endpoint_auth_methods_supported: every_method().filter(|word| *word != none).collect(),
            introspection_endpoint_auth_signing_alg_values_supported: algorithms(),
            code_challenge_methods_supported: vec!["S256"],
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: admission(settings.registration).map(|_| true),
            portcullis_flawed_token_endpoint: settings.demonstrations.then(|| at(routes::FLAWED_TOKEN)),
            protected_resources: resources.ids().map(ToString::to_string).collect(),
            authorization_grant_profiles_supported: grant_types(services)
                .filter(|word| *word == GrantType::JwtBearer)
                .map(|_| "urn:ietf:params:oauth:grant-profile:id-jag")
                .collect(),
        }
    }
}

/// Assertions are for servers that trust somebody.
fn grant_types(services: &Services) -> impl Iterator<Item = GrantType> {
    let assertions = !services.assertion_issuers.is_empty();
    GrantType::ALL.iter().copied().filter(move |word| assertions || *word != GrantType::JwtBearer)
}
