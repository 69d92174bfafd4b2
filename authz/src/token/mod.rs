//! `POST /oauth2/token` (RFC 6749 §3.2, OAuth 2.1 §3.2): one pipeline for every grant, so that none can leave out a
//! step: authenticate the client, parse the grant, load, decide, commit, respond.

mod asked;
mod authorization_code;
mod client_credentials;
mod device_code;
mod error;
mod id_jag;
mod issue;
mod own_access_token;
mod refresh_token;
#[cfg(test)]
mod tests;

pub(crate) use asked::Asked;
pub use authorization_code::CodeRejected;
pub use device_code::DeviceRejected;
pub use error::TokenError;
pub use id_jag::IdJagRejected;
pub use issue::{ACCESS_TOKEN_TYPE, TokenResponse};
pub use own_access_token::OwnAccessToken;
pub use refresh_token::RefreshRejected;

use crate::{
    client_authentication::{AuthenticatedClient, authenticate},
    domain::Grant,
    form::{Form, NotAForm},
    protocol::{GrantType, Parameters},
    services::Services,
};
use authorization_code::CodeExchange;
use axum::extract::State;
use device_code::DeviceRequest;
use issue::Issuance;
use refresh_token::RefreshRequest;
use std::sync::Arc;

/// Handles a token request.
///
/// # Errors
/// The request is refused, or something broke; nothing was issued.
pub async fn post(
    State(services): State<Arc<Services>>,
    form: Result<Form, NotAForm>,
) -> Result<TokenResponse, TokenError> {
    let form = form?;
    let client = authenticate(&services, &form).await?;
    let grant_type = allowed_grant_type(&client, &form.parameters)?;
    let issuance = redeem(&services, &client, grant_type, &form.parameters).await?;
    form.notes.subject(&issuance.grant.subject);
    form.notes.target(&issuance.grant.resource, &issuance.scope);
    let response = issue::issue(&services, &issuance, services.now())?;
    let Issuance { grant: Grant { subject, id, .. }, .. } = &issuance;
    let (client_id, grant_id, grant_type) = (client.id(), id.as_str(), grant_type.as_str());
    tracing::info!(%client_id, %subject, grant_id, grant_type, "token issued");
    Ok(response)
}

/// Every grant parses, loads, decides and commits; what it comes to is issued in one place.
async fn redeem(
    services: &Services,
    client: &AuthenticatedClient,
    grant_type: GrantType,
    parameters: &Parameters,
) -> Result<Issuance, TokenError> {
    match grant_type {
        GrantType::AuthorizationCode => {
            authorization_code::redeem(services, client, &CodeExchange::parse(parameters)?).await
        }
        GrantType::RefreshToken => refresh_token::refresh(services, client, &RefreshRequest::parse(parameters)?).await,
        GrantType::ClientCredentials => client_credentials::grant(services, client, parameters).await,
        GrantType::JwtBearer => id_jag::grant(services, client, parameters).await,
        GrantType::DeviceCode => device_code::poll(services, client, &DeviceRequest::parse(parameters)?).await,
    }
}

fn allowed_grant_type(client: &AuthenticatedClient, parameters: &Parameters) -> Result<GrantType, TokenError> {
    let word = parameters.once("grant_type")?.ok_or(TokenError::Missing("grant_type"))?;
    let grant_type = GrantType::parse(word).map_err(|_| TokenError::UnsupportedGrantType)?;
    let allowed = client.registration().grant_types.contains(&grant_type);
    if allowed { Ok(grant_type) } else { Err(TokenError::GrantTypeNotAllowed) }
}
