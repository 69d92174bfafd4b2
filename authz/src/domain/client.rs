//! Registered clients (RFC 7591), and resource servers, which are clients that may introspect.

use super::Origin;
use crate::protocol::{
    ApplicationType, AuthenticationMethod, ClientId, ClientSecretHash, GrantType, RedirectUri, Resource, Scope,
};
use jiff::Timestamp;

/// A client that this authorization server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredClient {
    /// Its identifier.
    pub id: ClientId,
    /// The name that the consent page shows. Unverified if the client registered itself.
    pub name: Option<String>,
    /// Its own page, shown as text; http or https.
    pub uri: Option<String>,
    /// How it proves who it is.
    pub authentication: ClientAuthentication,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may trade for tokens.
    pub grant_types: Vec<GrantType>,
    /// The most it may ask for; also what it gets when it asks for nothing.
    pub scope: Scope,
    /// Where it runs.
    pub application_type: ApplicationType,
    /// Set for a resource server: it may introspect tokens for this resource (RFC 7662 §2.1).
    pub introspects: Option<Resource>,
    /// How it came to be known.
    pub origin: Origin,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// How a client proves who it is at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// A public client: PKCE is all that protects its codes.
    Public,
    /// A confidential client with a secret, sent by any of `methods`.
    Secret {
        /// SHA-256 of the secret.
        hash: ClientSecretHash,
        /// The methods it may use; never [`AuthenticationMethod::None`].
        methods: Vec<AuthenticationMethod>,
    },
}

impl RegisteredClient {
    /// Whether a code may be sent to `requested`.
    #[must_use]
    pub fn allows_redirect(&self, requested: &RedirectUri) -> bool {
        self.redirect_uris.iter().any(|registered| registered.allows(requested))
    }

    /// What to call the client on a page: its name, or its identifier.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.id.as_str())
    }
}
