//! `POST /oauth2/register` (RFC 7591): every client that asks gets the one that is configured, and only for redirect URIs
//! that the issuer knows of it. Nothing is kept.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde_json::{Value, json};
use verification_keys::json::parse_object;

use super::{ANY_ORIGIN, NO_STORE, Shim, ShimClient, error};

/// The most redirect URIs that one request may have.
const MAX_REDIRECT_URIS: usize = 20;

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NotMetadata,
    NoRedirectUri,
    RedirectUri,
}

pub(super) async fn register(State(shim): State<Arc<Shim>>, body: Bytes) -> Response {
    let Some(client) = &shim.options.client else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [ANY_ORIGIN, NO_STORE];
    match answer(client, &body) {
        Ok(registered) => (StatusCode::CREATED, headers, Json(registered)).into_response(),
        Err(refused) => {
            let answer = error(refused.code(), refused.description());
            (StatusCode::BAD_REQUEST, headers, answer).into_response()
        }
    }
}

/// RFC 7591 §3.2.1: what was asked for may be replaced, and the answer says by what. There is no secret.
pub(super) fn answer(client: &ShimClient, body: &[u8]) -> Result<Value, Refused> {
    let asked = parse_object(body).map_err(|_| Refused::NotMetadata)?;
    let redirect_uris = asked.get("redirect_uris").and_then(Value::as_array).ok_or(Refused::NoRedirectUri)?;
    if redirect_uris.is_empty() || redirect_uris.len() > MAX_REDIRECT_URIS {
        return Err(Refused::NoRedirectUri);
    }
    let known = |uri: &Value| uri.as_str().is_some_and(|uri| client.redirect_uris.iter().any(|own| own.allows(uri)));
    if !redirect_uris.iter().all(known) {
        return Err(Refused::RedirectUri);
    }
    Ok(json!({
        "client_id": client.client_id,
        "redirect_uris": redirect_uris,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    }))
}

impl Refused {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::NotMetadata => "invalid_client_metadata",
            Self::NoRedirectUri | Self::RedirectUri => "invalid_redirect_uri",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::NotMetadata => "The body is not a JSON object of client metadata",
            Self::NoRedirectUri => "redirect_uris has to name 1 to 20 redirect URIs",
            Self::RedirectUri => {
                "A redirect URI is not one of those that the operator has configured here and at the issuer \
                 (MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS)"
            }
        }
    }
}
