//! Access tokens (RFC 9068) that carry the id of their grant: issuing writes nothing.

use crate::{domain::Grant, services::Services};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::header;
use jiff::Timestamp;
use ring::error::Unspecified;
use serde::Serialize;
use signing_keys::SignError;

/// The `typ` of our access tokens (RFC 9068 §2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// A successful token response (RFC 6749 §5.1).
#[derive(Clone, Serialize)]
pub struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
    /// RFC 6749 §3.3: a scope has at least one token.
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

/// Why a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// No randomness for its id.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// No signature.
    #[error("signing failed")]
    Sign(#[from] SignError),
}

/// Issues an access token under `grant`.
pub(super) fn issue(services: &Services, grant: &Grant, now: Timestamp) -> Result<TokenResponse, IssueError> {
    let mut token_id = [0; 16];
    services.random.fill(&mut token_id)?;
    let scope = grant.scope.to_string();
    let ttl = services.settings.access_token_ttl;
    let claims = Claims {
        iss: services.public_url.issuer(),
        sub: grant.subject.as_str(),
        aud: grant.resource.as_str(),
        client_id: grant.client_id.as_str(),
        scope: &scope,
        iat: now.as_second(),
        exp: now.as_second().saturating_add(ttl.as_secs()),
        jti: &URL_SAFE_NO_PAD.encode(token_id),
        grant_id: grant.id.as_str(),
        auth_time: grant.authentication.map(|authentication| authentication.at.as_second()),
        acr: grant.authentication.map(|authentication| authentication.context.as_str()),
    };
    let access_token = services.keys.sign(ACCESS_TOKEN_TYPE, &claims, now)?;
    Ok(TokenResponse { access_token, token_type: "Bearer", expires_in: ttl.as_secs(), scope })
}

/// RFC 9068 §2.2, and the grant.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
    grant_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
}

impl IntoResponse for TokenResponse {
    fn into_response(self) -> Response {
        ([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(self)).into_response()
    }
}
