//! Clients: registered, of the operator's, of the demo set.

use super::StoreError;
use crate::{
    domain::{ClientStanding, RegisteredClient},
    protocol::ClientId,
};
use async_trait::async_trait;
use jiff::Timestamp;

/// Clients.
#[async_trait]
pub trait ClientStore {
    /// The client with this id, whatever its standing.
    async fn client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError>;

    /// Every client, the oldest first.
    async fn clients(&self) -> Result<Vec<RegisteredClient>, StoreError>;

    /// Adds a client that registered itself. Its id is new.
    async fn add_client(&self, client: &RegisteredClient) -> Result<(), StoreError>;

    /// Adds a client, or replaces the one with its id if it has the same origin; then the standing stays, and so does
    /// the time of registration. Says whether it is there now: not if the id is taken by a client of another origin.
    async fn put_client(&self, client: &RegisteredClient) -> Result<bool, StoreError>;

    /// Replaces a client that registered itself, standing and all. One that is not active is cut off, as
    /// [`Self::set_client_standing`] does. Says whether there is such a client, and nobody disabled it.
    async fn replace_client(&self, client: &RegisteredClient, now: Timestamp) -> Result<bool, StoreError>;

    /// Gives a client a standing. One that is not active any more is cut off in the same transaction: its grants are
    /// revoked, its undecided requests are gone. Says whether there is such a client.
    async fn set_client_standing(
        &self,
        id: &ClientId,
        standing: ClientStanding,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Removes a client and everything that hangs on it. Says whether there was one.
    async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError>;

    /// Somebody let the client in without being asked again: those that nobody here registered are kept for it. (Who is
    /// asked lets it in by [`super::AuthorizationStore::approve`].)
    async fn client_used(&self, id: &ClientId, now: Timestamp) -> Result<(), StoreError>;

    /// Removes the clients of the configuration file, all but `keep`. Says how many went.
    async fn forget_configured_clients(&self, keep: &[ClientId]) -> Result<u64, StoreError>;

    /// Removes up to `limit` clients that registered themselves, were let in by nobody since `unused_since`, and hold
    /// no live grant. Says how many went.
    async fn sweep_clients(&self, unused_since: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
