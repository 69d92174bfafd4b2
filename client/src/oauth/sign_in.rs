//! The whole way from a challenge to a token, in order; a kept token makes most of it unnecessary.
//! Whatever breaks a rule stops everything after it: no browser is opened, no code is sent.

use jiff::SignedDuration;
use ring::rand::SecureRandom;
use std::{fmt, sync::Arc, time::Duration};
use verification_keys::Clock;

use super::{
    authorization::{AuthorizationError, AuthorizationParameters, AuthorizationRequest, CallbackRejected},
    browser::Browser,
    challenge::BearerChallenge,
    client::ClientCredentials,
    client_store::ClientStore,
    discovery::{DiscoveryError, IssuerMetadata, ResourceMetadata, issuer_metadata, resource_metadata},
    endpoint::Endpoint,
    exchange::ExchangeError,
    loopback::{CallbackListener, LoopbackError, Page, RedirectUri},
    private_files::PrivateFileError,
    registration::{self, RegisteredClient, RegistrationError},
    scope::{self, Scope},
    token::{self, AccessToken, TokenError, TokenRequest, TokenResponse},
    token_store::{StoredToken, TokenStore},
};

/// What the person and the settings decide.
#[derive(Clone, Debug)]
pub struct SignInSettings {
    /// The MCP server; its URL is the resource.
    pub server: Endpoint,
    /// Who this client is.
    pub client: ClientChoice,
    /// Scope to ask for besides the challenge's.
    pub scope: Option<Scope>,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// How to open the browser.
    pub browser: Browser,
    /// How long to wait for the person.
    pub patience: Duration,
}

/// Who this client is at an authorization server (MCP "Client Registration").
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientChoice {
    /// Registered there by hand. Without an issuer, the first one met is the one it belongs to.
    PreRegistered {
        /// Identifier and secret.
        credentials: ClientCredentials,
        /// The issuer they belong to.
        issuer: Option<Endpoint>,
    },
    /// The demo client of authz, known to everybody: for issuers on this computer; elsewhere as [`Self::Dynamic`].
    Demo(ClientCredentials),
    /// Registers itself (RFC 7591).
    Dynamic,
}

/// Whether a kept token will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse {
    /// Use it if it is still good.
    Kept,
    /// Sign in anew: the kept one was refused.
    Never,
}

