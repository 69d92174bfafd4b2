//! What stays between two starts: tokens by issuer and resource, registrations by issuer, and which issuer a
//! pre-registered client belongs to (MCP "Authorization Server Binding"). All in private files.

use jiff::{SignedDuration, Timestamp};
use ring::digest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{fmt::Write as _, path::Path};

use super::{
    client::{ClientAuthentication, ClientCredentials, ClientSecret},
    loopback::RedirectUri,
    private_files::{PrivateFileError, PrivateFolder},
    registration::RegisteredClient,
    scope::Scope,
    token::AccessToken,
};

/// A token with less than this left is not worth using.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// The two folders.
#[derive(Clone, Debug)]
pub struct TokenStore {
    tokens: PrivateFolder,
    clients: PrivateFolder,
}

/// A token, and what it is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// Who issued it.
    pub issuer: String,
    /// What it is for.
    pub resource: String,
    /// The client it was issued to.
    pub client_id: String,
    /// The scope that was asked for (less may have been granted).
    pub requested_scope: Option<Scope>,
    /// When it ends, if the issuer said so.
    pub expires_at: Option<Timestamp>,
    /// The token.
    pub access_token: AccessToken,
}

#[derive(Deserialize, Serialize)]
struct TokenFile {
    issuer: String,
    resource: String,
    client_id: String,
    requested_scope: Option<String>,
    expires_at: Option<i64>,
    access_token: String,
}

#[derive(Deserialize, Serialize)]
struct ClientFile {
    issuer: String,
    redirect_uri: String,
    client_id: String,
    client_secret: Option<String>,
    client_secret_expires_at: Option<i64>,
    token_endpoint_auth_method: String,
}

#[derive(Deserialize, Serialize)]
struct BindingFile {
    client_id: String,
    issuer: String,
}

impl TokenStore {
    /// Opens the store below `folder`.
    ///
    /// # Errors
    /// When the folders cannot be made, or others may read them.
    pub fn open(folder: &Path) -> Result<Self, PrivateFileError> {
        Ok(Self {
            tokens: PrivateFolder::open(folder.join("tokens"))?,
            clients: PrivateFolder::open(folder.join("clients"))?,
        })
    }

    /// The token of `issuer` for `resource` that is still good at `now` and was asked for with at least `scope`.
    ///
    /// # Errors
    /// When the file cannot be read, or others may read it.
    pub fn token(
        &self,
        issuer: &str,
        resource: &str,
        scope: Option<&Scope>,
        now: Timestamp,
    ) -> Result<Option<StoredToken>, PrivateFileError> {
        let file: Option<TokenFile> = read(&self.tokens, &file_name(&["token", issuer, resource]))?;
        Ok(file
            .filter(|file| file.issuer == issuer && file.resource == resource)
            .and_then(StoredToken::from_file)
            .filter(|token| token.is_good(scope, now)))
    }

