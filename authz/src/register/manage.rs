//! `GET|PUT|DELETE /register/{client_id}` (RFC 7592): a client that registered itself reads, replaces or deletes its
//! registration, with the registration access token that it was given.

use super::{
    ClientMetadata, InvalidMetadata, MetadataRules, RegisterError, Registrant, enrolment,
    information::ClientInformation,
};
use crate::{
    bearer,
    domain::{ClientAuthentication, ClientStanding, RegisteredClient, RegistrationAccessToken},
    form,
    protocol::{ClientId, ClientSecret},
    services::{Registration, Services},
};
use axum::{
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use ring::{error::Unspecified, rand::SecureRandom};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What RFC 7592 §2.2 forbids a client to send back.
const CHOSEN_BY_THE_SERVER: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

/// Shows the registration.
///
/// # Errors
/// The token is not this client's.
pub async fn get(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RegisterError> {
    let (client, access_token) = authorized(&services, &id, &headers).await?;
    let information = ClientInformation { client: &client, secret: None, access_token: &access_token };
    Ok(information.respond(StatusCode::OK, &services.public_url))
}

/// Replaces the whole registration: what is left out gets its default. Where the operator approves clients, changed
/// metadata has to be approved again.
///
/// # Errors
/// The token is not this client's, or the metadata breaks a rule; nothing changed.
pub async fn put(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, RegisterError> {
    let (client, access_token) = authorized(&services, &id, &headers).await?;
    if !form::has_media_type(&headers, "application/json") {
        return Err(RegisterError::NotJson);
    }
    let object = ClientMetadata::object(&body)?;
    check_own(&object, &client)?;
    let (scopes, redirects) = (&services.registration_scopes(), &services.settings.redirects);
    let rules = MetadataRules { registrant: Registrant::Itself, scopes, redirects };
    let metadata = ClientMetadata::from_object(object, &rules)?;
    let (replaced, secret) = replaced(&client, metadata, &services)?;
    if !services.store.replace_client(&replaced, services.now()).await? {
        return Err(RegisterError::TokenInvalid);
    }
    tracing::info!(client_id = %replaced.id, standing = replaced.standing.as_str(), "client registration replaced");
    let information = ClientInformation { client: &replaced, secret: secret.as_ref(), access_token: &access_token };
    Ok(information.respond(StatusCode::OK, &services.public_url))
}

/// Deletes the client with everything that it was given.
///
/// # Errors
/// The token is not this client's.
pub async fn delete(
    State(services): State<Arc<Services>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, RegisterError> {
    let (client, _) = authorized(&services, &id, &headers).await?;
    services.store.delete_client(&client.id).await?;
    tracing::info!(client_id = %client.id, "client registration deleted");
    Ok((StatusCode::NO_CONTENT, [(http::header::CACHE_CONTROL, "no-store")]).into_response())
}

/// The client at this address, if the token is its own. RFC 7592 §2: whether it exists is not told to others.
async fn authorized(
    services: &Services,
    id: &str,
    headers: &HeaderMap,
) -> Result<(RegisteredClient, RegistrationAccessToken), RegisterError> {
    let token = bearer::token(headers).map_err(|_| RegisterError::TokenInvalid)?.ok_or(RegisterError::TokenMissing)?;
    let token = RegistrationAccessToken::parse(token).ok_or(RegisterError::TokenInvalid)?;
    let id = ClientId::parse(id).map_err(|_| RegisterError::TokenInvalid)?;
    let client = services.store.client(&id).await?.ok_or(RegisterError::TokenInvalid)?;
    if !client.registration_access.as_ref().is_some_and(|hash| hash.matches(&token)) {
        return Err(RegisterError::TokenInvalid);
    }
    if client.standing == ClientStanding::Disabled {
        return Err(RegisterError::Disabled);
    }
    Ok((client, token))
}

fn check_own(object: &Map<String, Value>, client: &RegisteredClient) -> Result<(), InvalidMetadata> {
    let named = object.get("client_id").and_then(Value::as_str) == Some(client.id.as_str());
    let chosen = CHOSEN_BY_THE_SERVER.iter().any(|name| object.contains_key(*name));
    if named && !chosen && is_own_secret(object.get("client_secret"), client) {
        Ok(())
    } else {
        Err(InvalidMetadata::NotItsOwn)
    }
}

/// RFC 7592 §2.2: a client MUST NOT choose its own secret; sending back the one it has is fine.
fn is_own_secret(sent: Option<&Value>, client: &RegisteredClient) -> bool {
    let Some(sent) = sent else { return true };
    let ClientAuthentication::Secret { hash, .. } = &client.authentication else { return false };
    let secret = sent.as_str().map(str::to_owned).and_then(ClientSecret::presented);
    secret.is_some_and(|secret| hash.matches(&secret))
}

fn replaced(
    client: &RegisteredClient,
    metadata: ClientMetadata,
    services: &Services,
) -> Result<(RegisteredClient, Option<ClientSecret>), Unspecified> {
    let (authentication, secret) = credentials(client, &metadata, services.random.as_ref())?;
    let mut replaced = RegisteredClient {
        name: metadata.name,
        uri: metadata.uri,
        authentication,
        redirect_uris: metadata.redirect_uris,
        grant_types: metadata.grant_types,
        scope: metadata.scope,
        application_type: metadata.application_type,
        ..client.clone()
    };
    // What was approved is not there any more.
    if services.settings.registration == Registration::Approval && replaced != *client {
        replaced.standing = ClientStanding::AwaitingApproval;
    }
    Ok((replaced, secret))
}

/// A secret goes on for as long as the method is one with a secret.
fn credentials(
    client: &RegisteredClient,
    metadata: &ClientMetadata,
    random: &dyn SecureRandom,
) -> Result<(ClientAuthentication, Option<ClientSecret>), Unspecified> {
    let (authentication, secret) = enrolment::credentials(metadata, random)?;
    match (&client.authentication, authentication) {
        (ClientAuthentication::Secret { hash, .. }, ClientAuthentication::Secret { methods, .. }) => {
            Ok((ClientAuthentication::Secret { hash: hash.clone(), methods }, None))
        }
        (_, authentication) => Ok((authentication, secret)),
    }
}
