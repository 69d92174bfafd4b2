//! Registered clients (RFC 7591), and resource servers, which are clients that may introspect.

use super::{Origin, RegistrationAccessHash};
use crate::protocol::{
    ApplicationType, AuthenticationMethod, ClientId, ClientSecretHash, GrantType, RedirectUri, Resource, Scope,
    UnknownWord,
};
use jiff::Timestamp;
use url::Url;

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
    /// Whether it may do anything.
    pub standing: ClientStanding,
    /// What its registration access token has to hash to; without one it cannot manage itself (RFC 7592).
    pub registration_access: Option<RegistrationAccessHash>,
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
    /// A confidential client that signs what it proves itself with.
    PrivateKey {
        /// The public halves of its keys.
        keys: ClientKeys,
    },
}

/// Where the public keys of a client are (RFC 7591 §2: `jwks` or `jwks_uri`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientKeys {
    /// Here: a JWK Set, as JSON.
    Set(String),
    /// At this address.
    At(Url),
}

/// Whether a client may do anything. Only an active one gets anything from any endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientStanding {
    /// It may do what it is registered for.
    Active,
    /// It registered itself, and the operator has to allow it.
    AwaitingApproval,
    /// The operator has switched it off.
    Disabled,
}

impl RegisteredClient {
    /// Whether a code may be sent to `requested`.
    #[must_use]
    pub fn allows_redirect(&self, requested: &RedirectUri) -> bool {
        self.redirect_uris.iter().any(|registered| registered.allows(requested))
    }

    /// The host that publishes the metadata document of this client, as the person should see it: what is certain about
    /// it. `None` for a client without such a document.
    #[must_use]
    pub fn metadata_host(&self) -> Option<String> {
        let url = Url::parse(self.id.as_str()).ok().filter(|_| self.origin == Origin::MetadataDocument)?;
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    }

    /// Whether the client gave itself its name, and nobody checked it.
    #[must_use]
    pub const fn named_itself(&self) -> bool {
        matches!(self.origin, Origin::SelfRegistered | Origin::MetadataDocument)
    }

    /// What to call the client on a page: its name, or its identifier.
    #[must_use]
    pub fn display_name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.id.as_str())
    }
}

impl ClientAuthentication {
    /// The methods by which the client may prove who it is; never empty.
    #[must_use]
    pub fn methods(&self) -> &[AuthenticationMethod] {
        match self {
            Self::Public => &[AuthenticationMethod::None],
            Self::Secret { methods, .. } => methods,
            Self::PrivateKey { .. } => &[AuthenticationMethod::PrivateKeyJwt],
        }
    }
}

impl ClientStanding {
    /// The word in the store and in the operator's lists.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Disabled => "disabled",
        }
    }

    /// Reads the word.
    ///
    /// # Errors
    /// There is no such standing.
    pub fn parse(word: &str) -> Result<Self, UnknownWord> {
        [Self::Active, Self::AwaitingApproval, Self::Disabled]
            .into_iter()
            .find(|standing| standing.as_str() == word)
            .ok_or(UnknownWord)
    }
}
