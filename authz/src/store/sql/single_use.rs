//! The table of identifiers that were used.

use super::{SqlStore, StoreError, writer::Writer};
use crate::{
    domain::{SingleUse, SingleUseHash},
    store::SingleUseStore,
};
use async_trait::async_trait;
use jiff::Timestamp;

#[async_trait]
impl SingleUseStore for SqlStore {
    /// One statement: of two uses at once, one changes a row.
    async fn use_once(
        &self,
        kind: SingleUse,
        id: &SingleUseHash,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(USE).bind(kind.as_str()).bind(id.as_str());
        let query = query.bind(expires_at.as_second()).bind(now.as_second());
        Ok(self.writer.execute(query).await? == 1)
    }
}

const USE: &str = "INSERT INTO used_once (kind, id_hash, expires_at) VALUES ($1, $2, $3) \
    ON CONFLICT (kind, id_hash) DO UPDATE SET expires_at = excluded.expires_at WHERE used_once.expires_at <= $4";

pub(super) async fn sweep(writer: &Writer, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM used_once WHERE (kind, id_hash) IN \
        (SELECT kind, id_hash FROM used_once WHERE expires_at <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(writer.execute(query).await?)
}
