//! What the endpoints share: the state of the router.

use crate::{
    login::passwords::PasswordPool,
    protocol::{Resource, Scope},
    public_url::PublicUrl,
    store::Store,
};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SecureRandom;
use signing_keys::SigningKeys;
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

impl Services {
    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
