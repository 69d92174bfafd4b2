//! How and when a person proved who they are: `auth_time` and `acr` in tokens (OIDC Core §2, RFC 9068 §2.2.1).

use super::Subject;
use crate::protocol::UnknownWord;
use jiff::Timestamp;

/// A person who proved who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatedPerson {
    /// Who.
    pub subject: Subject,
    /// How and when.
    pub authentication: Authentication,
}

/// How and when somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// When; `auth_time`.
    pub at: Timestamp,
    /// How; `acr`.
    pub context: AuthenticationContext,
}

/// Authentication context classes that this server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationContext {
    /// A password, typed into our own page.
    Password,
}

impl AuthenticatedPerson {
    /// `subject`, whose password was checked at `at`.
    #[must_use]
    pub const fn by_password(subject: Subject, at: Timestamp) -> Self {
        Self { subject, authentication: Authentication { at, context: AuthenticationContext::Password } }
    }
}

impl AuthenticationContext {
    /// The value of `acr`: a URI, as OIDC Core §2 asks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    ///
    /// # Errors
    /// It is another value.
    pub fn parse(raw: &str) -> Result<Self, UnknownWord> {
        if raw == Self::Password.as_str() { Ok(Self::Password) } else { Err(UnknownWord) }
    }
}
