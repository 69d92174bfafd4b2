//! The table of resources.

use super::{
    SqlStore, StoreError, clients, direct,
    row::{optional, parsed, text},
};
use crate::{
    domain::{DisplayName, RegisteredClient, ResourceScopes, ServedResource},
    protocol::{Resource, Scope, ScopeToken},
    store::ResourceStore,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::any::AnyRow;

#[async_trait]
impl ResourceStore for SqlStore {
    async fn resources(&self) -> Result<Vec<ServedResource>, StoreError> {
        let rows = sqlx::query("SELECT * FROM resources ORDER BY id").fetch_all(&self.reader).await?;
        rows.iter().map(read).collect()
    }

    async fn put_resource(
        &self,
        resource: &ServedResource,
        introspects_as: Option<&RegisteredClient>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(PUT)
            .bind(resource.id.as_str())
            .bind(resource.name.as_ref().map(|name| name.as_str().to_owned()))
            .bind(resource.scopes.all().to_string())
            .bind(pairs(&resource.scopes))
            .execute(&mut *transaction)
            .await?;
        if let Some(client) = introspects_as {
            clients::insert(&mut *transaction, client).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn remove_resource(&self, id: &Resource, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let resource = sqlx::query("DELETE FROM resources WHERE id = $1");
        if resource.bind(id.as_str()).execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let clients = sqlx::query("DELETE FROM clients WHERE introspects = $1 AND origin = 'operator'");
        clients.bind(id.as_str()).execute(&mut *transaction).await?;
        let consents = sqlx::query("DELETE FROM consents WHERE resource = $1");
        consents.bind(id.as_str()).execute(&mut *transaction).await?;
        let grants = sqlx::query("UPDATE grants SET revoked_at = $1 WHERE resource = $2 AND revoked_at IS NULL");
        grants.bind(now.as_second()).bind(id.as_str()).execute(&mut *transaction).await?;
        direct::cut_off_resource(&mut transaction, id, now).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

const PUT: &str = "INSERT INTO resources (id, name, scopes, implied) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, scopes = excluded.scopes, implied = excluded.implied";

fn read(row: &AnyRow) -> Result<ServedResource, StoreError> {
    let all = parsed(row, "scopes", Scope::parse)?;
    let implied = read_pairs(&text(row, "implied")?).and_then(|pairs| ResourceScopes::new(all, pairs).ok());
    Ok(ServedResource {
        id: parsed(row, "id", Resource::parse)?,
        name: optional(row, "name", DisplayName::parse)?,
        scopes: implied.ok_or(StoreError::Unreadable("implied"))?,
    })
}

/// `broad narrow` a line: no scope has a space.
fn pairs(scopes: &ResourceScopes) -> String {
    let lines = scopes.implied().iter().map(|(broad, narrow)| format!("{} {}", broad.as_str(), narrow.as_str()));
    lines.collect::<Vec<_>>().join("\n")
}

fn read_pairs(stored: &str) -> Option<Vec<(ScopeToken, ScopeToken)>> {
    let pair = |line: &str| {
        let (broad, narrow) = line.split_once(' ')?;
        Some((ScopeToken::parse(broad).ok()?, ScopeToken::parse(narrow).ok()?))
    };
    stored.lines().map(pair).collect()
}
