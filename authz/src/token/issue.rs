//! Access tokens (RFC 9068) that carry the id of their grant: issuing writes nothing.

use crate::{
    domain::{Grant, RefreshToken, TokenId},
    openid::id_token::SignIn,
    protocol::Scope,
    services::Services,
};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

/// What a grant comes to, once it is committed.
#[derive(Debug)]
pub(super) struct Issuance {
    /// What the tokens stand for.
    pub(super) grant: Grant,
    /// The scope of the access token; no more than the grant's.
    pub(super) scope: Scope,
    /// For clients that use them.
    pub(super) refresh_token: Option<RefreshToken>,
    /// For clients that asked who signs in.
    pub(super) sign_in: Option<SignIn>,
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

/// Signs the access token and makes the response.
pub(super) fn issue(services: &Services, issuance: &Issuance, now: Timestamp) -> Result<TokenResponse, IssueError> {
    let Issuance { grant, scope, refresh_token, sign_in } = issuance;
    let token_id = TokenId::generate(services.random.as_ref())?;
    let scope = scope.to_string();
    let ttl = services.settings.access_token_ttl;
    let claims = Claims {
        iss: services.public_url.issuer(),
        sub: grant.subject.as_str(),
        aud: grant.resource.as_str(),
        client_id: grant.client_id.as_str(),
        scope: &scope,
        iat: now.as_second(),
        exp: now.as_second().saturating_add(ttl.as_secs()),
        jti: token_id.as_str(),
        grant_id: grant.id.as_str(),
        auth_time: grant.authentication.map(|authentication| authentication.at.as_second()),
        acr: grant.authentication.map(|authentication| authentication.context.as_str()),
    };
    let access_token = services.keys.sign(ACCESS_TOKEN_TYPE, &claims, now)?;
    let id_token = sign_in.as_ref().map(|sign_in| sign_in.id_token(services, grant, &access_token, now)).transpose()?;
    let refresh_token = refresh_token.as_ref().map(RefreshToken::reveal);
    Ok(TokenResponse { access_token, token_type: "Bearer", expires_in: ttl.as_secs(), scope, refresh_token, id_token })
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
