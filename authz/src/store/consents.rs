//! Consent that is remembered, so that the page need not be shown again. Which clients that is done for, the caller
//! decides.

use super::StoreError;
use crate::domain::{Connection, Consent, Subject};
use crate::protocol::{ClientId, Resource};
use async_trait::async_trait;
use jiff::Timestamp;

/// Consent that is remembered.
#[async_trait]
pub trait ConsentStore {
    /// What the person allowed to the client on this resource before.
    async fn consent(
        &self,
        subject: &Subject,
        client: &ClientId,
        resource: &Resource,
    ) -> Result<Option<Consent>, StoreError>;

    /// The clients that have access for this person, or get it without a page; the latest first. A grant whose code and
    /// refresh tokens were over at `ended` is left out: when an access token issued then is over, so is the access.
    async fn connections(&self, subject: &Subject, ended: Timestamp) -> Result<Vec<Connection>, StoreError>;

    /// Revokes every grant of the person to the client, and forgets the consent, in one transaction.
    async fn disconnect(&self, subject: &Subject, client: &ClientId, now: Timestamp) -> Result<(), StoreError>;

    /// Forgets what anybody allowed to the client. Its grants stay.
    async fn forget_consents(&self, client: &ClientId) -> Result<(), StoreError>;
}
