//! Grants: what a person, or a client for itself, allowed.

use super::StoreError;
use crate::domain::{Grant, GrantId};
use async_trait::async_trait;
use jiff::Timestamp;

/// Grants.
#[async_trait]
pub trait GrantStore {
    /// The grant with this id, alive or revoked.
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError>;

    /// Revokes a grant; the first time counts. It need not exist.
    async fn revoke_grant(&self, id: &GrantId, now: Timestamp) -> Result<(), StoreError>;
}
