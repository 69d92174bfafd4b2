//! Authorization requests that wait for a person's decision.

use super::StoreError;
use crate::domain::{AuthorizationCode, PendingAuthorization, RequestHash, SessionHash};
use async_trait::async_trait;
use jiff::Timestamp;

/// Pending authorizations, and the decisions on them.
#[async_trait]
pub trait AuthorizationStore {
    /// Keeps a checked authorization request until it is decided.
    async fn begin_authorization(&self, pending: &PendingAuthorization) -> Result<(), StoreError>;

    /// The undecided request with this hash, if it belongs to this session and is in time.
    async fn pending_authorization(
        &self,
        request: &RequestHash,
        session: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<PendingAuthorization>, StoreError>;

    /// The request with this hash that was decided in this session, if it is in time, and how.
    async fn decided_authorization(
        &self,
        request: &RequestHash,
        session: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<(PendingAuthorization, Verdict)>, StoreError>;

    /// Decides the request and, in the same transaction, adds the grant and the code made for it, and remembers the
    /// consent if `memory` says so.
    async fn approve(
        &self,
        pending: &PendingAuthorization,
        code: &AuthorizationCode,
        memory: Memory,
        now: Timestamp,
    ) -> Result<Decision, StoreError>;

    /// Decides the request; there will be no code.
    async fn deny(&self, pending: &PendingAuthorization, now: Timestamp) -> Result<Decision, StoreError>;
}

/// How a request was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The person allowed it.
    Approved,
    /// The person denied it.
    Denied,
}

/// Whether a consent is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// The page need not be shown again.
    Kept,
    /// The page is shown every time.
    None,
}

/// What became of a decision on a pending authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It was the first, and it counts.
    First,
    /// The request was decided before, is of another session, or too old. Nothing changed.
    AlreadyDecided,
}
