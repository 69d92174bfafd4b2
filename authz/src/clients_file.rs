//! The operator's file of clients (`MCP_AUTH_CLIENTS_FILE`): a JSON array of client metadata (RFC 7591 §2), each with
//! `client_id`, `client_secret` where the method needs one, and `introspects` for a resource server. It is read at each
//! start: what is in it is there, what is not in it any more is gone.

#[cfg(test)]
mod tests;

use crate::{
    domain::{ClientAuthentication, Origin, RegisteredClient},
    protocol::{ClientId, ClientSecret, Resource},
    register::{ClientMetadata, Enrolment, InvalidMetadata, MetadataRules, Registrant},
    services::{Services, Settings},
    store::StoreError,
};
use ring::error::Unspecified;
use serde_json::{Map, Value};
use std::{
    io,
    path::{Path, PathBuf},
};
use verification_keys::json;

/// The clients of the file.
#[derive(Clone, Debug)]
pub struct ClientsFile {
    /// Where it is.
    pub path: PathBuf,
    clients: Vec<ConfiguredClient>,
}

#[derive(Clone, Debug)]
struct ConfiguredClient {
    id: ClientId,
    metadata: ClientMetadata,
    secret: Option<ClientSecret>,
    introspects: Option<Resource>,
}

/// Why the file cannot be used. Never shows a value: there are secrets in it.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClientsFile {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is not a JSON array of objects.
    #[error("is not a JSON array of objects")]
    NotAList,
    /// One of the clients is not right.
    #[error("client {number}: {problem}")]
    Client {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        problem: InvalidClient,
    },
}

/// What is wrong with a client of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClient {
    /// RFC 6749 §2.2.
    #[error("client_id is missing, or not 1 to 256 visible ASCII characters")]
    Id,
    /// An identifier that is a URL would be taken for a metadata document.
    #[error("client_id is a URL, which is for metadata documents")]
    UrlAsId,
    /// Two clients with one identifier.
    #[error("client_id stands twice")]
    DuplicateId,
    /// A member of the metadata.
    #[error("{}", .0.description())]
    Metadata(#[from] InvalidMetadata),
    /// The method needs a secret, or cannot have one; or it is too long.
    #[error("client_secret is missing, too long, or does not go with token_endpoint_auth_method")]
    Secret,
    /// Not a resource.
    #[error("introspects is not an absolute URI")]
    Introspects,
}

/// The clients could not be put in place.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// A client of another origin has the identifier.
    #[error("client_id {0} belongs to a client that is not from this file")]
    IdTaken(ClientId),
}

impl ClientsFile {
    /// Reads the file, and holds it to the settings.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn read(path: &Path, settings: &Settings) -> Result<Self, InvalidClientsFile> {
        let text = std::fs::read(path)?;
        let Ok(Value::Array(entries)) = json::parse(&text) else { return Err(InvalidClientsFile::NotAList) };
        let mut clients: Vec<ConfiguredClient> = Vec::new();
        for (entry, number) in entries.into_iter().zip(1..) {
            let Value::Object(members) = entry else { return Err(InvalidClientsFile::NotAList) };
            let client = ConfiguredClient::read(members, settings)
                .and_then(|client| {
                    let is_taken = clients.iter().any(|other| other.id == client.id);
                    if is_taken { Err(InvalidClient::DuplicateId) } else { Ok(client) }
                })
                .map_err(|problem| InvalidClientsFile::Client { number, problem })?;
            clients.push(client);
        }
        Ok(Self { path: path.to_owned(), clients })
    }
}

impl ConfiguredClient {
    fn read(members: Map<String, Value>, settings: &Settings) -> Result<Self, InvalidClient> {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text("client_id").and_then(|id| ClientId::parse(&id).ok()).ok_or(InvalidClient::Id)?;
        if id.as_str().contains("://") {
            return Err(InvalidClient::UrlAsId);
        }
        let secret = text("client_secret").map(|raw| ClientSecret::presented(raw).ok_or(InvalidClient::Secret));
        let secret = secret.transpose()?;
        let introspects = text("introspects").map(|raw| Resource::parse(&raw)).transpose();
        let introspects = introspects.map_err(|_| InvalidClient::Introspects)?;
        let (scopes, redirects) = (&settings.scopes, &settings.redirects);
        let rules = MetadataRules { registrant: Registrant::Operator, scopes, redirects };
        let metadata = ClientMetadata::from_object(members, &rules)?;
        if metadata.authentication_method.has_secret() != secret.is_some() {
            return Err(InvalidClient::Secret);
        }
        Ok(Self { id, metadata, secret, introspects })
    }
}

/// Puts the clients of `file` into the store, and takes out those of earlier files that are not in it.
///
/// # Errors
/// The store failed, or an identifier is taken.
pub async fn install(services: &Services, file: Option<&ClientsFile>) -> Result<(), InstallError> {
    let clients = file.map(|file| file.clients.as_slice()).unwrap_or_default();
    let ids: Vec<_> = clients.iter().map(|client| client.id.clone()).collect();
    services.store.forget_configured_clients(&ids).await?;
    for ConfiguredClient { id, metadata, secret, introspects } in clients {
        let (metadata, random) = (metadata.clone(), services.random.as_ref());
        let enrolment = Enrolment::new(id.clone(), metadata, Origin::Configuration, random, services.now())?;
        let mut client = RegisteredClient { introspects: introspects.clone(), ..enrolment.client };
        if let (ClientAuthentication::Secret { hash, .. }, Some(secret)) = (&mut client.authentication, secret) {
            *hash = secret.hash();
        }
        if !services.store.put_client(&client).await? {
            return Err(InstallError::IdTaken(id.clone()));
        }
    }
    Ok(())
}
