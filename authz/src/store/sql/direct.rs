//! The table of grants that no person of this server gave. They have no codes and no refresh tokens.

use super::{SqlStore, StoreError, grants};
use crate::{
    domain::{Grant, GrantId},
    protocol::{ClientId, Resource},
};
use jiff::Timestamp;
use sqlx::{Any, Executor, Transaction};

const ALIVE: &str =
    "SELECT * FROM direct_grants WHERE client_id = $1 AND subject = $2 AND resource = $3 AND revoked_at IS NULL";

/// Of two at once, one adds its grant, and both find that one.
const ADD: &str = "INSERT INTO direct_grants (id, subject, client_id, scope, resource, created_at) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

/// Nearly always the grant is there, and nothing is written.
pub(super) async fn find_or_add(store: &SqlStore, candidate: &Grant) -> Result<Grant, StoreError> {
    let now = store.recent.version();
    let key = (candidate.client_id.clone(), candidate.subject.clone(), candidate.resource.clone());
    if let Some(found) = store.recent.find(now, |kept| kept.direct_grants.get(&key)) {
        return Ok(found);
    }
    if let Some(found) = find(&store.reader, candidate).await? {
        store.recent.keep(now, |kept| kept.direct_grants.insert(key, found.clone()));
        return Ok(found);
    }
    let add = sqlx::query(ADD)
        .bind(candidate.id.as_str())
        .bind(candidate.subject.as_str())
        .bind(candidate.client_id.as_str())
        .bind(candidate.scope.to_string())
        .bind(candidate.resource.as_str())
        .bind(candidate.created_at.as_second());
    store.writer.execute(add).await?;
    // Somebody may revoke it at this very moment: then the tokens under the candidate are dead, as they should be.
    Ok(find(&mut *store.writer.acquire().await?, candidate).await?.unwrap_or_else(|| candidate.clone()))
}

async fn find<'c>(executor: impl Executor<'c, Database = Any>, like: &Grant) -> Result<Option<Grant>, StoreError> {
    let query = sqlx::query(ALIVE).bind(like.client_id.as_str()).bind(like.subject.as_str());
    let row = query.bind(like.resource.as_str()).fetch_optional(executor).await?;
    row.as_ref().map(grants::read).transpose()
}

pub(super) async fn revoke(
    transaction: &mut Transaction<'static, Any>,
    id: &GrantId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE direct_grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
    query.bind(now.as_second()).bind(id.as_str()).execute(&mut **transaction).await?;
    Ok(())
}

/// Revokes what a client has, and drops what its devices wait for.
pub(super) async fn cut_off_client(
    transaction: &mut Transaction<'static, Any>,
    client: &ClientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let revoke = sqlx::query("UPDATE direct_grants SET revoked_at = $1 WHERE client_id = $2 AND revoked_at IS NULL");
    revoke.bind(now.as_second()).bind(client.as_str()).execute(&mut **transaction).await?;
    let forget = sqlx::query("DELETE FROM device_authorizations WHERE client_id = $1 AND grant_id IS NULL");
    forget.bind(client.as_str()).execute(&mut **transaction).await?;
    Ok(())
}

/// Revokes what was given for a resource, and drops what devices wait for there.
pub(super) async fn cut_off_resource(
    transaction: &mut Transaction<'static, Any>,
    resource: &Resource,
    now: Timestamp,
) -> Result<(), StoreError> {
    let revoke = sqlx::query("UPDATE direct_grants SET revoked_at = $1 WHERE resource = $2 AND revoked_at IS NULL");
    revoke.bind(now.as_second()).bind(resource.as_str()).execute(&mut **transaction).await?;
    let forget = sqlx::query("DELETE FROM device_authorizations WHERE resource = $1 AND grant_id IS NULL");
    forget.bind(resource.as_str()).execute(&mut **transaction).await?;
    Ok(())
}
