//! Counts usage as it happens: in memory, and from there in the database every few seconds.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::usage::{Pending, day};
use super::{Count, Person, Storage, StorageError, Usage};

/// How often counts go to the database.
const PACE: Duration = Duration::from_secs(5);
/// How many people are counted while the database does not answer. More are not.
const MOST_PENDING: usize = 10_000;

/// Counts what each person uses.
#[derive(Debug)]
pub struct Meter {
    storage: Storage,
    pending: Mutex<Pending>,
    /// One at a time takes what is pending to the database.
    flushing: tokio::sync::Mutex<()>,
}

impl Meter {
    /// Counts for `storage`.
    #[must_use]
    pub fn new(storage: Storage) -> Self {
        Self { storage, pending: Mutex::default(), flushing: tokio::sync::Mutex::default() }
    }

    /// Counts something `person` did. No waiting.
    pub fn count(&self, person: Person, count: Count, now: Timestamp) {
        add(&mut self.pending(), (person, day(now)), count);
    }

    /// What `person` used up to `now`, this very moment included.
    ///
    /// # Errors
    /// The database failed.
    pub async fn usage(&self, person: &Person, now: Timestamp) -> Result<Usage, StorageError> {
        self.flush().await?;
        self.storage.usage(person, now).await
    }

    /// Takes all counts to the database. After an error they are still here.
    ///
    /// # Errors
    /// The database failed.
    pub async fn flush(&self) -> Result<(), StorageError> {
        let _turn = self.flushing.lock().await;
        let taken = std::mem::take(&mut *self.pending());
        if taken.is_empty() {
            return Ok(());
        }
        let outcome = self.storage.add_usage(&taken).await;
        if outcome.is_err() {
            let mut pending = self.pending();
            for (key, count) in taken {
                add(&mut pending, key, count);
            }
        }
        outcome
    }

    /// Flushes now and then, for ever.
    pub async fn keep_flushing(&self) {
        loop {
            tokio::time::sleep(PACE).await;
            // Logged where it happened; the counts are kept for the next time.
            self.flush().await.ok();
        }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(pending: &mut Pending, key: (Person, jiff::civil::Date), count: Count) {
    if let Some(counted) = pending.get_mut(&key) {
        counted.add(count);
    } else if pending.len() < MOST_PENDING {
        pending.insert(key, count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::suite;

    fn person() -> Person {
        Person::new("https://a.example", "user-1").unwrap()
    }

    #[tokio::test]
    async fn what_was_counted_just_now_is_there() {
        let (_folder, storage) = suite::sqlite();
        let meter = Meter::new(storage);
        let now = "2026-07-28T12:00:00Z".parse().unwrap();
        meter.count(person(), Count::request(9), now);
        meter.count(person(), Count::request(0), now);
        let used = meter.usage(&person(), now).await.unwrap();
        assert_eq!(used.today, Count { requests: 2, tokens: 3 });
        assert_eq!(meter.usage(&person(), now).await.unwrap(), used);
    }

    #[tokio::test]
    async fn nothing_is_lost_while_the_database_is_away() {
        let (folder, storage) = suite::sqlite();
        std::fs::write(folder.path().join("data"), "in the way of the folder").unwrap();
        let meter = Meter::new(storage);
        let now = "2026-07-28T12:00:00Z".parse().unwrap();
        meter.count(person(), Count::request(4), now);
        assert!(matches!(meter.flush().await, Err(StorageError::Folder(_))));
        meter.count(person(), Count::request(4), now);
        std::fs::remove_file(folder.path().join("data")).unwrap();
        assert_eq!(meter.usage(&person(), now).await.unwrap().month, Count { requests: 2, tokens: 2 });
    }

    #[tokio::test]
    async fn memory_has_an_end() {
        let (_folder, storage) = suite::sqlite();
        let meter = Meter::new(storage);
        let now = "2026-07-28T12:00:00Z".parse().unwrap();
        for number in 0..=MOST_PENDING {
            let person = Person::new("https://a.example", &number.to_string()).unwrap();
            meter.count(person, Count::request(0), now);
        }
        assert_eq!(meter.pending().len(), MOST_PENDING);
    }
}
