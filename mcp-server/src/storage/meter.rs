//! Counts usage as it happens: in memory, and from there in the database every few seconds; and tells, without waiting,
//! who has used up the requests of a month.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use verification_keys::Clock;

use super::usage::{Pending, day};
use super::{Count, Person, Storage, StorageError, Usage};

/// How often counts go to the database.
const PACE: Duration = Duration::from_secs(5);
/// How many people are counted while the database does not answer, and watched for their quota. More are not.
const MOST_PEOPLE: usize = 10_000;

/// Counts what each person uses.
#[derive(Debug)]
pub struct Meter {
    storage: Storage,
    quota: Option<u64>,
    counts: Mutex<Counts>,
    /// One at a time takes what is pending to the database.
    flushing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Counts {
    /// What is not in the database yet.
    pending: Pending,
    /// The requests of a month, as far as they are known here: those of other processes come with the next flush.
    months: HashMap<Person, Month>,
}

#[derive(Clone, Copy, Debug)]
struct Month {
    first: Date,
    requests: u64,
}

impl Meter {
    /// Counts for `storage`; each person has `quota` requests a month, or as many as they like.
    #[must_use]
    pub fn new(storage: Storage, quota: Option<u64>) -> Self {
        Self { storage, quota, counts: Mutex::default(), flushing: tokio::sync::Mutex::default() }
    }

    /// The requests that each person has in a month, if they are limited.
    #[must_use]
    pub const fn quota(&self) -> Option<u64> {
        self.quota
    }

    /// Counts something `person` did. No waiting.
    pub fn count(&self, person: Person, count: Count, now: Timestamp) {
        let day = day(now);
        let mut counts = self.counts();
        if self.quota.is_some() {
            counts.note(&person, day.first_of_month(), count.requests);
        }
        add(&mut counts.pending, (person, day), count);
    }

    /// When `person` gets new requests, if there are none left. No waiting: what other processes counted is known some
    /// seconds later, and after a restart with the first flush.
    #[must_use]
    pub fn used_up_until(&self, person: &Person, now: Timestamp) -> Option<Date> {
        let (quota, first) = (self.quota?, day(now).first_of_month());
        let month = self.counts().months.get(person).copied().filter(|month| month.first == first)?;
        let next = || first.last_of_month().tomorrow().unwrap_or(Date::MAX);
        (month.requests >= quota).then(next)
    }

    /// What `person` used up to `now`, this very moment included.
    ///
    /// # Errors
    /// The database failed.
    pub async fn usage(&self, person: &Person, now: Timestamp) -> Result<Usage, StorageError> {
        self.flush(now).await?;
        self.storage.usage(person, now).await
    }

    /// Takes all counts to the database. After an error they are still here.
    ///
    /// # Errors
    /// The database failed.
    pub async fn flush(&self, now: Timestamp) -> Result<(), StorageError> {
        let _turn = self.flushing.lock().await;
        let taken = std::mem::take(&mut self.counts().pending);
        if taken.is_empty() {
            return Ok(());
        }
        let outcome = self.storage.add_usage(&taken).await;
        if outcome.is_ok() {
            self.learn(taken.into_keys().map(|(person, _)| person), now).await;
        } else {
            let mut counts = self.counts();
            for (key, count) in taken {
                add(&mut counts.pending, key, count);
            }
        }
        outcome
    }

    /// Flushes now and then, and sweeps once a day, for ever.
    pub async fn keep_flushing(&self, clock: Arc<dyn Clock>) {
        let mut swept = None;
        loop {
            tokio::time::sleep(PACE).await;
            let now = clock.now();
            // Logged where it happened; the counts are kept for the next time.
            self.flush(now).await.ok();
            if swept != Some(day(now)) && self.storage.sweep_usage(now).await.is_ok() {
                swept = Some(day(now));
            }
        }
    }

