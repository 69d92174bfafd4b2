//! `POST /introspect` (RFC 7662): an authenticated resource server asks about a token for itself. The token is active
//! if we signed it, it is in time, and its grant is alive; about anything else the answer is `{"active":false}`.

#[cfg(test)]
mod tests;

use crate::{
    client_authentication::{AuthenticatedClient, AuthenticationFailed, authenticate},
    domain::{ClientAuthentication, Grant, GrantId, GrantState},
    form::{self, Form, NotAForm},
    layers,
    operations::rate_limits::TooMany,
    protocol::{ErrorCode, MalformedParameters, Resource},
    services::Services,
    store::StoreError,
    token::ACCESS_TOKEN_TYPE,
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
use verification_keys::{
    AllowedAlgorithms,
    claims::{Audience, Claims},
    jwk_set::JwkSet,
    jws::CompactJws,
};

/// Handles an introspection request.
///
/// # Errors
/// The caller is not a resource server, or something broke.
pub async fn post(
    State(services): State<Arc<Services>>,
    form: Result<Form, NotAForm>,
) -> Result<Response, IntrospectError> {
    let form = form?;
    let caller = authenticate(services.store.as_ref(), &form).await?;
    let resource = introspected_resource(&caller)?;
    let limits = services.operations.rate_limits.as_ref();
    limits.map_or(Ok(()), |limits| limits.introspection(caller.id()))?;
    let token = form.parameters.once("token")?.ok_or(IntrospectError::TokenMissing)?;
    if let Some((claims, grant_id)) = verify(&services, token, resource)
        && services.store.grant(&grant_id).await?.is_some_and(|grant| stands_behind(&grant, &claims))
    {
        return Ok(respond(&ActiveToken::new(&claims, resource)));
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
        ClientAuthentication::Secret { .. } => Ok(caller.registration().introspects.as_ref()),
    }
}

/// The claims of a token that we signed for `resource` and that is in time, and the grant that it names.
fn verify(services: &Services, token: &str, resource: Option<&Resource>) -> Option<(Claims, GrantId)> {
    let now = services.now();
    let jws = CompactJws::parse(token, &AllowedAlgorithms::default()).ok()?;
    let header = jws.header();
    if !header.is_of_type(ACCESS_TOKEN_TYPE) {
        return None;
    }
    let keys = JwkSet::parse(&services.keys.jwk_set(now).to_json()).ok()?;
    jws.verify(keys.key(header.key_id.as_deref(), header.algorithm)?.as_ref()).ok()?;
    let claims = Claims::parse(jws.payload()).ok()?;
    let for_caller = claims.audience == Audience::One(resource?.as_str().to_owned());
    let ours = claims.issuer.as_deref() == Some(services.public_url.issuer());
    let begun = claims.not_before.is_none_or(|not_before| not_before <= now);
    let in_time = begun && claims.expires_at.is_some_and(|expires_at| now < expires_at);
    let grant_id = claims.extra.get("grant_id").and_then(|id| id.as_str()).and_then(GrantId::parse)?;
    (for_caller && ours && in_time).then_some((claims, grant_id))
}

/// A well-signed token without a live grant that says the same is inactive.
fn stands_behind(grant: &Grant, claims: &Claims) -> bool {
    grant.state == GrantState::Alive
        && claims.subject.as_deref() == Some(grant.subject.as_str())
        && claims.client_id.as_deref() == Some(grant.client_id.as_str())
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
    client_id: Option<&'a str>,
    sub: Option<&'a str>,
    aud: Option<&'a str>,
    iss: Option<&'a str>,
    exp: Option<i64>,
    iat: Option<i64>,
    jti: Option<&'a str>,
    token_type: &'static str,
}

impl<'a> ActiveToken<'a> {
    fn new(claims: &'a Claims, resource: Option<&'a Resource>) -> Self {
        Self {
            active: true,
            scope: claims.scope.as_deref(),
            client_id: claims.client_id.as_deref(),
            sub: claims.subject.as_deref(),
            aud: resource.map(Resource::as_str),
            iss: claims.issuer.as_deref(),
            exp: claims.expires_at.map(Timestamp::as_second),
            iat: claims.issued_at.map(Timestamp::as_second),
            jti: claims.token_id.as_deref(),
            token_type: "Bearer",
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
