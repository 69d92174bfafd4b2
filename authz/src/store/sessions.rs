//! Browser sessions.

use super::StoreError;
use crate::domain::{BrowserSession, RequestHash, SessionHash};
use async_trait::async_trait;
use jiff::Timestamp;

/// Browser sessions.
#[async_trait]
pub trait SessionStore {
    /// Adds a session.
    async fn begin_session(&self, session: &BrowserSession) -> Result<(), StoreError>;

    /// The session with this hash, unless it has ended.
    async fn session(&self, hash: &SessionHash, now: Timestamp) -> Result<Option<BrowserSession>, StoreError>;

    /// Replaces the session `old` by `new`, which takes over its pending authorizations, and `request` wherever it is
    /// by now: of two renewals at once, the later one has it. Where somebody just signed in, they need not do it again
    /// for those. `old` and `request` need not exist.
    async fn renew_session(
        &self,
        old: &SessionHash,
        new: &BrowserSession,
        request: Option<&RequestHash>,
    ) -> Result<(), StoreError>;

    /// Ends a session and drops its pending authorizations. It need not exist.
    async fn end_session(&self, hash: &SessionHash) -> Result<(), StoreError>;
}
