//! Why a sign-in led to no token: the first thing that went wrong.

use super::AssertionFileError;
use crate::oauth::{
    authorization::{AuthorizationError, CallbackRejected},
    device::DeviceError,
    discovery::DiscoveryError,
    exchange::ExchangeError,
    loopback::LoopbackError,
    private_files::PrivateFileError,
    registration::RegistrationError,
    revocation::RevocationError,
    signing::NotSigned,
    token::TokenError,
};

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
    /// The configuration is about another address.
    #[error(
        "the configuration says {name} {stated}, but the authorization server of this MCP server publishes {published}, at \
         another address; nothing is sent there. If that is right, correct {name} or leave it out"
    )]
    StatedElsewhere {
        /// The field.
        name: &'static str,
        /// What stands in it.
        stated: String,
        /// What the issuer publishes.
        published: String,
    },
    /// The token endpoint wants a method that the credentials cannot serve.
    #[error(
        "{0} offers no client authentication that fits the client's credentials. Check MCP_CLIENT_SECRET and \
         MCP_CLIENT_PRIVATE_KEY"
    )]
    ClientAuthentication(String),
    /// Without a browser, this client is nobody there.
    #[error("without a browser, a client has to be registered at {0} beforehand. Set MCP_CLIENT_ID and what proves it")]
    NotRegistered(String),
    /// The issuer says which grants it has, and the one of the settings is not among them.
    #[error("{issuer} does not offer the grant {grant_type}. Check MCP_CLIENT_GRANT")]
    GrantNotOffered {
        /// The issuer.
        issuer: String,
        /// As in `grant_types_supported`.
        grant_type: &'static str,
    },
    /// The resource server wants a token that is bound to a key, and the issuer does not bind it.
    #[error(
        "{resource} takes only tokens that are bound to a key (DPoP, RFC 9449), and {issuer} gives none with ES256"
    )]
    NotBound {
        /// The resource.
        resource: String,
        /// The issuer.
        issuer: String,
    },
    /// The assertion of the client could not be made.
    #[error(transparent)]
    Signing(#[from] NotSigned),
    /// The JWT to show cannot be read.
    #[error("the JWT to show for a token cannot be used: {0}")]
    AssertionFile(#[from] AssertionFileError),
    /// The JWT is made out to somebody else, who could be shown it by whoever gets it.
    #[error(
        "the JWT in MCP_CLIENT_ASSERTION_FILE is not made out to {0}, where this server sends you; it is shown to nobody. If \
         that is right, set MCP_CLIENT_ISSUER={0}"
    )]
    AssertionAudience(String),
    /// The identity provider does not vouch for the person.
    #[error(
        "the identity provider does not vouch for you: {0}. Is the ID token in MCP_CLIENT_IDP_TOKEN_FILE still good?"
    )]
    IdentityProvider(#[source] TokenError),
    /// No request.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// Nobody came back.
    #[error(transparent)]
    Loopback(#[from] LoopbackError),
    /// Nobody could paste the code.
    #[error("no code was pasted, because there is nobody at the terminal")]
    NothingPasted,
    /// The answer is not acted upon.
    #[error(transparent)]
    Callback(#[from] CallbackRejected),
    /// The other device led to nothing.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The code was not redeemed.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The token was not given back.
    #[error(transparent)]
    Revocation(#[from] RevocationError),
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
                | Self::Device(DeviceError::Token(TokenError::Exchange(ExchangeError::Unreachable { .. })))
                | Self::IdentityProvider(TokenError::Exchange(ExchangeError::Unreachable { .. }))
        )
    }
}
