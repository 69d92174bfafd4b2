//! Clients: registered, of the operator's, of the demo set.

use super::StoreError;
use crate::{domain::RegisteredClient, protocol::ClientId};
use async_trait::async_trait;

/// Clients.
#[async_trait]
pub trait ClientStore {
    /// The client with this id.
    async fn client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError>;

    /// Every client, the oldest first.
    async fn clients(&self) -> Result<Vec<RegisteredClient>, StoreError>;

    /// Adds a client that registered itself. Its id is new.
    async fn add_client(&self, client: &RegisteredClient) -> Result<(), StoreError>;

    /// Adds a client of the operator's or of the demo set, or replaces the one with its id if it has the same origin.
    async fn put_client(&self, client: &RegisteredClient) -> Result<(), StoreError>;
}
