//! People who can sign in.

use super::StoreError;
use crate::domain::{PasswordHash, Person, SessionHash, Subject, Username};
use async_trait::async_trait;
use jiff::Timestamp;

/// People.
#[async_trait]
pub trait PersonStore {
    /// The person with this login name, enabled or not.
    async fn person_by_username(&self, username: &Username) -> Result<Option<Person>, StoreError>;

    /// The person with this subject, enabled or not.
    async fn person(&self, subject: &Subject) -> Result<Option<Person>, StoreError>;

    /// Everybody, by login name.
    async fn people(&self) -> Result<Vec<Person>, StoreError>;

    /// Adds a person, unless the login name is somebody's.
    async fn add_person(&self, person: &Person) -> Result<Addition, StoreError>;

    /// Adds a person, or gives the one with this login name the new password, name and address if it has the same
    /// origin. The subject of a known name stays.
    async fn put_person(&self, person: &Person) -> Result<(), StoreError>;

    /// Gives a person a new password and ends their sessions, except for `keep`, in one transaction. What they allowed
    /// to clients stays.
    async fn set_password(
        &self,
        subject: &Subject,
        password: &PasswordHash,
        keep: Option<&SessionHash>,
    ) -> Result<(), StoreError>;

    /// Ends the sessions of a person, revokes what they allowed, and refuses them from now on, in one transaction.
    async fn disable_person(&self, subject: &Subject, now: Timestamp) -> Result<(), StoreError>;

    /// Lets a person sign in again. What was revoked stays so.
    async fn enable_person(&self, subject: &Subject) -> Result<(), StoreError>;

    /// Removes a person with all that hangs on them: tokens under their grants are dead.
    async fn delete_person(&self, subject: &Subject) -> Result<(), StoreError>;

    /// Removes the clients and people of the demo set with all that hangs on them; people called one of `keep` stay, and
    /// so do the clients if there is one.
    async fn forget_demo(&self, keep: &[Username]) -> Result<(), StoreError>;
}

/// What became of adding a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addition {
    /// The person is there now.
    Added,
    /// Somebody else has the login name. Nothing changed.
    NameTaken,
}
