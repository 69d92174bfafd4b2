//! What the endpoints share: the state of the router.

use crate::{
    config::Config,
    demo::{self, DemoError},
    login::passwords::{PasswordError, PasswordLimits, PasswordPool},
    protocol::{Resource, Scope},
    public_url::PublicUrl,
    store::{SqlStore, Store, StoreError},
};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SecureRandom;
use signing_keys::{KeyDirectoryError, SigningKeys};
use std::sync::Arc;
use verification_keys::Clock;

/// What the endpoints share. Handlers take `State<Arc<Services>>`.
pub struct Services {
    /// The issuer, and the address of every page and endpoint.
    pub public_url: PublicUrl,
    /// The settings that endpoints read.
    pub settings: Settings,
    /// People, clients, sessions, codes, grants.
    pub store: Arc<dyn Store>,
    /// Our signing keys.
    pub keys: Arc<SigningKeys>,
    /// The bounded pool that checks passwords.
    pub passwords: PasswordPool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
}

/// Why the state could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database.
    #[error("MCP_AUTH_DATABASE_URL cannot be opened: {0}")]
    Store(#[from] StoreError),
    /// The keys.
    #[error("MCP_AUTH_KEY_DIR cannot be used: {0}")]
    Keys(#[from] KeyDirectoryError),
    /// The password pool.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// The demo set.
    #[error(transparent)]
    Demo(#[from] DemoError),
}

/// The settings that endpoints read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The resources that tokens can be for; never empty.
    pub resources: Vec<Resource>,
    /// The scopes that there are; also the default of a client that names none.
    pub scopes: Scope,
    /// How long an access token lives.
    pub access_token_ttl: SignedDuration,
    /// Whether clients may register themselves.
    pub registration: Registration,
}

/// Who may register a client (RFC 7591 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anybody who reaches the endpoint.
    Open,
    /// Nobody: the endpoint does not exist.
    Off,
}

impl Registration {
    /// The word in the settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Off => "off",
        }
    }
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
        let services = Arc::new(Self {
            public_url: config.public_url.clone(),
            settings: config.settings.clone(),
            store: Arc::new(SqlStore::open(&config.database_url).await?),
            keys: Arc::new(SigningKeys::open(&config.key_dir, &config.key_policy, now)?),
            passwords: PasswordPool::new(PasswordLimits::of_this_machine(), random.as_ref())?,
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
        demo::install(&services, config.demo.as_ref()).await?;
        Ok(services)
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
