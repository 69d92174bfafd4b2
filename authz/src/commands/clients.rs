//! `authz clients`: the clients that the server knows, however they came to it.

mod add;
mod registration_token;
mod show;
#[cfg(test)]
mod tests;

pub use add::NewClient;
pub use registration_token::RegistrationTokenCommand;

use super::{CommandError, Means};
use crate::{
    domain::{ClientStanding, Origin, RegisteredClient},
    protocol::ClientId,
    register::InvalidMetadata,
    store::{ClientStore as _, SqlStore},
};
use clap::Subcommand;
use std::path::PathBuf;

/// What to do about clients.
#[derive(Clone, Debug, Subcommand)]
pub enum ClientsCommand {
    /// List every client: id, standing, how it came to be known, name
    List,
    /// Show everything about one client, but for its secret, which is not kept
    Show {
        /// The id of the client
        id: String,
    },
    /// Add a client, and print the secret that it gets
    Add(Box<NewClient>),
    /// Let a client that registered itself do what it is registered for; or switch one on again
    Approve {
        /// The id of the client
        id: String,
    },
    /// Switch a client off: its tokens are dead, nobody can sign in to it; `approve` switches it on again
    Disable {
        /// The id of the client
        id: String,
    },
    /// Remove a client with everything that it was given
    Delete {
        /// The id of the client
        id: String,
    },
    /// The tokens that allow to register a client without approval
    #[command(subcommand)]
    RegistrationToken(RegistrationTokenCommand),
}

/// What was asked about a client cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ClientsError {
    /// Nobody has this id.
    #[error("there is no client {0:?}; `authz clients list` shows those that there are")]
    Unknown(String),
    /// The id cannot be one.
    #[error("{0:?} cannot be a client id; use 1 to 256 visible ASCII characters, and no URL")]
    Id(String),
    /// Somebody has the id.
    #[error("there is a client {0} already; delete it first, or choose another id")]
    IdTaken(ClientId),
    /// What it is to be breaks a rule.
    #[error("the client cannot be like that: {}", .0.description())]
    Metadata(#[from] InvalidMetadata),
    /// The file of keys cannot be read.
    #[error("{} cannot be read", .0.display())]
    KeyFile(PathBuf, #[source] std::io::Error),
    /// Not one of the resources.
    #[error("{0:?} is not a resource of this server; `authz resources list` shows those that there are")]
    Resource(String),
    /// It comes back with the next start.
    #[error("the client {0} is in {1}, which brings it back at the next start; change it there")]
    FromElsewhere(ClientId, &'static str),
    /// The name cannot be that of a token.
    #[error("{0:?} cannot be a name; use 1 to 64 letters, digits, dots, hyphens and underscores")]
    TokenName(String),
    /// There is a token of this name.
    #[error("there is a registration token {0:?} already")]
    TokenNameTaken(String),
    /// There is no token of this name.
    #[error("there is no registration token {0:?}; `authz clients registration-token list` shows those that there are")]
    UnknownToken(String),
}

/// Does what `command` says and returns what to print.
///
/// # Errors
/// It was not done.
pub async fn run(command: ClientsCommand, means: &Means) -> Result<String, CommandError> {
    let store = means.store().await?;
    match command {
        ClientsCommand::List => Ok(store.clients().await?.iter().map(show::line).collect()),
        ClientsCommand::Show { id } => Ok(show::sheet(&find(&store, &id).await?)),
        ClientsCommand::Add(new) => add::run(*new, &store, means).await,
        ClientsCommand::Approve { id } => stand(&store, &id, ClientStanding::Active, means).await,
        ClientsCommand::Disable { id } => stand(&store, &id, ClientStanding::Disabled, means).await,
        ClientsCommand::Delete { id } => delete(&store, &id).await,
        ClientsCommand::RegistrationToken(command) => registration_token::run(command, &store, means).await,
    }
}

async fn find(store: &SqlStore, id: &str) -> Result<RegisteredClient, CommandError> {
    let unknown = || ClientsError::Unknown(id.to_owned());
    let parsed = ClientId::parse(id).map_err(|_| unknown())?;
    Ok(store.client(&parsed).await?.ok_or_else(unknown)?)
}

async fn stand(store: &SqlStore, id: &str, standing: ClientStanding, means: &Means) -> Result<String, CommandError> {
    let client = find(store, id).await?;
    if !store.set_client_standing(&client.id, standing, means.clock.now()).await? {
        return Err(ClientsError::Unknown(id.to_owned()).into());
    }
    Ok(format!("{} is {}\n", client.id, standing.as_str()))
}

async fn delete(store: &SqlStore, id: &str) -> Result<String, CommandError> {
    let client = find(store, id).await?;
    match client.origin {
        Origin::Configuration => return Err(ClientsError::FromElsewhere(client.id, "MCP_AUTH_CLIENTS_FILE").into()),
        Origin::Demo => return Err(ClientsError::FromElsewhere(client.id, "the demo set (MCP_AUTH_DEMO)").into()),
        Origin::Operator | Origin::SelfRegistered | Origin::MetadataDocument => {}
    }
    if !store.delete_client(&client.id).await? {
        return Err(ClientsError::Unknown(id.to_owned()).into());
    }
    Ok(format!("{} is gone\n", client.id))
}
