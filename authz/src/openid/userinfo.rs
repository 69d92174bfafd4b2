//! `GET|POST /userinfo` (OIDC Core §5.3): who the person of an access token is, as far as its scope tells. The token comes
//! in the `Authorization` header and nowhere else (RFC 6750 §2.1).

use super::{EMAIL, OPENID, PROFILE, has};
use crate::{
    domain::{DisplayName, Email, PersonState},
    form,
    operations::{Notes, Refused},
    protocol::{ErrorCode, Scope},
    services::Services,
    store::StoreError,
    token::OwnAccessToken,
};
use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use std::sync::Arc;

/// Says who the person is.
///
/// # Errors
/// There is no token, it is not good here, or something broke.
pub async fn answer(
    State(services): State<Arc<Services>>,
    notes: Option<Extension<Notes>>,
    headers: HeaderMap,
) -> Result<Response, UserInfoError> {
    let token = bearer(&headers)?;
    let token = OwnAccessToken::verify(&services, token).ok_or(UserInfoError::InvalidToken)?;
    let grant = services.store.grant_behind(&token.grant_id, &token.id).await?.filter(|grant| token.is_under(grant));
    let grant = grant.ok_or(UserInfoError::InvalidToken)?;
    let scope = token.claims.scope.as_deref().and_then(|raw| Scope::parse(raw).ok()).unwrap_or_default();
    if !has(&scope, OPENID) {
        return Err(UserInfoError::InsufficientScope);
    }
    if let Some(Extension(notes)) = notes {
        notes.subject(&grant.subject);
        notes.client(&grant.client_id);
    }
    let person = services.store.person(&grant.subject).await?;
    let person = person.filter(|person| person.state == PersonState::Enabled).ok_or(UserInfoError::InvalidToken)?;
    let claims = Claims {
        sub: person.subject.as_str(),
        name: person.name.as_ref().filter(|_| has(&scope, PROFILE)).map(DisplayName::as_str),
        email: person.email.as_ref().filter(|_| has(&scope, EMAIL)).map(Email::as_str),
        // Nobody checked it.
        email_verified: person.email.as_ref().filter(|_| has(&scope, EMAIL)).map(|_| false),
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(claims)).into_response())
}

/// OIDC Core §5.1. The login name is not among them.
#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
}

fn bearer(headers: &HeaderMap) -> Result<&str, UserInfoError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Err(UserInfoError::NoToken),
        (Some(_), Some(_)) => return Err(UserInfoError::TwoTokens),
        (Some(value), None) => value,
    };
    match value.to_str().ok().and_then(|value| value.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(UserInfoError::NoToken),
    }
}

/// Why nothing is said.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    /// No credentials, or others.
    #[error("no bearer token")]
    NoToken,
    /// RFC 6750 §2: one at a time.
    #[error("more than one Authorization header")]
    TwoTokens,
    /// Not ours, no access token, over, or revoked.
    #[error("the token is not good here")]
    InvalidToken,
    /// Without the scope `openid`.
    #[error("the token does not have the scope openid")]
    InsufficientScope,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserInfoError {
    /// RFC 6750 §3.1: without credentials there is no error code.
    const fn parts(&self) -> (StatusCode, Option<&'static str>, &'static str) {
        match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, None, r#"Bearer realm="portcullis""#),
            Self::TwoTokens => (
                StatusCode::BAD_REQUEST,
                Some("invalid_request"),
                r#"Bearer realm="portcullis", error="invalid_request""#,
            ),
            Self::InvalidToken => {
                (StatusCode::UNAUTHORIZED, Some("invalid_token"), r#"Bearer realm="portcullis", error="invalid_token""#)
            }
            Self::InsufficientScope => (
                StatusCode::FORBIDDEN,
                Some("insufficient_scope"),
                r#"Bearer realm="portcullis", error="insufficient_scope", scope="openid""#,
            ),
            Self::Store(_) => (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"), ""),
        }
    }
}

impl IntoResponse for UserInfoError {
    fn into_response(self) -> Response {
        if let Self::Store(error) = &self {
            tracing::error!(?error, "userinfo failed");
            return form::error(ErrorCode::TemporarilyUnavailable, "try again later");
        }
        tracing::info!(cause = %self, "userinfo refused");
        let (status, code, challenge) = self.parts();
        let body = code.map_or_else(|| serde_json::json!({}), |code| serde_json::json!({ "error": code }));
        let headers = [
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)),
        ];
        let mut response = (status, headers, Json(body)).into_response();
        response.extensions_mut().insert(Refused(code.unwrap_or("missing_token")));
        response
    }
}
