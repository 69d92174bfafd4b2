//! The refresh token grant (RFC 6749 §6, OAuth 2.1 §4.3, RFC 8707 §2.2): each use replaces the token.

use super::{Issuance, TokenError};
use crate::{
    client_authentication::AuthenticatedClient,
    domain::{Grant, RefreshFamily, RefreshToken, Refreshing, Rotation},
    protocol::{ErrorCode, GrantType, Parameters, Scope},
    resources::ResourceList,
    services::Services,
};
use jiff::Timestamp;
use ring::error::Unspecified;

/// The first refresh token under `grant` and its family, if `client` may use refresh tokens. The family begins when the
/// store is given it.
pub(super) fn begin(
    services: &Services,
    client: &AuthenticatedClient,
    grant: &Grant,
    now: Timestamp,
) -> Result<Option<(RefreshToken, RefreshFamily)>, Unspecified> {
    if !client.registration().grant_types.contains(&GrantType::RefreshToken) {
        return Ok(None);
    }
    let first = RefreshToken::generate(services.random.as_ref())?;
    let family = RefreshFamily::begin(&first, grant.clone(), now + services.settings.refresh_token_ttl);
    Ok(Some((first, family)))
}

/// Replaces a refresh token: load, decide, commit.
///
/// # Errors
/// The first rule that the request breaks. A token that was replaced before ends its grant; a request that is wrong in
/// other ways changes nothing.
pub(super) async fn refresh(
    services: &Services,
    client: &AuthenticatedClient,
    request: &RefreshRequest,
) -> Result<Issuance, TokenError> {
    let presented = request.token.as_ref().ok_or(RefreshRejected::Unknown)?;
    let family = services.store.refresh_family(&presented.family()).await?.ok_or(RefreshRejected::Unknown)?;
    let next = presented.next(services.random.as_ref())?;
    let now = services.now();
    let refreshing = Refreshing {
        family: presented.family(),
        presented: presented.hash(),
        client_id: client.id().clone(),
        next: next.hash(),
        next_expires_at: now + services.settings.refresh_token_ttl,
        grace: services.settings.refresh_grace,
    };
    let narrowed = request.narrow(&family.grant, &services.resources.current());
    // A token that is not the good one goes on to the store whatever else is wrong: reuse has to end the grant.
    if family.judge(&refreshing, now) == Rotation::Rotated
        && let Err(rejected) = narrowed
    {
        return Err(rejected.into());
    }
    match services.store.rotate(&refreshing, now).await? {
        Rotation::Rotated => {
            Ok(Issuance { scope: narrowed?, grant: family.grant, refresh_token: Some(next), sign_in: None })
        }
        Rotation::Spared => Err(RefreshRejected::Replaced.into()),
        Rotation::Dead => Err(RefreshRejected::Dead.into()),
        Rotation::Reused => {
            let grant_id = family.grant.id.as_str();
            tracing::warn!(client_id = %client.id(), grant_id, "refresh token reused, grant revoked");
            Err(RefreshRejected::Reused.into())
        }
    }
}

/// The parameters of the grant.
#[derive(Debug)]
pub(super) struct RefreshRequest {
    /// `None` if what was sent cannot be a token of ours.
    token: Option<RefreshToken>,
    scope: Option<String>,
    resources: Vec<String>,
}

/// Why a refresh token is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRejected {
    /// No such token.
    #[error("unknown refresh token")]
    Unknown,
    /// It is too old, or its grant was revoked.
    #[error("the refresh token expired, or its grant was revoked")]
    Dead,
    /// It was replaced a moment ago.
    #[error("the refresh token was replaced a moment ago")]
    Replaced,
    /// It was replaced before, or is another client's: its grant is revoked.
    #[error("the refresh token was used twice or is another client's")]
    Reused,
    /// More than was granted is asked for.
    #[error("scope is more than was granted")]
    ScopeWidened,
    /// It was granted for another resource, or for one that is not served any more.
    #[error("resource differs from what was granted, or is gone")]
    ResourceMismatch,
}

impl RefreshRejected {
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::ScopeWidened => ErrorCode::InvalidScope,
            Self::ResourceMismatch => ErrorCode::InvalidTarget,
            Self::Unknown | Self::Dead | Self::Replaced | Self::Reused => ErrorCode::InvalidGrant,
        }
    }
}

impl RefreshRequest {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, TokenError> {
        let token = parameters.once("refresh_token")?.ok_or(TokenError::Missing("refresh_token"))?;
        Ok(Self {
            token: RefreshToken::parse(token),
            scope: parameters.once("scope")?.map(str::to_owned),
            resources: parameters.all("resource").map(str::to_owned).collect(),
        })
    }

    /// The scope of the new access token. RFC 6749 §6: MUST NOT include any scope not originally granted, which a
    /// narrow one is that the granted one implies; the refresh token itself keeps what was granted.
    fn narrow(&self, grant: &Grant, resources: &ResourceList) -> Result<Scope, RefreshRejected> {
        // An operator may have taken the resource away since.
        let resource = resources.find(grant.resource.as_str()).ok_or(RefreshRejected::ResourceMismatch)?;
        if self.resources.iter().any(|sent| sent != grant.resource.as_str()) {
            return Err(RefreshRejected::ResourceMismatch);
        }
        let Some(raw) = &self.scope else { return Ok(grant.scope.clone()) };
        let asked = Scope::parse(raw).map_err(|_| RefreshRejected::ScopeWidened)?;
        let granted = grant.scope.contains_all(&asked) || resource.scopes.covers(&grant.scope, &asked);
        if granted { Ok(asked) } else { Err(RefreshRejected::ScopeWidened) }
    }
}

#[cfg(test)]
mod tests;
