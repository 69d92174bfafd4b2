//! The store on a SQL database, through `sqlx::Any` with `$n` placeholders, so that SQLite and PostgreSQL share every
//! statement. SQLite: WAL, every commit reaches the disk, and one connection writes, so that writers queue instead of
//! failing.

mod authorizations;
mod clients;
mod codes;
mod consents;
mod devices;
mod direct;
mod grants;
mod initial_access;
mod open;
mod people;
mod place;
mod recent;
mod refresh;
mod resources;
mod row;
mod sessions;
mod single_use;
mod wal_index;
mod writer;

use super::{Store, StoreError};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use place::Place;
use recent::Recent;
use sqlx::{Any, AnyPool, Transaction, any::AnyArguments, query::Query};
use std::sync::Arc;
use writer::Writer;

/// A store on a SQL database.
#[derive(Clone, Debug)]
pub struct SqlStore {
    reader: AnyPool,
    writer: Writer,
    begin: &'static str,
    add_sealed: &'static str,
    place: Option<Place>,
    recent: Arc<Recent>,
}

/// How long a grant is kept after the time of its code and its refresh tokens: no access token lives longer.
const GRANT_RETENTION: SignedDuration = SignedDuration::from_hours(25);

impl SqlStore {
    /// A transaction that writes.
    pub(super) async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.writer.begin(self.begin).await?)
    }

    /// A statement that writes, and touches nothing that [`Recent`] keeps. How many rows it wrote.
    async fn write_beside_recent(&self, query: Query<'_, Any, AnyArguments>) -> Result<u64, StoreError> {
        // No other writer of this process until it is known whose commit it was.
        let mut writer = self.writer.acquire().await?;
        let before = self.recent.version();
        let rows = query.execute(&mut *writer).await?.rows_affected();
        if rows > 0 {
            self.recent.outlives_own_commit(before);
        }
        writer.keep();
        Ok(rows)
    }
}

#[cfg(test)]
impl SqlStore {
    /// Changes the database behind the store's back.
    pub(crate) async fn execute_for_test(&self, statement: &'static str) {
        self.writer.execute(sqlx::query(statement)).await.unwrap();
    }
}

#[async_trait]
impl Store for SqlStore {
    fn is_there(&self) -> bool {
        self.place.as_ref().is_none_or(Place::is_there)
    }

    async fn check(&self) -> Result<(), StoreError> {
        if !self.is_there() {
            return Err(StoreError::Gone);
        }
        // A table, because a constant would be answered without a look at the file.
        sqlx::query("SELECT 1 FROM clients LIMIT 1").execute(&self.reader).await?;
        Ok(())
    }

    async fn sweep(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut swept = 0;
        swept += sessions::sweep(&self.writer, before, limit).await?;
        swept += authorizations::sweep(&self.writer, before, limit).await?;
        swept += devices::sweep(&self.writer, before, limit).await?;
        swept += grants::sweep(&self.writer, before - GRANT_RETENTION, limit).await?;
        swept += initial_access::sweep(&self.writer, before, limit).await?;
        swept += single_use::sweep(&self.writer, before, limit).await?;
        swept += grants::sweep_tokens(&self.writer, before, limit).await?;
        Ok(swept)
    }
}