    /// Keeps `token`, in place of the one before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_token(&self, token: &StoredToken) -> Result<(), PrivateFileError> {
        let file = TokenFile {
            issuer: token.issuer.clone(),
            resource: token.resource.clone(),
            client_id: token.client_id.clone(),
            requested_scope: token.requested_scope.as_ref().map(ToString::to_string),
            expires_at: token.expires_at.map(Timestamp::as_second),
            access_token: token.access_token.reveal().to_owned(),
        };
        write(&self.tokens, &file_name(&["token", &token.issuer, &token.resource]), &file)
    }

    /// Forgets the token of `issuer` for `resource`.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn forget_token(&self, issuer: &str, resource: &str) -> Result<(), PrivateFileError> {
        self.tokens.remove(&file_name(&["token", issuer, resource]))
    }

    /// The registration at `issuer` for `redirect_uri` whose secret is still good at `now`.
    ///
    /// # Errors
    /// When the file cannot be read, or others may read it.
    pub fn client(
        &self,
        issuer: &str,
        redirect_uri: &RedirectUri,
        now: Timestamp,
    ) -> Result<Option<RegisteredClient>, PrivateFileError> {
        let file: Option<ClientFile> = read(&self.clients, &file_name(&["client", issuer]))?;
        let good = |file: &ClientFile| {
            let alive = file.client_secret_expires_at.is_none_or(|at| at > now.as_second());
            file.issuer == issuer && file.redirect_uri == redirect_uri.as_str() && alive
        };
        Ok(file.filter(good).and_then(|file| {
            Some(RegisteredClient {
                method: ClientAuthentication::parse(&file.token_endpoint_auth_method)?,
                secret_expires_at: file.client_secret_expires_at,
                credentials: ClientCredentials {
                    secret: file.client_secret.as_deref().and_then(ClientSecret::new),
                    id: file.client_id,
                },
            })
        }))
    }

    /// Keeps a registration.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep_client(
        &self,
        issuer: &str,
        redirect_uri: &RedirectUri,
        client: &RegisteredClient,
    ) -> Result<(), PrivateFileError> {
        let file = ClientFile {
            issuer: issuer.to_owned(),
            redirect_uri: redirect_uri.as_str().to_owned(),
            client_id: client.credentials.id.clone(),
            client_secret: client.credentials.secret.as_ref().map(|secret| secret.reveal().to_owned()),
            client_secret_expires_at: client.secret_expires_at,
            token_endpoint_auth_method: client.method.as_str().to_owned(),
        };
        write(&self.clients, &file_name(&["client", issuer]), &file)
    }

    /// Forgets the registration at `issuer`.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn forget_client(&self, issuer: &str) -> Result<(), PrivateFileError> {
        self.clients.remove(&file_name(&["client", issuer]))
    }

    /// The issuer that a pre-registered client is used with; the first one asked is kept.
    ///
    /// # Errors
    /// When the file can be neither read nor written.
    pub fn bind_client(&self, client_id: &str, issuer: &str) -> Result<String, PrivateFileError> {
        let name = file_name(&["binding", client_id]);
        if let Some(BindingFile { issuer, .. }) = read(&self.clients, &name)? {
            return Ok(issuer);
        }
        let file = BindingFile { client_id: client_id.to_owned(), issuer: issuer.to_owned() };
        write(&self.clients, &name, &file).map(|()| file.issuer)
    }
}

impl StoredToken {
    fn from_file(file: TokenFile) -> Option<Self> {
        Some(Self {
            access_token: AccessToken::parse(&file.access_token)?,
            expires_at: file.expires_at.map(Timestamp::from_second).transpose().ok()?,
            requested_scope: file.requested_scope.as_deref().and_then(Scope::parse),
            issuer: file.issuer,
            resource: file.resource,
            client_id: file.client_id,
        })
    }

    fn is_good(&self, scope: Option<&Scope>, now: Timestamp) -> bool {
        let held = self.requested_scope.as_ref().map_or(&[][..], Scope::tokens);
        let covers = scope.is_none_or(|wanted| wanted.tokens().iter().all(|token| held.contains(token)));
        covers && self.expires_at.is_none_or(|end| now.saturating_add(MARGIN).is_ok_and(|soon| soon < end))
    }
}

/// Names made of hostile text are hashed, so that they cannot leave the folder; lengths keep the parts apart.
fn file_name(parts: &[&str]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut name = String::with_capacity(69);
    for byte in context.finish().as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name + ".json"
}

/// A file that is not ours, or from another version, counts as absent.
fn read<T: DeserializeOwned>(folder: &PrivateFolder, name: &str) -> Result<Option<T>, PrivateFileError> {
    Ok(folder.read(name)?.and_then(|content| serde_json::from_slice(&content).ok()))
}

fn write<T: Serialize>(folder: &PrivateFolder, name: &str, file: &T) -> Result<(), PrivateFileError> {
    folder.write(name, &serde_json::to_vec(file).unwrap_or_default())
}

#[cfg(test)]
mod tests;
