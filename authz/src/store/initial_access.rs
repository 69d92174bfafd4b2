//! Initial access tokens.

use super::StoreError;
use crate::domain::{InitialAccess, InitialAccessHash, TokenName};
use async_trait::async_trait;
use jiff::Timestamp;

/// Initial access tokens (RFC 7591 §1.2).
#[async_trait]
pub trait InitialAccessStore {
    /// Adds one. Says whether its name was free; if not, nothing changed.
    async fn add_initial_access(&self, token: &InitialAccess) -> Result<bool, StoreError>;

    /// The one with this hash, unless its time is over.
    async fn initial_access(
        &self,
        hash: &InitialAccessHash,
        now: Timestamp,
    ) -> Result<Option<InitialAccess>, StoreError>;

    /// Every one, by name.
    async fn initial_accesses(&self) -> Result<Vec<InitialAccess>, StoreError>;

    /// Removes the one of this name. Says whether there was one.
    async fn remove_initial_access(&self, name: &TokenName) -> Result<bool, StoreError>;
}
