//! The table of grants.

use super::{
    SqlStore, StoreError,
    row::{optional, optional_time, parsed, text, time},
};
use crate::{
    domain::{Authentication, AuthenticationContext, Grant, GrantId, GrantState, Subject},
    protocol::{ClientId, Resource, Scope},
    store::GrantStore,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, AnyPool, Transaction, any::AnyRow};

#[async_trait]
impl GrantStore for SqlStore {
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        let query = sqlx::query("SELECT * FROM grants WHERE id = $1").bind(id.as_str());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn revoke_grant(&self, id: &GrantId, now: Timestamp) -> Result<(), StoreError> {
        let query = sqlx::query("UPDATE grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
        query.bind(now.as_second()).bind(id.as_str()).execute(&self.writer).await?;
        Ok(())
    }
}

pub(super) async fn add(transaction: &mut Transaction<'static, Any>, grant: &Grant) -> Result<(), StoreError> {
    let statement = "INSERT INTO grants (id, subject, client_id, scope, resource, created_at, authenticated_at, acr) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sqlx::query(statement)
        .bind(grant.id.as_str())
        .bind(grant.subject.as_str())
        .bind(grant.client_id.as_str())
        .bind(grant.scope.to_string())
        .bind(grant.resource.as_str())
        .bind(grant.created_at.as_second())
        .bind(grant.authentication.map(|authentication| authentication.at.as_second()))
        .bind(grant.authentication.map(|authentication| authentication.context.as_str()))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

pub(super) async fn sweep(pool: &AnyPool, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM grants WHERE id IN (SELECT grant_id FROM codes WHERE expires_at <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(query.execute(pool).await?.rows_affected())
}

pub(super) fn read(row: &AnyRow) -> Result<Grant, StoreError> {
    Ok(Grant {
        id: parsed(row, "id", |raw| GrantId::parse(raw).ok_or(()))?,
        subject: Subject::from_store(text(row, "subject")?),
        client_id: parsed(row, "client_id", ClientId::parse)?,
        scope: parsed(row, "scope", Scope::parse)?,
        resource: parsed(row, "resource", Resource::parse)?,
        authentication: read_authentication(row)?,
        created_at: time(row, "created_at")?,
        state: optional_time(row, "revoked_at")?.map_or(GrantState::Alive, |at| GrantState::Revoked { at }),
    })
}

fn read_authentication(row: &AnyRow) -> Result<Option<Authentication>, StoreError> {
    match (optional_time(row, "authenticated_at")?, optional(row, "acr", AuthenticationContext::parse)?) {
        (Some(at), Some(context)) => Ok(Some(Authentication { at, context })),
        (None, None) => Ok(None),
        (Some(_), None) | (None, Some(_)) => Err(StoreError::Unreadable("acr")),
    }
}