/// A token, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The token.
    pub token: AccessToken,
    /// Whether it was kept from an earlier sign-in.
    pub kept: bool,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No authorization server, or one that is not used.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// This client is nobody there.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The pre-registered client belongs to another issuer.
    #[error(
        "the client {client_id} belongs to {expected}, but this server sends you to {found}; its secret stays home. \
         If that is right, set MCP_CLIENT_ISSUER={found}"
    )]
    OtherIssuer {
        /// The client.
        client_id: String,
        /// Where it belongs.
        expected: String,
        /// Where the server points.
        found: String,
    },
    /// The token endpoint wants a method that the credentials cannot serve.
    #[error("{0} offers no client authentication that fits the client's credentials. Check MCP_CLIENT_SECRET")]
    ClientAuthentication(String),
    /// No request.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// Nobody came back.
    #[error(transparent)]
    Loopback(#[from] LoopbackError),
    /// The answer is not acted upon.
    #[error(transparent)]
    Callback(#[from] CallbackRejected),
    /// The code was not redeemed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The private files cannot be used.
    #[error("the client's own files cannot be used: {0}")]
    Store(#[from] PrivateFileError),
}

impl SignInError {
    /// Whether a server could not be reached, as opposed to everything that is somebody's decision.
    #[must_use]
    pub const fn is_network(&self) -> bool {
        matches!(
            self,
            Self::Discovery(DiscoveryError::Exchange(ExchangeError::Unreachable { .. }))
                | Self::Registration(RegistrationError::Exchange(ExchangeError::Unreachable { .. }))
                | Self::Token(TokenError::Exchange(ExchangeError::Unreachable { .. }))
        )
    }
}

/// Says something to the person; gets plain text that may hold words of servers.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// Signs one person in at the authorization server of one MCP server.
#[derive(Clone)]
pub struct SignIn {
    /// Follows no redirect.
    pub http: reqwest::Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for state and verifier.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
    /// Tokens that stay between starts.
    pub tokens: TokenStore,
    /// Registrations that stay between starts.
    pub clients: ClientStore,
    /// What the person and the settings decide.
    pub settings: SignInSettings,
    /// Where to say "open this page".
    pub notice: Notice,
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl SignIn {
    /// A token for the server that sent `challenge`: the kept one, or one from a sign-in in the browser.
    ///
    /// # Errors
    /// The first thing that went wrong; nothing after it was done.
    pub async fn access_token(&self, challenge: &BearerChallenge, reuse: Reuse) -> Result<Held, SignInError> {
        let settings = &self.settings;
        let resource = resource_metadata::fetch(&self.http, &settings.server, challenge).await?;
        let scope =
            scope::choose(settings.scope.as_ref(), challenge.scope.as_ref(), resource.scopes_supported.as_ref());
        if reuse == Reuse::Kept
            && let Some(token) = self.kept(&resource, scope.as_ref())?
        {
            return Ok(Held { token, kept: true });
        }
        let issuer = issuer_metadata::fetch(&self.http, &resource.authorization_server).await?;
        let listener = CallbackListener::bind(&settings.redirect_uri).await?;
        let client = self.identify(&issuer, scope.as_ref()).await?;
        let request = AuthorizationRequest::new(
            &AuthorizationParameters {
                issuer: &issuer,
                client_id: &client.credentials.id,
                redirect_uri: &settings.redirect_uri,
                resource: &resource.resource,
                scope: scope.as_ref(),
            },
            self.random.as_ref(),
        )?;
        self.show(&request);
        let callback = listener.wait(settings.patience).await?;
        let redeemed = self.redeem(&request, &callback.query, (&issuer, &client, &resource)).await;
        callback.finish(if redeemed.is_ok() { Page::SignedIn } else { Page::Failed }).await;
        let response = redeemed?;
        self.keep(&response, (&issuer, &client, &resource), scope);
        Ok(Held { token: response.access_token, kept: false })
    }

    /// Forgets the token for the server that sent `challenge`, and the registration made for it.
    ///
    /// # Errors
    /// When the server's metadata or the files cannot be read.
    pub async fn forget(&self, challenge: &BearerChallenge) -> Result<(), SignInError> {
        let resource = resource_metadata::fetch(&self.http, &self.settings.server, challenge).await?;
        self.tokens.forget(resource.authorization_server.as_str(), &resource.resource)?;
        Ok(self.clients.forget(resource.authorization_server.as_str())?)
    }

    fn kept(&self, resource: &ResourceMetadata, scope: Option<&Scope>) -> Result<Option<AccessToken>, SignInError> {
        let (issuer, now) = (resource.authorization_server.as_str(), self.clock.now());
        let token = self.tokens.find(issuer, &resource.resource, scope, now)?;
        let ours = |token: &StoredToken| match &self.settings.client {
            ClientChoice::PreRegistered { credentials, .. } => token.client_id == credentials.id,
            ClientChoice::Demo(_) | ClientChoice::Dynamic => true,
        };
        Ok(token.filter(ours).map(|token| token.access_token))
    }

    /// Pre-registered, else by registration; never with credentials of another issuer.
    async fn identify(&self, issuer: &IssuerMetadata, scope: Option<&Scope>) -> Result<RegisteredClient, SignInError> {
        match &self.settings.client {
            ClientChoice::PreRegistered { credentials, issuer: home } => {
                let home = match home {
                    Some(home) => home.as_str().to_owned(),
                    None => self.clients.bind(&credentials.id, &issuer.issuer)?,
                };
                if home != issuer.issuer {
                    let (client_id, found) = (credentials.id.clone(), issuer.issuer.clone());
                    return Err(SignInError::OtherIssuer { client_id, expected: home, found });
                }
                pre_registered(credentials, issuer)
            }
            ClientChoice::Demo(credentials) if issuer.token_endpoint.is_loopback() => {
                pre_registered(credentials, issuer)
            }
            ClientChoice::Demo(_) | ClientChoice::Dynamic => self.registered(issuer, scope).await,
        }
    }

    async fn registered(
        &self,
        issuer: &IssuerMetadata,
        scope: Option<&Scope>,
    ) -> Result<RegisteredClient, SignInError> {
        let redirect_uri = &self.settings.redirect_uri;
        if let Some(client) = self.clients.find(&issuer.issuer, redirect_uri, self.clock.now())? {
            return Ok(client);
        }
        let client = registration::register(&self.http, issuer, redirect_uri, scope).await?;
        self.clients.keep(&issuer.issuer, redirect_uri, &client)?;
        Ok(client)
    }

    fn show(&self, request: &AuthorizationRequest) {
        (self.notice)(&format!("To sign in, open this page in your browser:\n\n  {}\n", request.url()));
        if let Err(error) = self.settings.browser.open(request.url()) {
            (self.notice)(&format!("The page was not opened by itself: {error}."));
        }
    }

    async fn redeem(
        &self,
        request: &AuthorizationRequest,
        query: &str,
        (issuer, client, resource): (&IssuerMetadata, &RegisteredClient, &ResourceMetadata),
    ) -> Result<TokenResponse, SignInError> {
        let code = request.process_callback(query)?;
        let exchange = TokenRequest {
            endpoint: &issuer.token_endpoint,
            client: &client.credentials,
            method: client.method,
            code: &code,
            verifier: request.verifier(),
            redirect_uri: &self.settings.redirect_uri,
            resource: &resource.resource,
        };
        Ok(token::exchange_code(&self.http, &exchange).await?)
    }

    /// A token that cannot be kept is still a token: the person is told, and goes on.
    fn keep(
        &self,
        response: &TokenResponse,
        (issuer, client, resource): (&IssuerMetadata, &RegisteredClient, &ResourceMetadata),
        requested_scope: Option<Scope>,
    ) {
        let now = self.clock.now();
        let end = |seconds| now.saturating_add(SignedDuration::from_secs(seconds)).ok();
        let kept = self.tokens.keep(&StoredToken {
            issuer: issuer.issuer.clone(),
            resource: resource.resource.clone(),
            client_id: client.credentials.id.clone(),
            requested_scope,
            expires_at: response.expires_in.and_then(end),
            access_token: response.access_token.clone(),
        });
        if let Err(error) = kept {
            (self.notice)(&format!("You are signed in, but the next start will ask again: {error}."));
        }
    }
}

fn pre_registered(credentials: &ClientCredentials, issuer: &IssuerMetadata) -> Result<RegisteredClient, SignInError> {
    let method = credentials
        .choose_method(&issuer.token_endpoint_auth_methods)
        .ok_or_else(|| SignInError::ClientAuthentication(issuer.issuer.clone()))?;
    Ok(RegisteredClient { credentials: credentials.clone(), method, secret_expires_at: None })
}

#[cfg(test)]
mod tests;
