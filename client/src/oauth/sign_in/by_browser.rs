//! The sign-in of a person with a browser (OAuth 2.1 §4.1): the page that is opened, the answer that comes back, the code in it.

use super::{About, Held, SignIn, SignInError, Wanted};
use crate::oauth::{
    authorization::{AuthorizationCode, AuthorizationParameters, AuthorizationRequest, CallbackRejected},
    browser::Browser,
    challenge::BearerChallenge,
    discovery::{IssuerMetadata, issuer_metadata::OFFLINE_ACCESS},
    dpop::Possession,
    loopback::{LoopbackError, Page},
    registration::RegisteredClient,
    scope::Scope,
    token::{TokenGrant, TokenResponse},
    visit::Waiting,
};

impl SignIn {
    /// A token from a sign-in in the browser.
    pub(super) async fn by_browser(
        &self,
        wanted: Wanted<'_>,
        challenge: &BearerChallenge,
    ) -> Result<Held, SignInError> {
        let (settings, Wanted { issuer, resource, scope, possession }) = (&self.settings, wanted);
        let thumbprint = possession.map(Possession::thumbprint);
        // Before anything is registered or shown: a taken port ends it.
        let waiting = if settings.redirect_uri.is_out_of_band() {
            None
        } else {
            Some(Waiting::begin(&settings.browser, &settings.redirect_uri).await?)
        };
        let client = self.identify(issuer).await?;
        let asked = with_refresh(scope, issuer);
        let request = AuthorizationRequest::new(
            &AuthorizationParameters {
                issuer,
                client_id: &client.credentials.id,
                redirect_uri: &settings.redirect_uri,
                resource: &resource.resource,
                scope: asked.as_ref(),
                max_age: challenge.max_age,
                acr_values: challenge.acr_values.as_deref(),
                dpop_jkt: thumbprint.as_deref(),
            },
            self.random.as_ref(),
        )?;
        self.show(&request);
        let redeemed = match waiting {
            Some(waiting) => self.called_back(waiting, &request, (wanted, &client)).await,
            None => self.pasted(&request, (wanted, &client)).await,
        };
        let about = About { client_id: &client.credentials.id, ..About::of(wanted) };
        Ok(self.hold(redeemed?, about, scope.cloned()))
    }

    fn show(&self, request: &AuthorizationRequest) {
        self.http.browser_sent(request.url());
        if matches!(self.settings.browser, Browser::Visitor(_)) {
            return;
        }
        (self.notice)(&format!("To sign in, open this page in your browser:\n\n  {}\n", request.url()));
        if let Err(error) = self.settings.browser.open(request.url()) {
            (self.notice)(&format!("The page was not opened by itself: {error}."));
        }
    }

    /// The token for the code that the browser brings.
    async fn called_back(
        &self,
        waiting: Waiting,
        request: &AuthorizationRequest,
        place: (Wanted<'_>, &RegisteredClient),
    ) -> Result<TokenResponse, SignInError> {
        let callback = waiting.callback(request, self.settings.patience).await?;
        self.http.browser_came_back(self.settings.redirect_uri.as_str(), &callback.query);
        let redeemed = self.redeem(request, request.process_callback(&callback.query), place).await;
        callback.finish(if redeemed.is_ok() { Page::SignedIn } else { Page::Failed }).await;
        redeemed
    }

    /// The token for the code that the person pastes.
    async fn pasted(
        &self,
        request: &AuthorizationRequest,
        (wanted, client): (Wanted<'_>, &RegisteredClient),
    ) -> Result<TokenResponse, SignInError> {
        let issuer = &wanted.issuer.issuer;
        (self.notice)(&format!("Paste the code that the page of {issuer} shows you, and no other page's:"));
        let line = tokio::time::timeout(self.settings.patience, (self.waits.line)()).await;
        let line = line.map_err(|_late| LoopbackError::TimedOut(self.settings.patience))?;
        let line = line.ok_or(SignInError::NothingPasted)?;
        self.redeem(request, request.process_pasted(&line), (wanted, client)).await
    }

    async fn redeem(
        &self,
        request: &AuthorizationRequest,
        code: Result<AuthorizationCode, CallbackRejected>,
        (wanted, client): (Wanted<'_>, &RegisteredClient),
    ) -> Result<TokenResponse, SignInError> {
        let code = code?;
        let grant = TokenGrant::AuthorizationCode {
            code: &code,
            verifier: request.verifier(),
            redirect_uri: &self.settings.redirect_uri,
        };
        self.ask((wanted.issuer, &wanted.resource.resource), Some(client), grant, wanted.possession).await
    }
}

/// `offline_access` on top where the issuer has it, because it may give refresh tokens only then (SEP-2207).
pub(super) fn with_refresh(scope: Option<&Scope>, issuer: &IssuerMetadata) -> Option<Scope> {
    let Some(scope) = scope.filter(|_| issuer.offline_access_supported) else { return scope.cloned() };
    Scope::parse(OFFLINE_ACCESS).map(|offline| scope.union(&offline))
}
