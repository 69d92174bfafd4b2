//! The table of remembered consent.

use super::{
    SqlStore, StoreError,
    row::{optional_time, parsed, text, time},
};
use crate::{
    domain::{Connection, Consent, Grant, Subject},
    protocol::{ClientId, Resource, Scope},
    store::ConsentStore,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Executor, Transaction, any::AnyRow};

#[async_trait]
impl ConsentStore for SqlStore {
    async fn consent(
        &self,
        subject: &Subject,
        client: &ClientId,
        resource: &Resource,
    ) -> Result<Option<Consent>, StoreError> {
        let now = self.recent.version();
        let key = (subject.clone(), client.clone(), resource.clone());
        if let Some(consent) = self.recent.find(now, |kept| kept.consents.get(&key)) {
            return Ok(Some(consent));
        }
        let consent = find(&self.reader, subject, client, resource).await?;
        if let Some(consent) = &consent {
            self.recent.keep(now, |kept| kept.consents.insert(key, consent.clone()));
        }
        Ok(consent)
    }

    async fn connections(&self, subject: &Subject, ended: Timestamp) -> Result<Vec<Connection>, StoreError> {
        let query = sqlx::query(CONNECTIONS).bind(subject.as_str()).bind(ended.as_second()).bind(subject.as_str());
        let mut connections: Vec<Connection> = Vec::new();
        for row in query.fetch_all(&self.reader).await? {
            let next = read_connection(&row)?;
            match connections.iter_mut().find(|known| known.client_id == next.client_id) {
                Some(known) => merge(known, next),
                None => connections.push(next),
            }
        }
        connections.sort_by_key(|connection| std::cmp::Reverse(connection.used_at.unwrap_or(connection.since)));
        Ok(connections)
    }

    async fn disconnect(&self, subject: &Subject, client: &ClientId, now: Timestamp) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let forget = sqlx::query("DELETE FROM consents WHERE subject = $1 AND client_id = $2");
        forget.bind(subject.as_str()).bind(client.as_str()).execute(&mut *transaction).await?;
        let statement = "UPDATE grants SET revoked_at = $1 \
            WHERE subject = $2 AND client_id = $3 AND revoked_at IS NULL";
        let revoke = sqlx::query(statement).bind(now.as_second()).bind(subject.as_str());
        revoke.bind(client.as_str()).execute(&mut *transaction).await?;
        Ok(transaction.commit().await?)
    }

    async fn forget_consents(&self, client: &ClientId) -> Result<(), StoreError> {
        let query = sqlx::query("DELETE FROM consents WHERE client_id = $1").bind(client.as_str());
        self.writer.execute(query).await?;
        Ok(())
    }
}

/// Grants under which a token was issued, as long as one may be good; and consent that is remembered.
const CONNECTIONS: &str = "SELECT client_id, resource, min(created_at) AS since, max(used_at) AS used_at FROM grants \
    WHERE subject = $1 AND revoked_at IS NULL AND used_at IS NOT NULL AND keep_until > $2 GROUP BY client_id, resource \
    UNION ALL SELECT client_id, resource, given_at AS since, NULL AS used_at FROM consents WHERE subject = $3";

fn read_connection(row: &AnyRow) -> Result<Connection, StoreError> {
    Ok(Connection {
        client_id: parsed(row, "client_id", ClientId::parse)?,
        resources: vec![parsed(row, "resource", Resource::parse)?],
        since: time(row, "since")?,
        used_at: optional_time(row, "used_at")?,
    })
}

fn merge(known: &mut Connection, next: Connection) {
    let new: Vec<_> = next.resources.into_iter().filter(|resource| !known.resources.contains(resource)).collect();
    known.resources.extend(new);
    known.since = known.since.min(next.since);
    known.used_at = known.used_at.max(next.used_at);
}

/// Remembers `grant` together with what was allowed before.
pub(super) async fn remember(
    transaction: &mut Transaction<'static, Any>,
    grant: &Grant,
    now: Timestamp,
) -> Result<(), StoreError> {
    let before = find(&mut **transaction, &grant.subject, &grant.client_id, &grant.resource).await?;
    let before = before.map(|consent| consent.scope).unwrap_or_default();
    let both: Scope = before.tokens().chain(grant.scope.tokens()).cloned().collect();
    // More than a scope may hold: the latest counts.
    let scope = Scope::parse(&both.to_string()).unwrap_or_else(|_| grant.scope.clone());
    sqlx::query(REMEMBER)
        .bind(grant.subject.as_str())
        .bind(grant.client_id.as_str())
        .bind(grant.resource.as_str())
        .bind(scope.to_string())
        .bind(now.as_second())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

const REMEMBER: &str = "INSERT INTO consents (subject, client_id, resource, scope, given_at) \
    VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (subject, client_id, resource) DO UPDATE SET scope = excluded.scope";

async fn find<'c>(
    executor: impl Executor<'c, Database = Any>,
    subject: &Subject,
    client: &ClientId,
    resource: &Resource,
) -> Result<Option<Consent>, StoreError> {
    let query = sqlx::query("SELECT * FROM consents WHERE subject = $1 AND client_id = $2 AND resource = $3");
    let query = query.bind(subject.as_str()).bind(client.as_str()).bind(resource.as_str());
    query.fetch_optional(executor).await?.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<Consent, StoreError> {
    Ok(Consent {
        subject: Subject::from_store(text(row, "subject")?),
        client_id: parsed(row, "client_id", ClientId::parse)?,
        resource: parsed(row, "resource", Resource::parse)?,
        scope: parsed(row, "scope", Scope::parse)?,
        given_at: time(row, "given_at")?,
    })
}
