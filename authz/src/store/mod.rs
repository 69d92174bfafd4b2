//! What the authorization server keeps. Each method is one atomic step that speaks the domain; every database passes
//! one suite. Rows past their time are invisible whether they are swept or not, except used codes: see [`Store::code`].

mod sql;
#[cfg(test)]
mod suite;

pub use sql::SqlStore;

use crate::{
    domain::{
        AuthorizationCode, BrowserSession, CodeHash, Grant, GrantId, PendingAuthorization, Person, RegisteredClient,
        RequestHash, SessionHash, Subject, Username,
    },
    protocol::ClientId,
};
use async_trait::async_trait;
use jiff::Timestamp;
use std::fmt::Debug;

/// The state of the authorization server.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Whether the database answers.
    async fn check(&self) -> Result<(), StoreError>;

    /// The client with this id.
    async fn client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError>;

    /// Adds a client that registered itself. Its id is new.
    async fn add_client(&self, client: &RegisteredClient) -> Result<(), StoreError>;

    /// Adds a client of the operator's or of the demo set, or replaces the one with its id if it has the same origin.
    async fn put_client(&self, client: &RegisteredClient) -> Result<(), StoreError>;

    /// The person with this login name.
    async fn person_by_username(&self, username: &Username) -> Result<Option<Person>, StoreError>;

    /// The person with this subject.
    async fn person(&self, subject: &Subject) -> Result<Option<Person>, StoreError>;

    /// Adds a person, or gives the one with this login name the new password if it has the same origin. The subject of
    /// a known name stays.
    async fn put_person(&self, person: &Person) -> Result<(), StoreError>;

    /// Removes the clients and people of the demo set with all that hangs on them; people called `keep` stay, and so
    /// do the clients if there is a `keep`.
    async fn forget_demo(&self, keep: Option<&Username>) -> Result<(), StoreError>;

    /// Adds a session.
    async fn begin_session(&self, session: &BrowserSession) -> Result<(), StoreError>;

    /// The session with this hash, unless it has ended.
    async fn session(&self, hash: &SessionHash, now: Timestamp) -> Result<Option<BrowserSession>, StoreError>;

    /// Replaces the session `old` by `new`, which takes over its pending authorizations, and `request` wherever it is
    /// by now: of two renewals at once, the later one has it. `old` and `request` need not exist.
    async fn renew_session(
        &self,
        old: &SessionHash,
        new: &BrowserSession,
        request: Option<&RequestHash>,
    ) -> Result<(), StoreError>;

    /// Ends a session and drops its pending authorizations. It need not exist.
    async fn end_session(&self, hash: &SessionHash) -> Result<(), StoreError>;

    /// Keeps a checked authorization request until it is decided.
    async fn begin_authorization(&self, pending: &PendingAuthorization) -> Result<(), StoreError>;

    /// The undecided request with this hash, if it belongs to this session and is in time.
    async fn pending_authorization(
        &self,
        request: &RequestHash,
        session: &SessionHash,
        now: Timestamp,
    ) -> Result<Option<PendingAuthorization>, StoreError>;

    /// Takes the request away and, in the same transaction, adds the grant and the code made for it.
    async fn approve(
        &self,
        pending: &PendingAuthorization,
        code: &AuthorizationCode,
        now: Timestamp,
    ) -> Result<Decision, StoreError>;

    /// Takes the request away.
    async fn deny(&self, pending: &PendingAuthorization, now: Timestamp) -> Result<Decision, StoreError>;

    /// The code with this hash, used or not, late or not. It can be found until it is swept, so that a replay is known
    /// for what it is.
    async fn code(&self, hash: &CodeHash) -> Result<Option<AuthorizationCode>, StoreError>;

    /// Uses up a code by one conditional update. If it was used before, its grant is revoked in the same transaction.
    async fn redeem(&self, hash: &CodeHash, now: Timestamp) -> Result<Redemption, StoreError>;

    /// The grant with this id, alive or revoked.
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError>;

    /// Revokes a grant; the first time counts. It need not exist.
    async fn revoke_grant(&self, id: &GrantId, now: Timestamp) -> Result<(), StoreError>;

    /// Removes up to `limit` rows of each kind whose time was over at `before`. Says how many went.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}

/// What became of a decision on a pending authorization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It was the first, and it counts.
    First,
    /// The request was decided before, is of another session, or too old. Nothing changed.
    AlreadyDecided,
}

/// What became of a redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redemption {
    /// The code is used up now, by this call.
    First,
    /// It was used before, or is unknown. Its grant, if there is one, is revoked now.
    Replayed,
}

/// The database failed, or holds what this program did not write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not do what was asked.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The URL names a database that this program cannot use.
    #[error("the database URL has to begin with sqlite:")]
    UnknownDatabase,
    /// The database file or its folder could not be made.
    #[error("the database file could not be made")]
    Folder(#[source] std::io::Error),
    /// A column holds what cannot be read back.
    #[error("the column {0} holds an unreadable value")]
    Unreadable(&'static str),
}
