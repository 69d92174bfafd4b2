//! The table of grants.

use super::{
    SqlStore, StoreError, clients, direct,
    row::{optional, optional_time, parsed, text, time},
    writer::Writer,
};
use crate::{
    domain::{Authentication, AuthenticationContext, Grant, GrantId, GrantState, Subject, TokenId},
    protocol::{ClientId, Resource, Scope},
    store::GrantStore,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{
    Any, Transaction,
    any::{AnyArguments, AnyRow},
    query::Query,
};

const ADD: &str = "INSERT INTO grants (id, subject, client_id, scope, resource, created_at, authenticated_at, acr, \
    keep_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Both tables of grants, as one.
macro_rules! from_both {
    ($condition:literal) => {
        concat!(
            "SELECT id, subject, client_id, scope, resource, created_at, authenticated_at, acr, revoked_at FROM grants \
             WHERE ",
            $condition,
            " UNION ALL \
             SELECT id, subject, client_id, scope, resource, created_at, authenticated_at, acr, revoked_at \
             FROM direct_grants WHERE ",
            $condition
        )
    };
}

const FIND: &str = from_both!("id = $1");

/// The grant of a token that was not revoked by itself.
const BEHIND: &str = from_both!(
    "id = $1 AND revoked_at IS NULL AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE revoked_tokens.id = $2)"
);

#[async_trait]
impl GrantStore for SqlStore {
    async fn grant(&self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        let query = sqlx::query(FIND).bind(id.as_str());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn grant_behind(&self, id: &GrantId, token: &TokenId) -> Result<Option<Grant>, StoreError> {
        let query = sqlx::query(BEHIND).bind(id.as_str()).bind(token.as_str());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn direct_grant(&self, candidate: &Grant) -> Result<Grant, StoreError> {
        direct::find_or_add(self, candidate).await
    }

    async fn revoke_grant(&self, id: &GrantId, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        revoke(&mut transaction, id, now).await?;
        direct::revoke(&mut transaction, id, now).await?;
        Ok(transaction.commit().await?)
    }

    async fn revoke_token(&self, token: &TokenId, expires_at: Timestamp) -> Result<(), StoreError> {
        let statement = "INSERT INTO revoked_tokens (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING";
        self.writer.execute(sqlx::query(statement).bind(token.as_str()).bind(expires_at.as_second())).await?;
        Ok(())
    }
}

const FORGET_CONSENT: &str = "DELETE FROM consents WHERE EXISTS (SELECT 1 FROM grants WHERE grants.id = $1 \
    AND grants.subject = consents.subject AND grants.client_id = consents.client_id \
    AND grants.resource = consents.resource)";

/// Adds a grant, to be kept until its code or its refresh tokens are over.
pub(super) async fn add(
    transaction: &mut Transaction<'static, Any>,
    grant: &Grant,
    keep_until: Timestamp,
) -> Result<(), StoreError> {
    bind(sqlx::query(ADD), grant, keep_until).execute(&mut **transaction).await?;
    clients::mark_used(&mut **transaction, &grant.client_id, grant.created_at).await
}

/// The first nine parameters of a statement that adds a grant.
pub(super) fn bind<'q>(
    query: Query<'q, Any, AnyArguments>,
    grant: &Grant,
    keep_until: Timestamp,
) -> Query<'q, Any, AnyArguments> {
    query
        .bind(grant.id.as_str())
        .bind(grant.subject.as_str())
        .bind(grant.client_id.as_str())
        .bind(grant.scope.to_string())
        .bind(grant.resource.as_str())
        .bind(grant.created_at.as_second())
        .bind(grant.authentication.map(|authentication| authentication.at.as_second()))
        .bind(grant.authentication.map(|authentication| authentication.context.as_str()))
        .bind(keep_until.as_second())
}

/// Tokens are issued under the grant: it is kept for as long as they may be good.
pub(super) async fn used(
    transaction: &mut Transaction<'static, Any>,
    id: &GrantId,
    now: Timestamp,
    keep_until: Timestamp,
) -> Result<(), StoreError> {
    let query = sqlx::query("UPDATE grants SET used_at = $1, keep_until = $2 WHERE id = $3");
    let query = query.bind(now.as_second()).bind(keep_until.as_second()).bind(id.as_str());
    query.execute(&mut **transaction).await?;
    Ok(())
}

/// Revokes a grant and forgets the consent behind it. Here and everywhere the consent first: two who change both in turns
/// would wait for each other.
pub(super) async fn revoke(
    transaction: &mut Transaction<'static, Any>,
    id: &GrantId,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(FORGET_CONSENT).bind(id.as_str()).execute(&mut **transaction).await?;
    let query = sqlx::query("UPDATE grants SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL");
    query.bind(now.as_second()).bind(id.as_str()).execute(&mut **transaction).await?;
    Ok(())
}

pub(super) async fn sweep(writer: &Writer, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE keep_until <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(writer.execute(query).await?)
}

pub(super) async fn sweep_tokens(writer: &Writer, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let statement = "DELETE FROM revoked_tokens \
        WHERE id IN (SELECT id FROM revoked_tokens WHERE expires_at <= $1 LIMIT $2)";
    let query = sqlx::query(statement).bind(before.as_second()).bind(i64::from(limit));
    Ok(writer.execute(query).await?)
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
