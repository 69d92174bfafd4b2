//! What the endpoints share: the state of the router.

use crate::{
    assertion_issuers::AssertionIssuers,
    client_authentication::ClientKeySets,
    client_metadata_documents::ClientMetadataDocuments,
    clients_file::{self, InstallError},
    config::Config,
    demo::{self, DemoError},
    login::{
        Attempts,
        passwords::{PasswordError, PasswordLimits, PasswordPool},
    },
    operations::Operations,
    outgoing::{Outgoing, SystemResolver},
    protocol::{RedirectRules, Scope},
    public_url::PublicUrl,
    resources::ServedResources,
    store::{SqlStore, Store, StoreError},
};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SecureRandom;
use serving::settings::InvalidSetting;
use signing_keys::{KeyDirectoryError, SigningKeys};
use std::{error::Error, sync::Arc};
use verification_keys::{
    Clock,
    http::{self, ClientError},
};

/// What the endpoints share. Handlers take `State<Arc<Services>>`.
pub struct Services {
    /// The issuer, and the address of every page and endpoint.
    pub public_url: PublicUrl,
    /// The settings that endpoints read.
    pub settings: Settings,
    /// The resources that tokens can be for.
    pub resources: ServedResources,
    /// People, clients, sessions, codes, grants.
    pub store: Arc<dyn Store>,
    /// Issuers whose word about a person is taken for a token.
    pub assertion_issuers: AssertionIssuers,
    /// Our signing keys.
    pub keys: Arc<SigningKeys>,
    /// Calls to addresses that clients named.
    pub outgoing: Outgoing,
    /// The keys of clients that prove themselves by signatures.
    pub client_keys: ClientKeySets,
    /// Which metadata documents of clients were fetched.
    pub documents: ClientMetadataDocuments,
    /// The bounded pool that checks passwords.
    pub passwords: PasswordPool,
    /// Who typed wrong passwords.
    pub attempts: Attempts,
    /// Rate limits, metrics, the audit log.
    pub operations: Operations,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
}

/// Why the state could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error("MCP_AUTH_DATABASE_URL cannot be opened")]
    Store(#[from] StoreError),
    /// The keys.
    #[error("MCP_AUTH_KEY_DIR cannot be used")]
    Keys(#[from] KeyDirectoryError),
    /// Outgoing calls.
    #[error("MCP_CA_CERT cannot be used")]
    Outgoing(#[from] ClientError),
    /// The password pool.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// The demo set.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The file of clients.
    #[error("MCP_AUTH_CLIENTS_FILE cannot be used")]
    Clients(#[from] InstallError),
    /// The audit log.
    #[error(transparent)]
    Operations(#[from] InvalidSetting),
}

/// The settings that endpoints read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The scopes of the resources of the settings; the demo client has them.
    pub scopes: Scope,
    /// How long an access token lives.
    pub access_token_ttl: SignedDuration,
    /// How long a refresh token lives; every use replaces it.
    pub refresh_token_ttl: SignedDuration,
    /// For how long a refresh token that was just replaced is taken for a retry, and not for a thief.
    pub refresh_grace: SignedDuration,
    /// Whether clients may register themselves.
    pub registration: Registration,
    /// The scopes that a client may have that registered itself; `None` for all.
    pub registration_scopes: Option<Scope>,
    /// How long a client that registered itself is kept without being let in by anybody.
    pub unused_client_lifetime: SignedDuration,
    /// Which redirect URIs there may be beside https and loopback.
    pub redirects: RedirectRules,
    /// Whether people may make accounts for themselves.
    pub signup: bool,
    /// Whether tokens with a flaw are handed out, to show what then happens: with the demo set, on loopback.
    pub demonstrations: bool,
}

/// Who may register a client (RFC 7591 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anybody who reaches the endpoint.
    Open,
    /// Anybody; the client can do nothing until the operator approves it.
    Approval,
    /// Whoever has an initial access token.
    Token,
    /// Nobody: the endpoint does not exist.
    Off,
}

impl Registration {
    /// The word in the settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approval => "approval",
            Self::Token => "token",
            Self::Off => "off",
        }
    }
}

