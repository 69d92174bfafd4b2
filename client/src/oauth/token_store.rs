//! Tokens that stay between two starts, by issuer and resource, in private files.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::Path;

use super::{
    private_files::{PrivateFileError, PrivateFolder},
    scope::Scope,
    token::AccessToken,
};

/// A token with less than this left is not worth using.
const MARGIN: SignedDuration = SignedDuration::from_secs(30);

/// The folder `tokens`.
#[derive(Clone, Debug)]
pub struct TokenStore(PrivateFolder);

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

impl TokenStore {
    /// Opens the store below `folder`.
    ///
    /// # Errors
    /// When the folder cannot be made, or others may read it.
    pub fn open(folder: &Path) -> Result<Self, PrivateFileError> {
        PrivateFolder::open(folder.join("tokens")).map(Self)
    }

    /// The token of `issuer` for `resource` that is still good at `now` and was asked for with at least `scope`.
    ///
    /// # Errors
    /// When the file cannot be read, or others may read it.
    pub fn find(
        &self,
        issuer: &str,
        resource: &str,
        scope: Option<&Scope>,
        now: Timestamp,
    ) -> Result<Option<StoredToken>, PrivateFileError> {
        let file: Option<TokenFile> = self.0.read_json(&[issuer, resource])?;
        Ok(file
            .filter(|file| file.issuer == issuer && file.resource == resource)
            .and_then(StoredToken::from_file)
            .filter(|token| token.is_good(scope, now)))
    }

    /// Keeps `token`, in place of the one before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, token: &StoredToken) -> Result<(), PrivateFileError> {
        let file = TokenFile {
            issuer: token.issuer.clone(),
            resource: token.resource.clone(),
            client_id: token.client_id.clone(),
            requested_scope: token.requested_scope.as_ref().map(ToString::to_string),
            expires_at: token.expires_at.map(Timestamp::as_second),
            access_token: token.access_token.reveal().to_owned(),
        };
        self.0.write_json(&[&token.issuer, &token.resource], &file)
    }

    /// Forgets the token of `issuer` for `resource`.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn forget(&self, issuer: &str, resource: &str) -> Result<(), PrivateFileError> {
        self.0.remove_json(&[issuer, resource])
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

#[cfg(test)]
mod tests;
