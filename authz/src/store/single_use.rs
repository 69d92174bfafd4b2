//! Identifiers that may be used once only.

use super::StoreError;
use crate::domain::{SingleUse, SingleUseHash};
use async_trait::async_trait;
use jiff::Timestamp;

/// Identifiers that may be used once only.
#[async_trait]
pub trait SingleUseStore {
    /// Uses up an identifier and says whether this was the first time. It is known until `expires_at`, which has to be
    /// the time from which it would not be taken any more.
    async fn use_once(
        &self,
        kind: SingleUse,
        id: &SingleUseHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}
