//! People who can sign in.

use super::StoreError;
use crate::domain::{Person, Subject, Username};
use async_trait::async_trait;

/// People.
#[async_trait]
pub trait PersonStore {
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
}
