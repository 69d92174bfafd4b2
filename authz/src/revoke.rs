//! `POST /revoke` (RFC 7009): a client gives back a token of its own. A refresh token takes its grant with it, and so
//! every token under the grant; an access token goes alone. What is no token of ours is gone already.

#[cfg(test)]
mod tests;

use crate::{
    client_authentication::{AuthenticatedClient, authenticate},
    domain::RefreshToken,
    form::{Form, NotAForm},
    protocol::ClientId,
    services::Services,
    token::{OwnAccessToken, TokenError},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use std::sync::Arc;

/// Handles a revocation request. The hint is not needed: our tokens tell apart by themselves (RFC 7009 §2.1: a server
/// MAY ignore it, and MUST look further if it is wrong).
///
/// # Errors
/// The client is not known, the token is another client's, or something broke. Nothing was revoked.
pub async fn post(State(services): State<Arc<Services>>, form: Result<Form, NotAForm>) -> Result<Response, TokenError> {
    let form = form?;
    let client = authenticate(&services, &form).await?;
    let token = form.parameters.once("token")?.ok_or(TokenError::Missing("token"))?;
    if let Some(token) = RefreshToken::parse(token) {
        revoke_family(&services, &client, &token).await?;
    } else if let Some(token) = OwnAccessToken::verify(&services, token) {
        revoke_access_token(&services, &client, &token).await?;
    }
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response())
}

async fn revoke_family(
    services: &Services,
    client: &AuthenticatedClient,
    token: &RefreshToken,
) -> Result<(), TokenError> {
    let Some(family) = services.store.refresh_family(&token.family()).await? else { return Ok(()) };
    check_owner(client, Some(&family.grant.client_id))?;
    services.store.revoke_grant(&family.grant.id, services.now()).await?;
    tracing::info!(client_id = %client.id(), grant_id = family.grant.id.as_str(), "grant revoked by its client");
    Ok(())
}

async fn revoke_access_token(
    services: &Services,
    client: &AuthenticatedClient,
    token: &OwnAccessToken,
) -> Result<(), TokenError> {
    let owner = token.claims.client_id.as_deref().and_then(|id| ClientId::parse(id).ok());
    check_owner(client, owner.as_ref())?;
    services.store.revoke_token(&token.id, token.expires_at).await?;
    tracing::info!(client_id = %client.id(), token_id = token.id.as_str(), "access token revoked by its client");
    Ok(())
}

/// RFC 7009 §2.1: a token that was not issued to the client making the request is not revoked, and the client is told.
fn check_owner(client: &AuthenticatedClient, owner: Option<&ClientId>) -> Result<(), TokenError> {
    if owner == Some(client.id()) { Ok(()) } else { Err(TokenError::ForeignToken) }
}
