//! `POST /register` (RFC 7591): a client registers itself. What it says about itself is unverified. [`manage`] is what
//! it may do about its registration afterwards.

mod enrolment;
mod error;
mod information;
pub mod manage;
mod metadata;
#[cfg(test)]
mod tests;

pub use enrolment::Enrolment;
pub use error::RegisterError;
pub use metadata::{ClientMetadata, InvalidMetadata, MetadataRules, Registrant};

use crate::{
    bearer,
    domain::{ClientStanding, InitialAccessToken, Origin, RegisteredClient, RegistrationAccessToken},
    form,
    services::{Registration, Services},
};
use axum::{body::Bytes, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use information::ClientInformation;
use std::sync::Arc;

/// Handles a registration request.
///
/// # Errors
/// The metadata breaks a rule, not everybody may register, or something broke; nothing was registered.
pub async fn post(
    State(services): State<Arc<Services>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, RegisterError> {
    let standing = admission(&services, &headers).await?;
    if !form::has_media_type(&headers, "application/json") {
        return Err(RegisterError::NotJson);
    }
    let (scopes, redirects) = (&services.registration_scopes(), &services.settings.redirects);
    let rules = MetadataRules { registrant: Registrant::Itself, scopes, redirects };
    let metadata = ClientMetadata::parse(&body, &rules)?;
    let random = services.random.as_ref();
    let id = enrolment::new_client_id(random)?;
    let Enrolment { client, secret } = Enrolment::new(id, metadata, Origin::SelfRegistered, random, services.now())?;
    let access_token = RegistrationAccessToken::generate(random)?;
    let client = RegisteredClient { standing, registration_access: Some(access_token.hash()), ..client };
    services.store.add_client(&client).await?;
    tracing::info!(client_id = %client.id, standing = standing.as_str(), "client registered");
    let information = ClientInformation { client: &client, secret: secret.as_ref(), access_token: &access_token };
    Ok(information.respond(StatusCode::CREATED, &services.public_url))
}

/// RFC 7591 §3: whether this request may register a client, and what the client may do then. An initial access token
/// stands for the operator's approval.
async fn admission(services: &Services, headers: &HeaderMap) -> Result<ClientStanding, RegisterError> {
    let presented = bearer::token(headers).map_err(|_| RegisterError::TokenInvalid)?;
    let Some(presented) = presented else {
        return match services.settings.registration {
            Registration::Open => Ok(ClientStanding::Active),
            Registration::Approval => Ok(ClientStanding::AwaitingApproval),
            // Off: the route does not exist.
            Registration::Token | Registration::Off => Err(RegisterError::TokenMissing),
        };
    };
    let token = InitialAccessToken::parse(presented).ok_or(RegisterError::TokenInvalid)?;
    let known = services.store.initial_access(&token.hash(), services.now()).await?;
    let known = known.ok_or(RegisterError::TokenInvalid)?;
    tracing::info!(token = %known.name, "initial access token used");
    Ok(ClientStanding::Active)
}
