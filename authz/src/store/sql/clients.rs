//! The table of clients.

use super::{
    SqlStore, StoreError, direct, recent,
    row::{join, list, optional, optional_text, origin_word, parsed, read_origin, time},
};
use crate::{
    domain::{ClientAuthentication, ClientKeys, ClientStanding, RegisteredClient, RegistrationAccessHash},
    protocol::{
        ApplicationType, AuthenticationMethod, ClientId, ClientSecretHash, GrantType, RedirectUri, Resource, Scope,
    },
    store::ClientStore,
};
use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::{Any, Executor, Transaction, any::AnyRow};
use url::Url;

#[async_trait]
impl ClientStore for SqlStore {
    async fn client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError> {
        let now = self.recent.version();
        if let Some(client) = self.recent.find(now, |kept| kept.clients.get(id)) {
            return Ok(Some(client));
        }
        let query = sqlx::query("SELECT * FROM clients WHERE id = $1").bind(id.as_str());
        let client = query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()?;
        if let Some(client) = client.as_ref().filter(|client| recent::is_small(client)) {
            self.recent.keep(now, |kept| kept.clients.insert(id.clone(), client.clone()));
        }
        Ok(client)
    }

    async fn clients(&self) -> Result<Vec<RegisteredClient>, StoreError> {
        let query = sqlx::query("SELECT * FROM clients ORDER BY registered_at, id");
        query.fetch_all(&self.reader).await?.iter().map(read).collect()
    }

    async fn add_client(&self, client: &RegisteredClient) -> Result<(), StoreError> {
        insert(&mut *self.writer.acquire().await?, client).await
    }

    async fn put_client(&self, client: &RegisteredClient) -> Result<bool, StoreError> {
        Ok(write(&mut *self.writer.acquire().await?, PUT, client).await? == 1)
    }

    async fn replace_client(&self, client: &RegisteredClient, now: Timestamp) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let found = write(&mut *transaction, REPLACE, client).await? == 1;
        if found && client.standing != ClientStanding::Active {
            cut_off(&mut transaction, &client.id, now).await?;
        }
        transaction.commit().await?;
        Ok(found)
    }

    async fn set_client_standing(
        &self,
        id: &ClientId,
        standing: ClientStanding,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let update = sqlx::query("UPDATE clients SET standing = $1 WHERE id = $2");
        let update = update.bind(standing.as_str()).bind(id.as_str());
        let found = update.execute(&mut *transaction).await?.rows_affected() == 1;
        if standing != ClientStanding::Active {
            cut_off(&mut transaction, id, now).await?;
        }
        transaction.commit().await?;
        Ok(found)
    }

    async fn delete_client(&self, id: &ClientId) -> Result<bool, StoreError> {
        let query = sqlx::query("DELETE FROM clients WHERE id = $1").bind(id.as_str());
        Ok(self.writer.execute(query).await? == 1)
    }

    async fn client_used(&self, id: &ClientId, now: Timestamp) -> Result<(), StoreError> {
        mark_used(&mut *self.writer.acquire().await?, id, now).await
    }

    async fn forget_configured_clients(&self, keep: &[ClientId]) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let query = sqlx::query("SELECT id FROM clients WHERE origin = 'configuration'");
        let mut forgotten = 0;
        for row in query.fetch_all(&mut *transaction).await? {
            let id = parsed(&row, "id", ClientId::parse)?;
            if !keep.contains(&id) {
                let delete = sqlx::query("DELETE FROM clients WHERE id = $1").bind(id.as_str());
                forgotten += delete.execute(&mut *transaction).await?.rows_affected();
            }
        }
        transaction.commit().await?;
        Ok(forgotten)
    }

    async fn sweep_clients(&self, unused_since: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let query = sqlx::query(SWEEP).bind(unused_since.as_second()).bind(i64::from(limit));
        Ok(self.writer.execute(query).await?)
    }
}

const ADD: &str = "INSERT INTO clients (id, name, uri, secret_hash, methods, redirect_uris, grant_types, scope, \
    application_type, introspects, origin, registered_at, standing, registration_access, jwks, jwks_uri) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const PUT: &str = "INSERT INTO clients (id, name, uri, secret_hash, methods, redirect_uris, grant_types, scope, \
    application_type, introspects, origin, registered_at, standing, registration_access, jwks, jwks_uri) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, uri = excluded.uri, secret_hash = excluded.secret_hash, \
    methods = excluded.methods, redirect_uris = excluded.redirect_uris, grant_types = excluded.grant_types, \
    scope = excluded.scope, application_type = excluded.application_type, introspects = excluded.introspects, \
    jwks = excluded.jwks, jwks_uri = excluded.jwks_uri \
    WHERE clients.origin = excluded.origin";

/// Adds a client whose id is new.
pub(super) async fn insert<'c>(
    executor: impl Executor<'c, Database = Any>,
    client: &RegisteredClient,
) -> Result<(), StoreError> {
    write(executor, ADD, client).await?;
    Ok(())
}

const REPLACE: &str = "UPDATE clients SET name = $2, uri = $3, secret_hash = $4, methods = $5, redirect_uris = $6, \
    grant_types = $7, scope = $8, application_type = $9, introspects = $10, registered_at = $12, standing = $13, \
    registration_access = $14, jwks = $15, jwks_uri = $16 WHERE id = $1 AND origin = $11 AND origin = 'self' AND standing <> 'disabled'";

