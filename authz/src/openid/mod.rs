//! OpenID Connect, as far as it is useful beside OAuth: who signed in, for the client that asked them to. The scope
//! `openid` brings an ID token with the first access token, and opens `/userinfo`.

pub mod id_token;
pub mod metadata;
pub mod userinfo;

use crate::protocol::{Scope, ScopeToken};

/// An ID token, and userinfo at all (OIDC Core §3.1.2.1).
pub const OPENID: &str = "openid";
/// The person's name, at userinfo (OIDC Core §5.4).
pub const PROFILE: &str = "profile";
/// The person's e-mail address, at userinfo (OIDC Core §5.4).
pub const EMAIL: &str = "email";
/// The scopes about a person, which no resource server has. Every client that people sign in to may ask for them; the
/// person decides.
pub const SCOPES: [&str; 3] = [OPENID, PROFILE, EMAIL];

/// The part of `scope` that is about a resource and not about the person.
#[must_use]
pub fn beyond_the_person(scope: &Scope) -> Scope {
    scope.tokens().filter(|token| !SCOPES.contains(&token.as_str())).cloned().collect()
}

/// Whether `name` is in `scope`.
#[must_use]
pub fn has(scope: &Scope, name: &str) -> bool {
    scope.tokens().map(ScopeToken::as_str).any(|token| token == name)
}

#[cfg(test)]
mod tests;
