//! Resource servers that the operator added.

use super::StoreError;
use crate::{
    domain::{RegisteredClient, ServedResource},
    protocol::Resource,
};
use async_trait::async_trait;
use jiff::Timestamp;

/// Resource servers.
#[async_trait]
pub trait ResourceStore {
    /// All of them, by identifier.
    async fn resources(&self) -> Result<Vec<ServedResource>, StoreError>;

    /// Adds a resource or replaces the one with its identifier, and adds, in the same transaction, a client by which
    /// it may introspect its tokens. The client's id is new.
    async fn put_resource(
        &self,
        resource: &ServedResource,
        introspects_as: Option<&RegisteredClient>,
    ) -> Result<(), StoreError>;

    /// Removes a resource and the operator's clients that introspect for it, and revokes what was granted for it. False
    /// if it was not there; then nothing happens.
    async fn remove_resource(&self, id: &Resource, now: Timestamp) -> Result<bool, StoreError>;
}
