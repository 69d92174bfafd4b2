//! The vocabulary of OAuth, without I/O: every value from a request becomes one of these types or is refused.
//! A value of one of these types keeps its rules wherever it goes; there is no other way to make one.

mod client_id;
mod client_secret;
mod error_code;
mod opaque;
mod parameters;
mod pkce;
mod redirect_rules;
mod redirect_uri;
mod resource;
mod scope;
mod words;

pub use client_id::{ClientId, InvalidClientId};
pub use client_secret::{ClientSecret, ClientSecretHash};
pub use error_code::ErrorCode;
pub use opaque::{InvalidOpaque, Nonce, Opaque, State};
pub use parameters::{MalformedParameters, Parameters};
pub use pkce::{CodeChallenge, CodeVerifier, InvalidCodeChallenge, InvalidCodeVerifier};
pub use redirect_rules::{InvalidScheme, PrivateUseScheme, RedirectRules};
pub use redirect_uri::{InvalidRedirectUri, RedirectUri};
pub use resource::{InvalidResource, Resource};
pub use scope::{InvalidScope, Scope, ScopeToken};
pub use words::{ApplicationType, AuthenticationMethod, GrantType, ResponseType, UnknownWord};
