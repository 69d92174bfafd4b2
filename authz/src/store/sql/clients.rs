//! The table of clients.

use super::{
    SqlStore, StoreError,
    row::{join, list, optional, optional_text, origin_word, parsed, read_origin, time},
};
use crate::{
    domain::{ClientAuthentication, RegisteredClient},
    protocol::{
        ApplicationType, AuthenticationMethod, ClientId, ClientSecretHash, GrantType, RedirectUri, Resource, Scope,
    },
    store::ClientStore,
};
use async_trait::async_trait;
use sqlx::{Any, Executor, any::AnyRow};

#[async_trait]
impl ClientStore for SqlStore {
    async fn client(&self, id: &ClientId) -> Result<Option<RegisteredClient>, StoreError> {
        let query = sqlx::query("SELECT * FROM clients WHERE id = $1").bind(id.as_str());
        query.fetch_optional(&self.reader).await?.as_ref().map(read).transpose()
    }

    async fn clients(&self) -> Result<Vec<RegisteredClient>, StoreError> {
        let query = sqlx::query("SELECT * FROM clients ORDER BY registered_at, id");
        query.fetch_all(&self.reader).await?.iter().map(read).collect()
    }

    async fn add_client(&self, client: &RegisteredClient) -> Result<(), StoreError> {
        insert(&self.writer, client).await
    }

    async fn put_client(&self, client: &RegisteredClient) -> Result<(), StoreError> {
        write(&self.writer, PUT, client).await
    }
}

const ADD: &str = "INSERT INTO clients (id, name, uri, secret_hash, methods, redirect_uris, grant_types, scope, \
    application_type, introspects, origin, registered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const PUT: &str = "INSERT INTO clients (id, name, uri, secret_hash, methods, redirect_uris, grant_types, scope, \
    application_type, introspects, origin, registered_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, uri = excluded.uri, secret_hash = excluded.secret_hash, \
    methods = excluded.methods, redirect_uris = excluded.redirect_uris, grant_types = excluded.grant_types, \
    scope = excluded.scope, application_type = excluded.application_type, introspects = excluded.introspects \
    WHERE clients.origin = excluded.origin";

/// Adds a client whose id is new.
pub(super) async fn insert<'c>(
    executor: impl Executor<'c, Database = Any>,
    client: &RegisteredClient,
) -> Result<(), StoreError> {
    write(executor, ADD, client).await
}

async fn write<'c>(
    executor: impl Executor<'c, Database = Any>,
    statement: &'static str,
    client: &RegisteredClient,
) -> Result<(), StoreError> {
    let (secret_hash, methods) = match &client.authentication {
        ClientAuthentication::Public => (None, AuthenticationMethod::None.as_str().to_owned()),
        ClientAuthentication::Secret { hash, methods } => {
            (Some(hash.as_str().to_owned()), join(methods.iter().map(|method| method.as_str())))
        }
    };
    sqlx::query(statement)
        .bind(client.id.as_str())
        .bind(client.name.clone())
        .bind(client.uri.clone())
        .bind(secret_hash)
        .bind(methods)
        .bind(join(client.redirect_uris.iter().map(RedirectUri::as_str)))
        .bind(join(client.grant_types.iter().map(|grant_type| grant_type.as_str())))
        .bind(client.scope.to_string())
        .bind(client.application_type.as_str())
        .bind(client.introspects.as_ref().map(|resource| resource.as_str().to_owned()))
        .bind(origin_word(client.origin))
        .bind(client.registered_at.as_second())
        .execute(executor)
        .await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<RegisteredClient, StoreError> {
    Ok(RegisteredClient {
        id: parsed(row, "id", ClientId::parse)?,
        name: optional_text(row, "name")?,
        uri: optional_text(row, "uri")?,
        authentication: read_authentication(row)?,
        redirect_uris: list(row, "redirect_uris", RedirectUri::parse)?,
        grant_types: list(row, "grant_types", GrantType::parse)?,
        scope: parsed(row, "scope", Scope::parse)?,
        application_type: parsed(row, "application_type", ApplicationType::parse)?,
        introspects: optional(row, "introspects", Resource::parse)?,
        origin: parsed(row, "origin", read_origin)?,
        registered_at: time(row, "registered_at")?,
    })
}

fn read_authentication(row: &AnyRow) -> Result<ClientAuthentication, StoreError> {
    let methods = list(row, "methods", AuthenticationMethod::parse)?;
    match optional_text(row, "secret_hash")? {
        Some(hash) => Ok(ClientAuthentication::Secret { hash: ClientSecretHash::from_store(hash), methods }),
        None if methods == [AuthenticationMethod::None] => Ok(ClientAuthentication::Public),
        // Never let a confidential client that lost its secret become a public one.
        None => Err(StoreError::Unreadable("secret_hash")),
    }
}