const SWEEP: &str = "DELETE FROM clients WHERE id IN (SELECT id FROM clients \
    WHERE origin IN ('self', 'document') AND registered_at <= $1 AND (last_used_at IS NULL OR last_used_at <= $1) \
    AND NOT EXISTS (SELECT 1 FROM grants WHERE grants.client_id = clients.id AND grants.revoked_at IS NULL) LIMIT $2)";

/// How many rows were written.
async fn write<'c>(
    executor: impl Executor<'c, Database = Any>,
    statement: &'static str,
    client: &RegisteredClient,
) -> Result<u64, StoreError> {
    let (secret_hash, jwks, jwks_uri) = match &client.authentication {
        ClientAuthentication::Public => (None, None, None),
        ClientAuthentication::Secret { hash, .. } => (Some(hash.as_str().to_owned()), None, None),
        ClientAuthentication::PrivateKey { keys: ClientKeys::Set(document) } => (None, Some(document.clone()), None),
        ClientAuthentication::PrivateKey { keys: ClientKeys::At(url) } => (None, None, Some(url.to_string())),
    };
    let query = sqlx::query(statement)
        .bind(client.id.as_str())
        .bind(client.name.clone())
        .bind(client.uri.clone())
        .bind(secret_hash)
        .bind(join(client.authentication.methods().iter().map(|method| method.as_str())))
        .bind(join(client.redirect_uris.iter().map(RedirectUri::as_str)))
        .bind(join(client.grant_types.iter().map(|grant_type| grant_type.as_str())))
        .bind(client.scope.to_string())
        .bind(client.application_type.as_str())
        .bind(client.introspects.as_ref().map(|resource| resource.as_str().to_owned()))
        .bind(origin_word(client.origin))
        .bind(client.registered_at.as_second())
        .bind(client.standing.as_str())
        .bind(client.registration_access.as_ref().map(|hash| hash.as_str().to_owned()))
        .bind(jwks)
        .bind(jwks_uri);
    Ok(query.execute(executor).await?.rows_affected())
}

/// A client that is not active any more: what it was given is over, and what people are being asked for it too.
async fn cut_off(transaction: &mut Transaction<'static, Any>, id: &ClientId, now: Timestamp) -> Result<(), StoreError> {
    // Whoever comes back is asked again.
    let forget = sqlx::query("DELETE FROM consents WHERE client_id = $1");
    forget.bind(id.as_str()).execute(&mut **transaction).await?;
    let revoke = sqlx::query("UPDATE grants SET revoked_at = $1 WHERE client_id = $2 AND revoked_at IS NULL");
    revoke.bind(now.as_second()).bind(id.as_str()).execute(&mut **transaction).await?;
    let forget = sqlx::query("DELETE FROM pending_authorizations WHERE client_id = $1");
    forget.bind(id.as_str()).execute(&mut **transaction).await?;
    direct::cut_off_client(transaction, id, now).await
}

/// Somebody let the client in. Written once a day at most, and only where it decides how long the client is kept.
pub(super) async fn mark_used<'c>(
    executor: impl Executor<'c, Database = Any>,
    id: &ClientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = "UPDATE clients SET last_used_at = $1 \
        WHERE id = $2 AND origin IN ('self', 'document') AND (last_used_at IS NULL OR last_used_at < $1 - 86400)";
    sqlx::query(statement).bind(now.as_second()).bind(id.as_str()).execute(executor).await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<RegisteredClient, StoreError> {
    Ok(RegisteredClient {
        id: parsed(row, "id", ClientId::parse)?,
        name: optional_text(row, "name")?,
        uri: optional_text(row, "uri")?,
        authentication: read_authentication(row)?,
        redirect_uris: list(row, "redirect_uris", RedirectUri::from_store)?,
        grant_types: list(row, "grant_types", GrantType::parse)?,
        scope: parsed(row, "scope", Scope::parse)?,
        application_type: parsed(row, "application_type", ApplicationType::parse)?,
        introspects: optional(row, "introspects", Resource::parse)?,
        origin: parsed(row, "origin", read_origin)?,
        standing: parsed(row, "standing", ClientStanding::parse)?,
        registration_access: optional_text(row, "registration_access")?.map(RegistrationAccessHash::from_store),
        registered_at: time(row, "registered_at")?,
    })
}

fn read_authentication(row: &AnyRow) -> Result<ClientAuthentication, StoreError> {
    let methods = list(row, "methods", AuthenticationMethod::parse)?;
    let keys = match (optional_text(row, "jwks")?, optional(row, "jwks_uri", Url::parse)?) {
        (Some(document), None) => Some(ClientKeys::Set(document)),
        (None, Some(url)) => Some(ClientKeys::At(url)),
        (None, None) => None,
        (Some(_), Some(_)) => return Err(StoreError::Unreadable("jwks_uri")),
    };
    match (optional_text(row, "secret_hash")?, keys) {
        (Some(hash), None) => Ok(ClientAuthentication::Secret { hash: ClientSecretHash::from_store(hash), methods }),
        (None, Some(keys)) => Ok(ClientAuthentication::PrivateKey { keys }),
        (None, None) if methods == [AuthenticationMethod::None] => Ok(ClientAuthentication::Public),
        // Never let a confidential client that lost its secret become a public one.
        (None, None) | (Some(_), Some(_)) => Err(StoreError::Unreadable("secret_hash")),
    }
}
