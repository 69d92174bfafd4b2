//! `GET /.well-known/openid-configuration` (OIDC Discovery §4): the metadata of RFC 8414, and what OpenID Connect adds.
//! It is served behind the path of the issuer, as OIDC has it, and at the place where RFC 8414 §5 would have it.

use super::SCOPES;
use crate::{metadata::AuthorizationServerMetadata, services::Services};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use serde::Serialize;
use std::sync::Arc;

/// Serves the document.
pub async fn get(State(services): State<Arc<Services>>) -> Response {
    let mut oauth = AuthorizationServerMetadata::of(&services);
    oauth.scopes_supported.extend(SCOPES.map(str::to_owned));
    let document = OpenIdProviderMetadata {
        oauth,
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: ["RS256"],
        claims_supported: [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "nonce",
            "at_hash",
            "name",
            "email",
            "email_verified",
        ],
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        claims_parameter_supported: false,
    };
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document)).into_response()
}

/// The document (OIDC Discovery §3).
#[derive(Serialize)]
struct OpenIdProviderMetadata {
    #[serde(flatten)]
    oauth: AuthorizationServerMetadata,
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 1],
    claims_supported: [&'static str; 12],
    request_parameter_supported: bool,
    /// The default would be true.
    request_uri_parameter_supported: bool,
    claims_parameter_supported: bool,
}
