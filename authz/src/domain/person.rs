//! People who sign in.

use super::Origin;
use std::fmt;

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The opaque id that tokens carry.
    pub subject: Subject,
    /// The name to sign in with. Never in a token.
    pub username: Username,
    /// Argon2id, in PHC string form.
    pub password: PasswordHash,
    /// How the account came to be.
    pub origin: Origin,
}

/// The opaque, stable id of a person: the `sub` of tokens. `u_` and 22 characters, so it cannot equal a client id
/// that we make.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

/// A login name: 1 to 128 characters, none of them a control character, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

/// The value cannot be a login name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name is 1 to 128 characters without control characters")]
pub struct InvalidUsername;

/// A password hash in PHC string form (`$argon2id$…`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl Subject {
    /// Makes a new id out of 16 random bytes.
    ///
    /// # Errors
    /// The source of randomness failed.
    pub fn generate(random: &dyn ring::rand::SecureRandom) -> Result<Self, ring::error::Unspecified> {
        use base64::Engine as _;
        let mut bytes = [0; 16];
        random.fill(&mut bytes)?;
        Ok(Self(format!("u_{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// An id read back from the store.
    #[must_use]
    pub fn from_store(stored: String) -> Self {
        Self(stored)
    }

    /// The id as in tokens.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Username {
    /// Parses a login name; upper and lower case are different names.
    ///
    /// # Errors
    /// It is empty, too long, has a control character, or a space at an end.
    pub fn parse(raw: &str) -> Result<Self, InvalidUsername> {
        let length = raw.chars().take(129).count();
        let legal = (1..=128).contains(&length) && raw.trim() == raw && !raw.chars().any(char::is_control);
        if legal { Ok(Self(raw.to_owned())) } else { Err(InvalidUsername) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PasswordHash {
    /// Takes a PHC string, made by the password pool or read back from the store.
    #[must_use]
    pub fn from_phc(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}
