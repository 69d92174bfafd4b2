//! The JWT bearer grant (RFC 7523 §2.1) with an identity assertion authorization grant (ID-JAG, MCP Enterprise-managed
//! authorization): the organisation's identity provider says that this client may act for this person at one resource.

mod assertion;

pub use assertion::IdJagRejected;

use super::{Asked, Issuance, TokenError};
use crate::{
    client_authentication::AuthenticatedClient,
    domain::{ClientAuthentication, Grant, GrantId, GrantState, SingleUse, SingleUseHash, Subject},
    protocol::Parameters,
    services::Services,
};
use assertion::Assertion;

/// Takes an assertion, once.
///
/// # Errors
/// The first rule that it breaks; only one that keeps all of them is used up. There is no refresh token: the identity
/// provider is asked again.
pub(super) async fn grant(
    services: &Services,
    client: &AuthenticatedClient,
    parameters: &Parameters,
) -> Result<Issuance, TokenError> {
    if services.assertion_issuers.is_empty() {
        return Err(TokenError::UnsupportedGrantType);
    }
    if client.registration().authentication == ClientAuthentication::Public {
        return Err(TokenError::PublicClient);
    }
    let raw = parameters.once("assertion")?.ok_or(TokenError::Missing("assertion"))?;
    let assertion = Assertion::verify(services, client, raw).await?;
    let Asked { resource, scope } = assertion.narrow(services, client, parameters)?;
    let now = services.now();
    let candidate = Grant {
        id: GrantId::generate(services.random.as_ref())?,
        subject: Subject::asserted(&assertion.issuer, &assertion.subject),
        client_id: client.id().clone(),
        scope: scope.clone(),
        resource,
        authentication: None,
        created_at: now,
        state: GrantState::Alive,
    };
    let grant = services.store.direct_grant(&candidate).await?;
    let id = SingleUseHash::of(&assertion.issuer, &assertion.id);
    if !services.store.use_once(SingleUse::AuthorizationGrant, &id, assertion.useless_at, now).await? {
        tracing::warn!(client_id = %client.id(), issuer = assertion.issuer, "assertion replayed");
        return Err(IdJagRejected::Replayed.into());
    }
    Ok(Issuance { grant, scope, refresh_token: None, sign_in: None })
}

#[cfg(test)]
mod tests;
