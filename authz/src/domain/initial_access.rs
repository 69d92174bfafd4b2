//! Initial access tokens (RFC 7591 §1.2): what allows to register a client where not everybody may.

use super::InitialAccessHash;
use jiff::Timestamp;
use std::fmt;

/// An initial access token, by the name that the operator gave it. It may be used more than once until its time is
/// over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitialAccess {
    /// What the operator calls it.
    pub name: TokenName,
    /// The hash of the token.
    pub hash: InitialAccessHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it does not count.
    pub expires_at: Timestamp,
}

/// A name for a token: 1 to 64 letters, digits, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

/// The name cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 64 letters, digits, dots, hyphens and underscores")]
pub struct InvalidTokenName;

impl TokenName {
    /// Parses a name.
    ///
    /// # Errors
    /// It is empty, too long, or has another character.
    pub fn parse(raw: &str) -> Result<Self, InvalidTokenName> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=64).contains(&raw.len()) && raw.bytes().all(legal);
        if fits { Ok(Self(raw.to_owned())) } else { Err(InvalidTokenName) }
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(TokenName::parse("ci-2.x_1").unwrap().as_str(), "ci-2.x_1");
        for wrong in ["", "a b", "a\n", "ä", &"x".repeat(65)] {
            assert_eq!(TokenName::parse(wrong), Err(InvalidTokenName), "{wrong:?}");
        }
    }
}
