//! The table of initial access tokens.

use super::{
    SqlStore, StoreError,
    row::{parsed, text, time},
    writer::Writer,
};
use crate::{
    domain::{InitialAccess, InitialAccessHash, TokenName},
    store::InitialAccessStore,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;

#[async_trait]
impl InitialAccessStore for SqlStore {
    async fn add_initial_access(&self, token: &InitialAccess) -> Result<bool, StoreError> {
        let query = sqlx::query(ADD).bind(token.name.as_str()).bind(token.hash.as_str());
        let query = query.bind(token.created_at.as_second()).bind(token.expires_at.as_second());
        Ok(self.writer.execute(query).await? == 1)
    }

    async fn initial_access(
        &self,
        hash: &InitialAccessHash,
        now: Timestamp,
    ) -> Result<Option<InitialAccess>, StoreError> {
        let query = sqlx::query("SELECT * FROM initial_access_tokens WHERE hash = $1 AND expires_at > $2");
        let query = query.bind(hash.as_str()).bind(now.as_second());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn initial_accesses(&self) -> Result<Vec<InitialAccess>, StoreError> {
        let query = sqlx::query("SELECT * FROM initial_access_tokens ORDER BY name");
        query.fetch_all(&self.reader).await?.iter().map(read).collect()
    }

    async fn remove_initial_access(&self, name: &TokenName) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM initial_access_tokens WHERE name = $1").bind(name.as_str());
        Ok(self.writer.execute(query).await? == 1)
    }
}

const ADD: &str = "INSERT INTO initial_access_tokens (name, hash, created_at, expires_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (name) DO NOTHING";

pub(super) async fn sweep(writer: &Writer, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM initial_access_tokens WHERE name IN \
        (SELECT name FROM initial_access_tokens WHERE expires_at <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(writer.execute(query).await?)
}

fn read(row: &AnyRow) -> Result<InitialAccess, StoreError> {
    Ok(InitialAccess {
        name: parsed(row, "name", TokenName::parse)?,
        hash: InitialAccessHash::from_store(text(row, "hash")?),
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
    })
}
