//! Tokens that stay between two starts, by issuer and resource, in private files.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::path::Path;

use super::{
    dpop::PossessionKey,
    grant::GrantName,
    private_files::{FileLock, PrivateFileError, PrivateFolder},
    scope::Scope,
    token::{AccessToken, RefreshToken},
    vault::Vault,
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
    /// The way that led to it; another way would lead to a token for somebody else.
    pub grant: GrantName,
    /// The scope that was asked for (less may have been granted).
    pub requested_scope: Option<Scope>,
    /// The scope that was granted, if the issuer said that it is another one.
    pub granted_scope: Option<Scope>,
    /// When it ends, if the issuer said so.
    pub expires_at: Option<Timestamp>,
    /// The token.
    pub access_token: AccessToken,
    /// For the next one.
    pub refresh_token: Option<RefreshToken>,
    /// The key that both are bound to, if they are (RFC 9449).
    pub possession_key: Option<PossessionKey>,
}

#[derive(Deserialize, Serialize)]
struct TokenFile {
    issuer: String,
    resource: String,
    client_id: String,
    grant: Option<String>,
    requested_scope: Option<String>,
    granted_scope: Option<String>,
    expires_at: Option<i64>,
    access_token: String,
    refresh_token: Option<String>,
    possession_key: Option<String>,
}

impl TokenStore {
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
        PrivateFolder::open_in(folder.join("tokens"), vault).map(Self)
    }

    /// A store that ends with this process.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(PrivateFolder::in_memory())
    }

    /// The token of `issuer` for `resource`, in time or not.
    ///
    /// # Errors
    /// When the file cannot be read, or others may read it.
    pub fn find(&self, issuer: &str, resource: &str) -> Result<Option<StoredToken>, PrivateFileError> {
        let file: Option<TokenFile> = self.0.read_json(&[issuer, resource])?;
        Ok(file.filter(|file| file.issuer == issuer && file.resource == resource).and_then(StoredToken::from_file))
    }

    /// Holds every other process and task off the token of `issuer` for `resource` until the lock is dropped, so that
    /// a refresh token is used by one of them.
    ///
    /// # Errors
    /// When there can be no lock file.
    pub async fn lock(&self, issuer: &str, resource: &str) -> Result<FileLock, PrivateFileError> {
        self.0.lock(&[issuer, resource]).await
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
            grant: Some(token.grant.as_str().to_owned()),
            requested_scope: token.requested_scope.as_ref().map(ToString::to_string),
            granted_scope: token.granted_scope.as_ref().map(ToString::to_string),
            expires_at: token.expires_at.map(Timestamp::as_second),
            access_token: token.access_token.reveal().to_owned(),
            refresh_token: token.refresh_token.as_ref().map(|token| token.reveal().to_owned()),
            possession_key: token.possession_key.as_ref().map(|key| key.reveal().to_owned()),
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

/// Whether a token that ends at `end` is still good for a while at `now`; one without an end is.
#[must_use]
pub fn in_time(end: Option<Timestamp>, now: Timestamp) -> bool {
    end.is_none_or(|end| now.saturating_add(MARGIN).is_ok_and(|soon| soon < end))
}

impl StoredToken {
    fn from_file(file: TokenFile) -> Option<Self> {
        Some(Self {
            access_token: AccessToken::parse(&file.access_token)?,
            expires_at: file.expires_at.map(Timestamp::from_second).transpose().ok()?,
            refresh_token: file.refresh_token.as_deref().and_then(RefreshToken::parse),
            requested_scope: file.requested_scope.as_deref().and_then(Scope::parse),
            granted_scope: file.granted_scope.as_deref().and_then(Scope::parse),
            grant: file.grant.map_or(Some(GrantName::default()), |name| GrantName::parse(&name))?,
            possession_key: file.possession_key.map(PossessionKey::kept),
            issuer: file.issuer,
            resource: file.resource,
            client_id: file.client_id,
        })
    }

    /// Whether it was asked for with at least `scope`.
    #[must_use]
    pub fn covers(&self, scope: Option<&Scope>) -> bool {
        scope.is_none_or(|wanted| self.requested_scope.as_ref().is_some_and(|held| held.holds(wanted)))
    }

    /// Whether it is still good for a while at `now`.
    #[must_use]
    pub fn is_in_time(&self, now: Timestamp) -> bool {
        in_time(self.expires_at, now)
    }
}

#[cfg(test)]
mod tests;
