//! A token from an earlier sign-in: used while it is good, renewed with its refresh token by one caller at a time
//! (OAuth 2.1 §4.3), given back at the end (RFC 7009).

use super::{About, ClientChoice, Held, Reuse, SignIn, SignInError};
use crate::oauth::{
    challenge::BearerChallenge,
    discovery::ResourceMetadata,
    dpop::Possession,
    revocation,
    scope::Scope,
    signing::NotSigned,
    token::{AccessToken, TokenError, TokenGrant},
    token_store::StoredToken,
};

impl SignIn {
    /// The kept token, or the one that its refresh token gives; `None` when the person has to sign in.
    pub(super) async fn kept(
        &self,
        resource: &ResourceMetadata,
        scope: Option<&Scope>,
        reuse: Reuse<'_>,
    ) -> Result<Option<Held>, SignInError> {
        let refused = match reuse {
            Reuse::Kept => None,
            Reuse::Except(token) => Some(token),
            Reuse::Never => return Ok(None),
        };
        let Some(stored) = self.stored(resource, scope)? else { return Ok(None) };
        if self.is_good(&stored, refused) {
            return Ok(self.recall(stored));
        }
        if stored.refresh_token.is_none() {
            return Ok(None);
        }
        let _lock = self.tokens.lock(&stored.issuer, &stored.resource).await?;
        // Whoever held the lock before may have renewed the token, or forgotten it.
        match self.stored(resource, scope)? {
            Some(stored) if self.is_good(&stored, refused) => Ok(self.recall(stored)),
            Some(stored) => self.renew(resource, stored).await,
            None => Ok(None),
        }
    }

    /// Gives the tokens for the server that sent `challenge` back to their issuer, and forgets them and the
    /// registration made there.
    ///
    /// # Errors
    /// When the server's metadata or the files cannot be read. Tokens that cannot be given back are forgotten all the
    /// same, and the person is told.
    pub async fn forget(&self, challenge: &BearerChallenge) -> Result<(), SignInError> {
        let resource = self.resource(challenge).await?;
        let issuer = resource.authorization_server.as_str();
        if let Some(stored) = self.tokens.find(issuer, &resource.resource)?
            && let Err(error) = self.give_back(&resource, &stored).await
        {
            (self.notice)(&format!("The token is forgotten here, but not revoked: {error}."));
        }
        self.tokens.forget(issuer, &resource.resource)?;
        Ok(self.clients.forget(issuer)?)
    }

    async fn renew(&self, resource: &ResourceMetadata, stored: StoredToken) -> Result<Option<Held>, SignInError> {
        let Some(refresh_token) = stored.refresh_token.clone() else { return Ok(None) };
        let issuer = self.issuer(resource).await?;
        let Some(client) = self.known(&issuer)?.filter(|client| client.credentials.id == stored.client_id) else {
            return Ok(None);
        };
        let grant = TokenGrant::RefreshToken(&refresh_token);
        let Ok(possession) = self.possession_of(&stored) else { return Ok(None) };
        match self.ask((&issuer, &stored.resource), Some(&client), grant, possession.as_ref()).await {
            Ok(mut response) => {
                // RFC 6749 §6: what the answer leaves out stays as it was.
                response.refresh_token.get_or_insert(refresh_token);
                response.scope = response.scope.or(stored.granted_scope);
                let (issuer, resource, client_id) = (&*stored.issuer, &*stored.resource, &*stored.client_id);
                let about = About { issuer, resource, client_id, possession: possession.as_ref() };
                Ok(Some(self.hold(response, about, stored.requested_scope)))
            }
            Err(SignInError::Token(TokenError::Refused { error, .. })) if is_final(&error) => {
                self.tokens.forget(&stored.issuer, &stored.resource)?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn give_back(&self, resource: &ResourceMetadata, stored: &StoredToken) -> Result<(), SignInError> {
        let issuer = self.issuer(resource).await?;
        let Some(endpoint) = &issuer.revocation_endpoint else { return Ok(()) };
        let client = self.known(&issuer)?;
        if client.as_ref().map_or("", |client| client.credentials.id.as_str()) != stored.client_id {
            return Ok(());
        }
        let proof = self.proof(client.as_ref(), &issuer.issuer)?;
        Ok(revocation::revoke(&self.http, endpoint, &proof, stored).await?)
    }

    /// The kept token; `None` when its key is not one any more.
    fn recall(&self, stored: StoredToken) -> Option<Held> {
        let possession = self.possession_of(&stored).ok()?;
        Some(Held::new(stored, true, possession))
    }

    /// The key that a kept token is bound to, if it is.
    pub(super) fn possession_of(&self, stored: &StoredToken) -> Result<Option<Possession>, NotSigned> {
        let Some(key) = &stored.possession_key else { return Ok(None) };
        Possession::from_kept(key.clone(), self.surroundings()).map(Some).ok_or(NotSigned)
    }

    /// The kept token, if it was asked for with at least `scope` and issued to the client of the settings.
    pub(super) fn stored(
        &self,
        resource: &ResourceMetadata,
        scope: Option<&Scope>,
    ) -> Result<Option<StoredToken>, SignInError> {
        let stored = self.tokens.find(resource.authorization_server.as_str(), &resource.resource)?;
        let ours = |token: &StoredToken| match &self.settings.client {
            ClientChoice::PreRegistered { credentials, .. } => token.client_id == credentials.id,
            ClientChoice::Nobody { .. } => token.client_id.is_empty(),
            ClientChoice::Demo(_) | ClientChoice::Dynamic => true,
        };
        let grant = self.settings.grant.name();
        let bound = |token: &StoredToken| token.possession_key.is_some() || !resource.dpop_required;
        Ok(stored.filter(|token| token.covers(scope) && ours(token) && token.grant == grant && bound(token)))
    }

    fn is_good(&self, stored: &StoredToken, refused: Option<&AccessToken>) -> bool {
        stored.is_in_time(self.clock.now()) && Some(&stored.access_token) != refused
    }
}

/// Whether a refusal says that this refresh token will never do again, as opposed to a server in trouble.
fn is_final(error: &str) -> bool {
    matches!(
        error,
        "invalid_grant" | "invalid_client" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope"
    )
}

#[cfg(test)]
mod tests;