    /// Takes over what the database knows of the month of `people`, who did something just now.
    async fn learn(&self, people: impl Iterator<Item = Person>, now: Timestamp) {
        let first = day(now).first_of_month();
        for person in people.filter(|_| self.quota.is_some()) {
            // Logged if it fails; what is known already counts until the next time.
            let Ok(Usage { month: Count { requests: stored, .. }, .. }) = self.storage.usage(&person, now).await else {
                return;
            };
            let mut counts = self.counts();
            let pending = counts.pending.iter().filter(|((whose, day), _)| *whose == person && *day >= first);
            let requests = pending.fold(stored, |sum, (_, count)| sum.saturating_add(count.requests));
            counts.keep(person, Month { first, requests });
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn note(&mut self, person: &Person, first: Date, requests: u64) {
        match self.months.get_mut(person).filter(|month| month.first == first) {
            Some(month) => month.requests = month.requests.saturating_add(requests),
            None => self.keep(person.clone(), Month { first, requests }),
        }
    }

    fn keep(&mut self, person: Person, month: Month) {
        if self.months.len() >= MOST_PEOPLE && !self.months.contains_key(&person) {
            self.months.retain(|_, other| other.first == month.first);
        }
        if self.months.len() < MOST_PEOPLE || self.months.contains_key(&person) {
            self.months.insert(person, month);
        }
    }
}

fn add(pending: &mut Pending, key: (Person, Date), count: Count) {
    if let Some(counted) = pending.get_mut(&key) {
        counted.add(count);
    } else if pending.len() < MOST_PEOPLE {
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
        let meter = Meter::new(storage, None);
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
        let meter = Meter::new(storage, None);
        let now = "2026-07-28T12:00:00Z".parse().unwrap();
        meter.count(person(), Count::request(4), now);
        assert!(matches!(meter.flush(now).await, Err(StorageError::Folder(_))));
        meter.count(person(), Count::request(4), now);
        std::fs::remove_file(folder.path().join("data")).unwrap();
        assert_eq!(meter.usage(&person(), now).await.unwrap().month, Count { requests: 2, tokens: 2 });
    }

    #[tokio::test]
    async fn memory_has_an_end() {
        let (_folder, storage) = suite::sqlite();
        let meter = Meter::new(storage, None);
        let now = "2026-07-28T12:00:00Z".parse().unwrap();
        for number in 0..=MOST_PEOPLE {
            let person = Person::new("https://a.example", &number.to_string()).unwrap();
            meter.count(person, Count::request(0), now);
        }
        assert_eq!(meter.counts().pending.len(), MOST_PEOPLE);
    }

    #[tokio::test]
    async fn a_quota_is_used_up_by_its_last_request_and_new_with_the_month() {
        let (_folder, storage) = suite::sqlite();
        let meter = Meter::new(storage.clone(), Some(3));
        let (noon, next): (Timestamp, Timestamp) =
            ("2026-12-31T12:00:00Z".parse().unwrap(), "2027-01-01T00:00:00Z".parse().unwrap());
        for left in [3, 2, 1] {
            assert_eq!(meter.used_up_until(&person(), noon), None, "{left} left");
            meter.count(person(), Count::request(0), noon);
        }
        let new_year = Some(jiff::civil::date(2027, 1, 1));
        assert_eq!(meter.used_up_until(&person(), noon), new_year);
        assert_eq!(meter.used_up_until(&person(), next), None);
        assert_eq!(meter.used_up_until(&Person::new("https://a.example", "user-2").unwrap(), noon), None);
        meter.flush(noon).await.unwrap();
        assert_eq!(meter.used_up_until(&person(), noon), new_year, "neither lost nor counted twice");

        // Another process, or this one after a restart, learns it with its first flush.
        let other = Meter::new(storage, Some(3));
        other.count(person(), Count::request(0), noon);
        assert_eq!(other.used_up_until(&person(), noon), None);
        other.flush(noon).await.unwrap();
        assert_eq!(other.used_up_until(&person(), noon), new_year);
    }
}