impl OpenError {
    /// The setting to change, if it is one.
    #[must_use]
    pub fn as_invalid_setting(&self) -> Option<InvalidSetting> {
        match self {
            Self::Store(error) => Some(invalid_database(error)),
            Self::Outgoing(error) => {
                Some(InvalidSetting::new("MCP_CA_CERT", error.to_string(), "name a file of PEM certificates"))
            }
            Self::Keys(error) => Some(InvalidSetting::new("MCP_AUTH_KEY_DIR", error.to_string(), error.fix())),
            Self::Operations(problem) => Some(problem.clone()),
            Self::Clients(error @ InstallError::IdTaken(_)) => {
                let fix = "give it another client_id, or remove the other one: authz clients delete ID";
                Some(InvalidSetting::new("MCP_AUTH_CLIENTS_FILE", error.to_string(), fix))
            }
            Self::Passwords(_) | Self::Demo(_) | Self::Clients(_) => None,
        }
    }
}

/// A database that does not open, as the setting that names it.
#[must_use]
pub fn invalid_database(error: &StoreError) -> InvalidSetting {
    let fix =
        "name a file that this user can read and write, or a PostgreSQL database that answers, of this program alone";
    InvalidSetting::new("MCP_AUTH_DATABASE_URL", with_causes(error), fix)
}

/// The words of an error and of what is behind it, as far as they say something new.
fn with_causes(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

impl Services {
    /// Opens the state of a process: database, keys, demo set.
    ///
    /// # Errors
    /// Says what could not be opened.
    pub async fn open(
        config: &Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom + Send + Sync>,
    ) -> Result<Arc<Self>, OpenError> {
        let now = clock.now();
        let client = http::client(&config.outgoing)?;
        let outgoing = Outgoing::new(&config.outgoing, Arc::new(SystemResolver), config.callable)?;
        let services = Arc::new(Self {
            assertion_issuers: AssertionIssuers::new(&config.assertion_issuers, &client, &clock),
            public_url: config.public_url.clone(),
            settings: config.settings.clone(),
            resources: ServedResources::new(config.resources.clone()),
            store: Arc::new(SqlStore::open(&config.database_url).await?),
            keys: Arc::new(SigningKeys::open(&config.key_dir, &config.key_policy, now)?),
            passwords: PasswordPool::new(PasswordLimits::of_this_machine(), random.as_ref())?,
            attempts: Attempts::default(),
            operations: Operations::open(&config.operations, &clock)?,
            client_keys: ClientKeySets::new(outgoing.clone(), clock.clone()),
            documents: ClientMetadataDocuments::default(),
            outgoing,
            clock,
            random,
        });
        match &config.demo {
            None => tracing::warn!("the demo set is off: only people who are in the database can sign in"),
            Some(_) if !config.public_url.is_loopback() => {
                tracing::warn!("the demo set is on, and everybody who reaches this server knows its secrets");
            }
            Some(_) => {}
        }
        services.resources.reload(services.store.as_ref()).await?;
        demo::install(&services, config.demo.as_ref(), config.callable.includes_loopback()).await?;
        clients_file::install(&services, config.clients.as_ref()).await?;
        Ok(services)
    }

    /// The scopes that a client may have that registers itself.
    #[must_use]
    pub fn registration_scopes(&self) -> Scope {
        let known = self.resources.current().scopes();
        self.settings.registration_scopes.as_ref().map_or(known.clone(), |chosen| known.intersection(chosen))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_key_folder_that_others_may_read_is_told_with_the_line_that_repairs_it() {
        let error = OpenError::from(KeyDirectoryError::Permissions(vec![PathBuf::from("keys/x.pem")]));
        let told = error.as_invalid_setting().unwrap().to_string();
        assert_eq!(told, "MCP_AUTH_KEY_DIR: others may read keys/x.pem. Fix: run: chmod 600 'keys/x.pem'.");
    }

    #[test]
    fn a_database_that_does_not_open_is_told_with_its_cause_once() {
        let error = OpenError::from(StoreError::Folder(std::io::Error::other("no space left")));
        let told = error.as_invalid_setting().unwrap();
        assert_eq!(told.name, "MCP_AUTH_DATABASE_URL");
        assert_eq!(told.problem, "the database file could not be made: no space left");
    }
}
