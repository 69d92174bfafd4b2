//! How much a person uses: counted in memory, added to the database every few seconds, so that no call waits
//! for it. Several processes add to the same rows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::database::Database;
use super::{Person, Storage, StorageError};

const ADD: &str = "INSERT INTO usage_by_day (issuer, subject, day, requests, tokens) VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (issuer, subject, day) DO UPDATE SET requests = usage_by_day.requests + excluded.requests, \
    tokens = usage_by_day.tokens + excluded.tokens";
const SUM: &str = "SELECT CAST(COALESCE(SUM(requests), 0) AS BIGINT), CAST(COALESCE(SUM(tokens), 0) AS BIGINT) \
    FROM usage_by_day WHERE issuer = $1 AND subject = $2 AND day >= $3 AND day <= $4";

const SWEEP: &str = "DELETE FROM usage_by_day WHERE day < $1";

/// Some usage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Calls of tools, reads of resources, and prompts.
    pub requests: u64,
    /// Text in what was asked and answered, in tokens of a model as far as they can be told from its length.
    pub tokens: u64,
}

impl Count {
    /// One request with so many bytes of text, four to a token.
    #[must_use]
    pub const fn request(bytes: usize) -> Self {
        Self { requests: 1, tokens: bytes.div_ceil(4) as u64 }
    }

    /// Adds another.
    pub const fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.tokens = self.tokens.saturating_add(other.tokens);
    }
}

/// What a person used, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Since midnight.
    pub today: Count,
    /// Since the first of the month.
    pub month: Count,
}

/// Counts that are not in the database yet, in an order that is the same everywhere: two processes that add
/// them at once do not wait for each other in a circle.
pub(crate) type Pending = BTreeMap<(Person, Date), Count>;

/// The day of `now`.
pub(crate) fn day(now: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(now).date()
}

impl Storage {
    /// Adds counts: all of them or, after an error, none.
    pub(crate) async fn add_usage(&self, pending: &Pending) -> Result<(), StorageError> {
        self.within(async |database| add(database, pending).await).await
    }

    /// What `person` used up to `now`, as far as the database knows.
    ///
    /// # Errors
    /// The database failed.
    pub async fn usage(&self, person: &Person, now: Timestamp) -> Result<Usage, StorageError> {
        let today = day(now);
        self.within(async |database| {
            let month = sum(database, person, (today.first_of_month(), today)).await?;
            Ok(Usage { today: sum(database, person, (today, today)).await?, month })
        })
        .await
    }
}

impl Storage {
    /// Removes what nobody asks for any more: days before the month before that of `now`. Tells how many.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) async fn sweep_usage(&self, now: Timestamp) -> Result<u64, StorageError> {
        let before = day(now).first_of_month().yesterday().map_or(Date::MIN, Date::first_of_month);
        self.within(async |database| {
            let query = sqlx::query(SWEEP).bind(before.to_string());
            Ok(query.execute(&database.writer).await?.rows_affected())
        })
        .await
    }
}

async fn add(database: &Database, pending: &Pending) -> Result<(), StorageError> {
    let mut transaction = database.writer.begin().await?;
    for ((person, day), count) in pending {
        let query = sqlx::query(ADD).bind(person.issuer()).bind(person.subject()).bind(day.to_string());
        let query = query.bind(stored(count.requests)).bind(stored(count.tokens));
        query.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn sum(database: &Database, person: &Person, (from, to): (Date, Date)) -> Result<Count, StorageError> {
    let query = sqlx::query_as::<_, (i64, i64)>(SUM).bind(person.issuer()).bind(person.subject());
    let (requests, tokens) = query.bind(from.to_string()).bind(to.to_string()).fetch_one(&database.reader).await?;
    Ok(Count { requests: requests.unsigned_abs(), tokens: tokens.unsigned_abs() })
}

fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
