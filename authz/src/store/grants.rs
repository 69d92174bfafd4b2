//! Grants: what a person, or a client for itself, allowed.

use super::StoreError;
use crate::domain::{Grant, GrantId, TokenId};
use async_trait::async_trait;
use jiff::Timestamp;

/// Grants.
#[async_trait]
pub trait GrantStore {
    /// The grant with this id, alive or revoked.
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError>;

    /// The live grant of the candidate's client and subject on its resource, given by no person of this server; the
    /// candidate becomes it if there is none.
    async fn direct_grant(&self, candidate: &Grant) -> Result<Grant, StoreError>;

    /// The grant with this id, if it is alive and this access token was not revoked by itself.
    async fn grant_behind(&self, id: &GrantId, token: &TokenId) -> Result<Option<Grant>, StoreError>;

    /// Revokes one access token. It is remembered until `expires_at`, when it is over anyway.
    async fn revoke_token(&self, token: &TokenId, expires_at: Timestamp) -> Result<(), StoreError>;

    /// Revokes a grant; the first time counts. The consent behind it is forgotten. It need not exist.
    async fn revoke_grant(&self, id: &GrantId, now: Timestamp) -> Result<(), StoreError>;
}
