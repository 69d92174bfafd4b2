//! Authorization codes, used once.

use super::StoreError;
use crate::domain::{AuthorizationCode, CodeHash, RefreshFamily};
use async_trait::async_trait;
use jiff::Timestamp;

/// Authorization codes.
#[async_trait]
pub trait CodeStore {
    /// The code with this hash, used or not, late or not. It can be found until it is swept, so that a replay is known
    /// for what it is.
    async fn code(&self, hash: &CodeHash) -> Result<Option<AuthorizationCode>, StoreError>;

    /// Uses up a code by one conditional update and, in the same transaction, begins the family of refresh tokens. If
    /// the code was used before, its grant is revoked in the same transaction.
    async fn redeem(
        &self,
        hash: &CodeHash,
        family: Option<&RefreshFamily>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError>;

    /// Uses up a code that was not stored: adds its grant and the family, if the consent given at `consent_given_at` still
    /// is what is remembered. If the code was used before, its grant is revoked instead.
    async fn redeem_sealed(
        &self,
        code: &AuthorizationCode,
        consent_given_at: Timestamp,
        family: Option<&RefreshFamily>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError>;
}

/// What became of a redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// The code is used up now, by this call.
    First,
    /// It was used before. Its grant is revoked now.
    Replayed,
    /// It was not used, but its grant or the consent behind it was revoked in the meantime. Nothing changed.
    Revoked,
}

impl Redemption {
    /// What came of a conditional update that changed `rows` of a code that is redeemed since `redeemed_at` by now.
    pub(super) const fn of(rows: u64, redeemed_at: Option<Timestamp>) -> Self {
        match (rows, redeemed_at) {
            (1, _) => Self::First,
            (_, Some(_)) => Self::Replayed,
            (_, None) => Self::Revoked,
        }
    }
}
