//! `POST /introspect` (RFC 7662): an authenticated resource server asks about a token for itself. The token is active
//! if we signed it, it is in time, its grant is alive, and it was not revoked by itself; about anything else, refresh
//! tokens included, the answer is `{"active":false}`.

#[cfg(test)]
mod tests;

use crate::{
    client_authentication::{AuthenticatedClient, AuthenticationFailed, authenticate},
    domain::{ClientAuthentication, Grant},
    form::{self, Form, NotAForm},
    layers,
    operations::rate_limits::TooMany,
    protocol::{ErrorCode, MalformedParameters, Resource},
    services::Services,
    store::StoreError,
    token::OwnAccessToken,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// Handles an introspection request.
///
/// # Errors
/// The caller is not a resource server, or something broke.
pub async fn post(
    State(services): State<Arc<Services>>,
    form: Result<Form, NotAForm>,
) -> Result<Response, IntrospectError> {
    let form = form?;
    let caller = authenticate(&services, &form).await?;
    let resource = introspected_resource(&caller)?;
    let limits = services.operations.rate_limits.as_ref();
    limits.map_or(Ok(()), |limits| limits.introspection(caller.id()))?;
    let token = form.parameters.once("token")?.ok_or(IntrospectError::TokenMissing)?;
    let own = |token: &OwnAccessToken| resource.is_some_and(|resource| token.is_for(resource.as_str()));
    if let Some(token) = OwnAccessToken::verify(&services, token).filter(own)
        && let Some(grant) = services.store.grant_behind(&token.grant_id, &token.id).await?
        && token.is_under(&grant)
    {
        return Ok(respond(&ActiveToken::new(&token, &grant)));
    }
    // Only failures count: whoever asks about real tokens may do so as often as there are requests.
    if let Some(limits) = limits {
        limits.introspection_failed(caller.id());
    }
    Ok(inactive())
}

/// A client that is no resource server learns nothing about any token: for it, none is active.
fn introspected_resource(caller: &AuthenticatedClient) -> Result<Option<&Resource>, IntrospectError> {
    match caller.registration().authentication {
        // RFC 7662 §2.1: the endpoint MUST require some form of authorization; naming oneself is none.
        ClientAuthentication::Public => Err(IntrospectError::PublicClient),
        ClientAuthentication::Secret { .. } | ClientAuthentication::PrivateKey { .. } => {
            Ok(caller.registration().introspects.as_ref())
        }
    }
}

/// RFC 7662 §2.2: about a token that is not active nothing else may be said.
fn inactive() -> Response {
    respond(&json!({ "active": false }))
}

/// RFC 7662 §2.2, for an active token.
#[derive(Serialize)]
struct ActiveToken<'a> {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    client_id: &'a str,
    sub: &'a str,
    aud: &'a str,
    iss: Option<&'a str>,
    exp: i64,
    iat: Option<i64>,
    jti: &'a str,
    token_type: &'static str,
    /// RFC 9470 §6.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
}

impl<'a> ActiveToken<'a> {
    fn new(token: &'a OwnAccessToken, grant: &'a Grant) -> Self {
        let claims = &token.claims;
        Self {
            active: true,
            scope: claims.scope.as_deref(),
            client_id: grant.client_id.as_str(),
            sub: grant.subject.as_str(),
            aud: grant.resource.as_str(),
            iss: claims.issuer.as_deref(),
            exp: token.expires_at.as_second(),
            iat: claims.issued_at.map(Timestamp::as_second),
            jti: token.id.as_str(),
            token_type: "Bearer",
            auth_time: grant.authentication.map(|authentication| authentication.at.as_second()),
            acr: grant.authentication.map(|authentication| authentication.context.as_str()),
        }
    }
}

fn respond(answer: &impl Serialize) -> Response {
    (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// Why there is no answer about the token.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectError {
    /// The request is not a form.
    #[error(transparent)]
    NotAForm(#[from] NotAForm),
    /// The caller did not prove who it is.
    #[error(transparent)]
    Caller(#[from] AuthenticationFailed),
    /// The caller has no secret.
    #[error("a public client cannot introspect")]
    PublicClient,
    /// The caller has asked about too many tokens that are none.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// A parameter is repeated.
    #[error(transparent)]
    Malformed(#[from] MalformedParameters),
    /// No `token`.
    #[error("token is missing")]
    TokenMissing,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for IntrospectError {
    fn into_response(self) -> Response {
        match self {
            Self::NotAForm(error) => error.into_response(),
            Self::Caller(failed) => failed.into_response(),
            Self::TooMany(too_many) => layers::rate_limits::refusal(&too_many),
            Self::PublicClient => form::error(ErrorCode::InvalidClient, "client authentication failed"),
            Self::Malformed(_) | Self::TokenMissing => form::error(ErrorCode::InvalidRequest, "token is missing"),
            Self::Store(error) => {
                tracing::error!(?error, "introspection failed");
                form::error(ErrorCode::TemporarilyUnavailable, "try again later")
            }
        }
    }
}
