//! People who sign in.

use super::PersonOrigin;
use crate::protocol::ClientId;
use jiff::Timestamp;
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
    /// What the person is called (`name` at userinfo), if it is known.
    pub name: Option<DisplayName>,
    /// How to write to the person, if it is known. Nobody checked it.
    pub email: Option<Email>,
    /// How the account came to be.
    pub origin: PersonOrigin,
    /// Whether the person may sign in.
    pub state: PersonState,
}

/// The life of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonState {
    /// The person may sign in.
    Enabled,
    /// The person may not sign in, and what they had allowed is revoked.
    Disabled {
        /// Since when.
        at: Timestamp,
    },
}

/// The `sub` of tokens: the opaque, stable id of a person, or of a client that acts for itself. Of a person it is `u_`
/// and 22 characters, which no client id can be ([`ClientId::parse`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(String);

/// A login name: 1 to 128 characters, none of them a control character, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(String);

/// The value cannot be a login name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name is 1 to 128 characters without control characters")]
pub struct InvalidUsername;

/// What a person is called: 1 to 200 characters, none of them a control character, no space at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

/// The value cannot be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 200 characters without control characters")]
pub struct InvalidDisplayName;

/// An e-mail address, as far as a look at it tells: something, `@`, something; at most 254 bytes, no space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

/// The value cannot be an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address looks like ann@example.com, and has at most 254 bytes")]
pub struct InvalidEmail;

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

    /// A client that acts for itself (RFC 9068 §2.2: its id).
    #[must_use]
    pub fn of_client(client: &ClientId) -> Self {
        Self(client.as_str().to_owned())
    }

    /// A person that another issuer speaks of: `f_` and 22 characters, the same whenever it does. Its own `sub` could
    /// equal anybody's here.
    #[must_use]
    pub fn asserted(issuer: &str, subject: &str) -> Self {
        use base64::Engine as _;
        let mut context = ring::digest::Context::new(&ring::digest::SHA256);
        // With its length in front, no issuer runs into a subject.
        context.update(&(issuer.len() as u64).to_be_bytes());
        context.update(issuer.as_bytes());
        context.update(subject.as_bytes());
        let digest = context.finish();
        let (half, _) = digest.as_ref().split_at(16);
        Self(format!("f_{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(half)))
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
        if is_plain(raw, 128) { Ok(Self(raw.to_owned())) } else { Err(InvalidUsername) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DisplayName {
    /// Parses a name.
    ///
    /// # Errors
    /// It is empty, too long, has a control character, or a space at an end.
    pub fn parse(raw: &str) -> Result<Self, InvalidDisplayName> {
        if is_plain(raw, 200) { Ok(Self(raw.to_owned())) } else { Err(InvalidDisplayName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Email {
    /// Parses an address. Whether anybody reads what is sent there is not known.
    ///
    /// # Errors
    /// It does not look like one.
    pub fn parse(raw: &str) -> Result<Self, InvalidEmail> {
        let parts = raw.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
        let spaced = raw.chars().any(char::is_whitespace);
        if parts.is_some() && raw.len() <= 254 && is_plain(raw, 254) && !spaced {
            Ok(Self(raw.to_owned()))
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 1 to `most` characters, none of them a control character, or one that turns the text around it; no space at an end.
fn is_plain(raw: &str, most: usize) -> bool {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let length = raw.chars().take(most + 1).count();
    (1..=most).contains(&length) && raw.trim() == raw && !raw.chars().any(|c| c.is_control() || turns(c))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_plain_text_of_a_bounded_length() {
        for good in ["ann", "Ann Example", "ünïcode", &"x".repeat(128)] {
            assert_eq!(Username::parse(good).unwrap().as_str(), good);
            assert_eq!(DisplayName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", " ann", "ann ", "a\nb", "a\u{202e}b", "a\u{7}", &"x".repeat(201)] {
            assert_eq!(Username::parse(bad), Err(InvalidUsername), "{bad:?}");
            assert_eq!(DisplayName::parse(bad), Err(InvalidDisplayName), "{bad:?}");
        }
        for good in ["ann@example.com", "a+b@localhost", "\"a@b\"@example.com"] {
            assert_eq!(Email::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "ann", "@example.com", "ann@", "a nn@example.com", "ann@example.com\n", &"x@".repeat(128)] {
            assert_eq!(Email::parse(bad), Err(InvalidEmail), "{bad:?}");
        }
    }
}
