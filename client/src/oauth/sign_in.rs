//! The whole way from a challenge to a token, in order; a kept or renewed token makes most of it unnecessary.
//! Whatever breaks a rule stops everything after it: no browser is opened, no code is sent.

use jiff::{SignedDuration, Timestamp};
use ring::rand::SecureRandom;
use std::{fmt, sync::Arc, time::Duration};
use verification_keys::Clock;

use super::{
    assertion::AssertionKey,
    browser::Browser,
    challenge::BearerChallenge,
    client::ClientCredentials,
    client_store::ClientStore,
    discovery::{
        DiscoveryError, IssuerMetadata, ResourceMetadata,
        issuer_metadata::{self, Pkce},
        own_issuer,
    },
    dpop::Possession,
    endpoint::Endpoint,
    grant::Grant,
    loopback::RedirectUri,
    scope::{self, Scope},
    token::{AccessToken, TokenResponse},
    token_store::{StoredToken, TokenStore},
    waits::Waits,
};
use crate::flow::Wire;

mod ask;
mod by_browser;
mod by_device;
mod error;
mod identity;
mod kept;
mod lesser;
mod machine;
mod stated;

pub use error::SignInError;
pub use machine::AssertionFileError;
pub use stated::Stated;

/// Where a token is asked for, and what it is to be good for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    issuer: &'a IssuerMetadata,
    resource: &'a ResourceMetadata,
    scope: Option<&'a Scope>,
    possession: Option<&'a Possession>,
}

/// What a token was asked for with.
#[derive(Clone, Copy)]
struct About<'a> {
    issuer: &'a str,
    resource: &'a str,
    /// Empty for nobody.
    client_id: &'a str,
    possession: Option<&'a Possession>,
}

impl<'a> About<'a> {
    fn of(wanted: Wanted<'a>) -> Self {
        let (issuer, resource) = (&wanted.issuer.issuer, &wanted.resource.resource);
        Self { issuer, resource, client_id: "", possession: wanted.possession }
    }
}

/// What the person and the settings decide.
#[derive(Clone, Debug)]
pub struct SignInSettings {
    /// The MCP server; its URL is the resource.
    pub server: Endpoint,
    /// What the person's configuration says about the issuer.
    pub stated: Stated,
    /// Which way leads to a token.
    pub grant: Grant,
    /// Who this client is.
    pub client: ClientChoice,
    /// The key that a pre-registered client proves itself with, where the issuer takes that.
    pub private_key: Option<AssertionKey>,
    /// This client's metadata document, for issuers that take its URL as an identifier.
    pub metadata_url: Option<Endpoint>,
    /// Issuers that a person vouches for: they check S256 though they do not publish it.
    pub assume_s256: Vec<String>,
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
    /// Named by its metadata document where that is taken, else registers itself (RFC 7591).
    Dynamic,
    /// Nobody in particular: a workload, which its platform vouches for.
    Nobody {
        /// The issuer that is to be shown what the platform says, whoever it is made out to.
        issuer: Option<Endpoint>,
    },
}

/// Whether a kept token will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reuse<'a> {
    /// Use it if it is still good, or renew it.
    Kept,
    /// This one was refused: use another that was kept meanwhile, or renew it.
    Except(&'a AccessToken),
    /// The person has to come again: for more scope, or for a younger sign-in.
    Never,
}

/// A token, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The token.
    pub token: AccessToken,
    /// Whether it was kept from an earlier sign-in.
    pub kept: bool,
    /// The scope that was asked for.
    pub requested_scope: Option<Scope>,
    /// The scope that was granted, if the issuer said that it is another one.
    pub granted_scope: Option<Scope>,
    /// When it ends, if the issuer said so.
    pub expires_at: Option<Timestamp>,
    /// The key that it is bound to, if it is.
    pub possession: Option<Possession>,
}

impl Held {
    fn new(stored: StoredToken, kept: bool, possession: Option<Possession>) -> Self {
        Self {
            token: stored.access_token,
            kept,
            requested_scope: stored.requested_scope,
            granted_scope: stored.granted_scope,
            expires_at: stored.expires_at,
            possession,
        }
    }

    /// Whether the issuer granted all of `scope`, as far as it said.
    #[must_use]
    pub fn was_granted(&self, scope: &Scope) -> bool {
        self.granted_scope.as_ref().or(self.requested_scope.as_ref()).is_some_and(|held| held.holds(scope))
    }
}

/// Says something to the person; gets plain text that may hold words of servers.
pub type Notice = Arc<dyn Fn(&str) + Send + Sync>;

