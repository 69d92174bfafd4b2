//! Families of refresh tokens.

use super::StoreError;
use crate::domain::{FamilyHash, RefreshFamily, Refreshing, Rotation};
use async_trait::async_trait;
use jiff::Timestamp;

/// Families of refresh tokens.
#[async_trait]
pub trait RefreshStore {
    /// The family with this id, whatever became of its grant.
    async fn refresh_family(&self, id: &FamilyHash) -> Result<Option<RefreshFamily>, StoreError>;

    /// Replaces a refresh token by the next one of its family, by one conditional update. If it is reused
    /// ([`RefreshFamily::judge`]), the grant is revoked in the same transaction.
    async fn rotate(&self, refreshing: &Refreshing, now: Timestamp) -> Result<Rotation, StoreError>;
}
