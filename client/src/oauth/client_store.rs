//! Registrations that stay between two starts, by issuer, and which issuer a pre-registered client belongs to (MCP
//! "Authorization Server Binding"), in private files.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::path::Path;

use super::{
    client::{ClientAuthentication, ClientCredentials, ClientSecret},
    loopback::RedirectUri,
    private_files::{PrivateFileError, PrivateFolder},
    registration::RegisteredClient,
    vault::Vault,
};

/// The folder `clients`.
#[derive(Clone, Debug)]
pub struct ClientStore(PrivateFolder);

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

impl ClientStore {
    /// Opens the store below `folder`.
    ///
    /// # Errors
    /// When the folder cannot be made, or others may read it.
    pub fn open(folder: &Path) -> Result<Self, PrivateFileError> {
        Self::open_in(folder, &Vault::Files)
    }

    /// As [`Self::open`], with what is secret in `vault`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_in(folder: &Path, vault: &Vault) -> Result<Self, PrivateFileError> {
        PrivateFolder::open_in(folder.join("clients"), vault).map(Self)
    }

    /// A store that ends with this process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(PrivateFolder::in_memory())
    }

    /// The registration at `issuer` for `redirect_uri` whose secret is still good at `now`.
    ///
    /// # Errors
    /// When the file cannot be read, or others may read it.
    pub fn find(
        &self,
        issuer: &str,
        redirect_uri: &RedirectUri,
        now: Timestamp,
    ) -> Result<Option<RegisteredClient>, PrivateFileError> {
        let file: Option<ClientFile> = self.0.read_json(&["client", issuer])?;
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
    pub fn keep(
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
        self.0.write_json(&["client", issuer], &file)
    }

    /// Forgets the registration at `issuer`.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn forget(&self, issuer: &str) -> Result<(), PrivateFileError> {
        self.0.remove_json(&["client", issuer])
    }

    /// The issuer that a pre-registered client is used with; the first one asked is kept.
    ///
    /// # Errors
    /// When the file can be neither read nor written.
    pub fn bind(&self, client_id: &str, issuer: &str) -> Result<String, PrivateFileError> {
        if let Some(BindingFile { issuer, .. }) = self.0.read_json(&["binding", client_id])? {
            return Ok(issuer);
        }
        let file = BindingFile { client_id: client_id.to_owned(), issuer: issuer.to_owned() };
        self.0.write_json(&["binding", client_id], &file).map(|()| file.issuer)
    }
}

#[cfg(test)]
mod tests;
