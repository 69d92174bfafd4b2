//! A token that may do less than the kept one, from the same grant (OAuth 2.1 §4.3.1).

use super::{SignIn, SignInError};
use crate::oauth::{
    challenge::BearerChallenge,
    discovery::resource_metadata,
    scope::Scope,
    token::{AccessToken, TokenGrant},
};

impl SignIn {
    /// A token for no more than `scope`, which is a part of what was granted; the kept one stays in use. `None` when
    /// there is no refresh token to ask with.
    ///
    /// # Errors
    /// The first thing that went wrong.
    pub async fn lesser_token(
        &self,
        challenge: &BearerChallenge,
        scope: &Scope,
    ) -> Result<Option<AccessToken>, SignInError> {
        // Where to ask is known since the sign-in, and was told then.
        let quiet = Self { http: self.http.silent(), ..self.clone() };
        let resource = resource_metadata::fetch(&quiet.http, &self.settings.server, challenge).await?;
        let Some(mut stored) = self.stored(&resource, None)? else { return Ok(None) };
        let Some(refresh_token) = stored.refresh_token.clone() else { return Ok(None) };
        let issuer = quiet.issuer(&resource).await?;
        let client = self.known(&issuer)?;
        let grant = TokenGrant::LesserToken { refresh_token: &refresh_token, scope };
        let Ok(possession) = self.possession_of(&stored) else { return Ok(None) };
        let about = (&issuer, stored.resource.as_str());
        let response = self.ask(about, client.as_ref(), grant, possession.as_ref()).await?;
        // The refresh token that came along stands for all that was granted (RFC 6749 §6).
        stored.refresh_token = response.refresh_token.or(stored.refresh_token);
        self.tokens.keep(&stored)?;
        Ok(Some(response.access_token))
    }
}
