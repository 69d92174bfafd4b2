//! What the authorization server keeps. Each method is one atomic step that speaks the domain; every database passes
//! one suite. Rows past their time are invisible whether they are swept or not, except used codes: see
//! [`CodeStore::code`].

mod authorizations;
mod clients;
mod codes;
mod consents;
mod devices;
mod error;
mod grants;
mod initial_access;
#[cfg(test)]
mod outages;
mod people;
mod refresh;
mod resources;
mod sessions;
mod single_use;
mod sql;
#[cfg(test)]
mod suite;

pub use authorizations::{AuthorizationStore, Decision, Memory, Verdict};
pub use clients::ClientStore;
pub use codes::{CodeStore, Redemption};
pub use consents::ConsentStore;
pub use devices::DeviceStore;
pub use error::StoreError;
pub use grants::GrantStore;
pub use initial_access::InitialAccessStore;
pub use people::{Addition, PersonStore};
pub use refresh::RefreshStore;
pub use resources::ResourceStore;
pub use sessions::SessionStore;
pub use single_use::SingleUseStore;
pub use sql::SqlStore;

use async_trait::async_trait;
use jiff::Timestamp;
use std::{fmt::Debug, time::Duration};
use tokio::time::timeout;

/// How long the database is waited for: longer than the wait for a connection, and than a statement that it gives up
/// by itself.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What the database says to `work`, within [`PATIENCE`]: a network that went silent says nothing, for long.
///
/// # Errors
/// As `work`, or [`StoreError::Silent`].
pub async fn in_time<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, work).await.unwrap_or(Err(StoreError::Silent))
}

/// The state of the authorization server, by noun.
#[async_trait]
pub trait Store:
    ClientStore
    + PersonStore
    + SessionStore
    + AuthorizationStore
    + CodeStore
    + DeviceStore
    + ConsentStore
    + GrantStore
    + ResourceStore
    + SingleUseStore
    + RefreshStore
    + InitialAccessStore
    + Debug
    + Send
    + Sync
{
    /// Whether the database is still where it was when it was opened, as far as this can be told without asking it.
    fn is_there(&self) -> bool;

    /// Whether the database answers.
    async fn check(&self) -> Result<(), StoreError>;

    /// Removes up to `limit` rows of each kind whose time was over at `before`. Says how many went.
    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;
}