/// Signs one person in at the authorization server of one MCP server.
#[derive(Clone)]
pub struct SignIn {
    /// Follows no redirect.
    pub http: Wire,
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
    /// What a sign-in without a callback waits with.
    pub waits: Waits,
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
    pub async fn access_token(&self, challenge: &BearerChallenge, reuse: Reuse<'_>) -> Result<Held, SignInError> {
        let settings = &self.settings;
        let resource = self.resource(challenge).await?;
        let scope =
            scope::choose(settings.scope.as_ref(), challenge.scope.as_ref(), resource.scopes_supported.as_ref());
        if let Some(held) = self.kept(&resource, scope.as_ref(), reuse).await? {
            return Ok(held);
        }
        let issuer = self.issuer(&resource).await?;
        let wanted = Wanted { issuer: &issuer, resource: &resource, scope: scope.as_ref(), possession: None };
        let possession = self.possession(wanted, challenge)?;
        let wanted = Wanted { possession: possession.as_ref(), ..wanted };
        let held = match &settings.grant {
            Grant::AuthorizationCode => self.by_browser(wanted, challenge).await?,
            Grant::DeviceCode => self.by_device(wanted).await?,
            Grant::ClientCredentials => self.for_itself(wanted).await?,
            Grant::WorkloadIdentity(file) => self.for_workload(wanted, file).await?,
            Grant::Enterprise(idp) => self.for_enterprise(wanted, idp).await?,
        };
        if resource.dpop_required && held.possession.is_none() {
            return Err(SignInError::NotBound { resource: resource.resource, issuer: issuer.issuer });
        }
        Ok(held)
    }

    /// The checked metadata of the resource's issuer; with a loud word where a person vouched for S256.
    async fn issuer(&self, resource: &ResourceMetadata) -> Result<IssuerMetadata, SignInError> {
        let issuer = &resource.authorization_server;
        let grant = self.settings.grant.name();
        let vouched = self.settings.assume_s256.iter().any(|known| known == issuer.as_str());
        let pkce = match (&self.settings.grant, vouched) {
            (Grant::AuthorizationCode, true) => Pkce::Assumed,
            (Grant::AuthorizationCode, false) => Pkce::Published,
            _ => Pkce::NotNeeded,
        };
        if pkce == Pkce::Assumed {
            let issuer = issuer.as_str();
            (self.notice)(&format!(
                "WARNING: --assume-s256 trusts that {issuer} checks PKCE with S256, which it does not publish. If it does \
                 not, whoever steals the code of this sign-in can redeem it."
            ));
        }
        let metadata = match issuer_metadata::fetch(&self.http, issuer, pkce).await {
            Err(DiscoveryError::NoIssuerMetadata(_)) if !resource.published => own_issuer::metadata(resource, pkce)?,
            found => found?,
        };
        let grant_type = grant.grant_type();
        let offered = |offered: &Vec<String>| offered.iter().any(|name| name == grant_type);
        // RFC 8414 §2: who does not say has the code grant; another one is tried all the same.
        if pkce == Pkce::NotNeeded && !metadata.grant_types.as_ref().is_none_or(offered) {
            return Err(SignInError::GrantNotOffered { issuer: metadata.issuer, grant_type });
        }
        for warning in self.settings.stated.check(&metadata)? {
            (self.notice)(&warning);
        }
        Ok(metadata)
    }

    /// Keeps what was issued. A token that cannot be kept is still a token: the person is told, and goes on.
    fn hold(&self, response: TokenResponse, about: About<'_>, requested_scope: Option<Scope>) -> Held {
        let now = self.clock.now();
        let end = |seconds| now.saturating_add(SignedDuration::from_secs(seconds)).ok();
        let possession = about.possession.filter(|_| response.bound);
        let stored = StoredToken {
            issuer: about.issuer.to_owned(),
            resource: about.resource.to_owned(),
            client_id: about.client_id.to_owned(),
            possession_key: possession.map(|possession| possession.key().clone()),
            grant: self.settings.grant.name(),
            requested_scope,
            granted_scope: response.scope,
            expires_at: response.expires_in.and_then(end),
            access_token: response.access_token,
            refresh_token: response.refresh_token,
        };
        if let Err(error) = self.tokens.keep(&stored) {
            (self.notice)(&format!("You are signed in, but the next start will ask again: {error}."));
        }
        Held::new(stored, false, possession.cloned())
    }
}

#[cfg(test)]
mod tests;
