//! What the tools keep: notes and usage, each row of one [`Person`], in SQLite or PostgreSQL. Nothing of it
//! matters to authorization. A database that fails is an error of one call; the next one tries again.

mod database;
mod meter;
mod note;
mod notes;
mod person;
#[cfg(test)]
mod silence;
#[cfg(test)]
mod suite;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use ring::rand::SecureRandom;
use tokio::sync::OnceCell;
use tokio::time::timeout;

pub use meter::Meter;
pub use note::{Content, InvalidNote, NewNote, Note, NoteId, Preview, Previews, Title};
pub use person::{NoPerson, Person};
pub use serving::{DatabaseUrl, InvalidDatabaseUrl};
pub use usage::{Count, Usage};

use database::Database;

/// How many notes a person can have.
pub const MAX_NOTES: u32 = 1000;
/// How long a call waits for the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// Notes and usage. Clones share one database, which is opened by the first call that needs it.
#[derive(Clone, Debug)]
pub struct Storage(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    url: DatabaseUrl,
    database: OnceCell<Database>,
    random: Random,
}

/// Why something was not kept or not found.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The person has as many notes as there can be.
    #[error("you have {MAX_NOTES} notes, and there can be no more")]
    TooManyNotes,
    /// The database did not answer in time: it is locked, overloaded or out of reach.
    #[error("the database of the notes did not answer in time; try again later")]
    TimedOut,
    /// The database failed, or could not be opened.
    #[error("the database of the notes is not available; try again later")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database of the notes is not available; try again later")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The folder of the database file could not be made.
    #[error("the database of the notes is not available; try again later")]
    Folder(#[source] std::io::Error),
    /// No random number was to be had for an id.
    #[error("no id could be made for the note; try again later")]
    NoRandomness,
    /// A row holds what this program did not write.
    #[error("the database of the notes holds something unreadable")]
    Unreadable,
}

impl Storage {
    /// Keeps things at `url`; ids of notes are made of `random`. Nothing is opened yet.
    #[must_use]
    pub fn new(url: DatabaseUrl, random: Arc<dyn SecureRandom + Send + Sync>) -> Self {
        Self(Arc::new(Shared { url, database: OnceCell::new(), random: Random(random) }))
    }

    /// Opens the database unless it is open, and brings its schema up to date.
    ///
    /// # Errors
    /// It cannot be opened, or not in time.
    pub async fn open(&self) -> Result<(), StorageError> {
        self.within(async |_| Ok(())).await
    }

    /// Closes the database. A later call would open it again if it had not been open before.
    pub async fn close(&self) {
        if let Some(database) = self.0.database.get() {
            database.close().await;
        }
    }

    /// Does `work` on the database, opened if need be, in the time there is; a failure is logged once, here.
    async fn within<T>(&self, work: impl AsyncFnOnce(&Database) -> Result<T, StorageError>) -> Result<T, StorageError> {
        let work = async {
            let database = self.0.database.get_or_try_init(|| Database::open(&self.0.url)).await?;
            work(database).await
        };
        let outcome = timeout(PATIENCE, work).await.unwrap_or(Err(StorageError::TimedOut));
        if let Err(error) = &outcome
            && !matches!(error, StorageError::TooManyNotes)
        {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, "the storage of notes and usage failed");
        }
        outcome
    }
}

struct Random(Arc<dyn SecureRandom + Send + Sync>);

impl std::fmt::Debug for Random {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}
