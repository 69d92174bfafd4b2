//! What the operator does beside the running server: `authz NOUN VERB`, with the settings of the server, on the same
//! database and keys. One file per noun.

pub mod clients;
pub mod keys;
pub mod resources;
pub mod users;

use crate::{
    config::Config,
    services::invalid_database,
    store::{SqlStore, StoreError},
};
use clap::Subcommand;
use ring::{error::Unspecified, rand::SecureRandom};
use serving::settings::InvalidSetting;
use std::{io, sync::Arc};
use verification_keys::Clock;

/// What to do instead of serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// The people who can sign in
    #[command(subcommand)]
    Users(users::UsersCommand),
    /// The clients that this server knows
    #[command(subcommand)]
    Clients(clients::ClientsCommand),
    /// The resource servers that tokens can be for
    #[command(subcommand)]
    Resources(resources::ResourcesCommand),
    /// The keys that sign tokens
    #[command(subcommand)]
    Keys(keys::KeysCommand),
}

/// What a command works with.
pub struct Means {
    /// The settings, as the server has them.
    pub config: Config,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
    /// Asks for a password, with this prompt where somebody sits at a terminal.
    pub ask_password: fn(&str) -> io::Result<String>,
}

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// A setting names something that cannot be used.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// What was asked about a client cannot be done.
    #[error(transparent)]
    Clients(#[from] clients::ClientsError),
    /// What was asked about a person cannot be done.
    #[error(transparent)]
    Users(#[from] users::UsersError),
    /// What was asked about a resource server cannot be done.
    #[error(transparent)]
    Resources(#[from] resources::ResourcesError),
    /// What was asked about keys cannot be done.
    #[error(transparent)]
    Keys(#[from] keys::KeysError),
}

/// Does what `command` says and returns what to print, which ends with a line break.
///
/// # Errors
/// It was not done; the error says what to do about it.
pub async fn run(command: Command, means: &Means) -> Result<String, CommandError> {
    match command {
        Command::Users(command) => users::run(command, means).await,
        Command::Clients(command) => clients::run(command, means).await,
        Command::Resources(command) => resources::run(command, means).await,
        Command::Keys(command) => keys::run(&command, means),
    }
}

impl Means {
    /// Opens the database of the settings.
    ///
    /// # Errors
    /// It does not open; the setting to change is named.
    pub async fn store(&self) -> Result<SqlStore, CommandError> {
        let store = SqlStore::open(&self.config.database_url).await;
        store.map_err(|error| CommandError::Setting(invalid_database(&error)))
    }
}
