//! What may be used once only, such as the `jti` of an assertion (RFC 7523 §3).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest::{Context, SHA256};

/// What kind of thing is used up; identifiers of different kinds have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleUse {
    /// An assertion by which a client proves who it is (RFC 7523 §2.2).
    ClientAssertion,
    /// An assertion by which a client gets a token for a person (RFC 7523 §2.1).
    AuthorizationGrant,
}

/// SHA-256 of what makes an identifier unique, base64url without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleUseHash(String);

impl SingleUse {
    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientAssertion => "client_assertion",
            Self::AuthorizationGrant => "authorization_grant",
        }
    }
}

impl SingleUseHash {
    /// The hash of an identifier by the one who gave it out: a `jti` is unique to its issuer only.
    #[must_use]
    pub fn of(issuer: &str, id: &str) -> Self {
        let mut context = Context::new(&SHA256);
        // With its length in front, no issuer runs into an id.
        context.update(&(issuer.len() as u64).to_be_bytes());
        context.update(issuer.as_bytes());
        context.update(id.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(context.finish()))
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_of_another_issuer_is_another_one() {
        assert_eq!(SingleUseHash::of("a", "1"), SingleUseHash::of("a", "1"));
        for (issuer, id) in [("b", "1"), ("a", "2"), ("a1", ""), ("", "a1")] {
            assert_ne!(SingleUseHash::of(issuer, id), SingleUseHash::of("a", "1"), "{issuer} {id}");
        }
    }
}
