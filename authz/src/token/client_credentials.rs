//! The client credentials grant (RFC 6749 §4.4): a confidential client acts for itself. Its tokens share one grant for
//! each resource, so that issuing writes nothing and revoking is one statement.

use super::{Issuance, TokenError, asked::Asked};
use crate::{
    client_authentication::AuthenticatedClient,
    domain::{ClientAuthentication, Grant, GrantId, GrantState, Subject},
    protocol::Parameters,
    services::Services,
};

/// Finds the grant of the client, or makes it.
///
/// # Errors
/// The client is public, or asks for what it may not have. RFC 6749 §4.4.3: there is no refresh token.
pub(super) async fn grant(
    services: &Services,
    client: &AuthenticatedClient,
    parameters: &Parameters,
) -> Result<Issuance, TokenError> {
    // RFC 6749 §4.4: MUST only be used by confidential clients.
    if client.registration().authentication == ClientAuthentication::Public {
        return Err(TokenError::PublicClient);
    }
    let Asked { resource, scope } = Asked::parse(services, client, parameters)?;
    let candidate = Grant {
        id: GrantId::generate(services.random.as_ref())?,
        subject: Subject::of_client(client.id()),
        client_id: client.id().clone(),
        scope: scope.clone(),
        resource,
        authentication: None,
        created_at: services.now(),
        state: GrantState::Alive,
    };
    let grant = services.store.direct_grant(&candidate).await?;
    Ok(Issuance { grant, scope, refresh_token: None, sign_in: None })
}

#[cfg(test)]
mod tests;
