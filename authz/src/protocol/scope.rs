//! Scopes (RFC 6749 §3.3): a set of tokens, order kept as given, each once.

use std::fmt;

/// One scope token: `1*( %x21 / %x23-5B / %x5D-7E )`, up to 128 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ScopeToken(String);

/// A set of scope tokens. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<ScopeToken>);

/// The value cannot be a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// A token is empty, too long or has a character outside of RFC 6749 §3.3.
    #[error("a scope token has an illegal character or length")]
    IllegalToken,
    /// More than 32 tokens.
    #[error("more than 32 scope tokens")]
    TooMany,
}

impl ScopeToken {
    const MAX_BYTES: usize = 128;

    /// Parses one token.
    ///
    /// # Errors
    /// It is empty, too long, or has an illegal character.
    pub fn parse(raw: &str) -> Result<Self, InvalidScope> {
        let legal = (1..=Self::MAX_BYTES).contains(&raw.len())
            && raw.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
        if legal { Ok(Self(raw.to_owned())) } else { Err(InvalidScope::IllegalToken) }
    }

    /// The token as on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Scope {
    const MAX_TOKENS: usize = 32;

    /// Parses tokens separated by one space each. The empty string is the empty scope.
    ///
    /// # Errors
    /// A token is illegal, or there are too many.
    pub fn parse(raw: &str) -> Result<Self, InvalidScope> {
        if raw.is_empty() {
            return Ok(Self::default());
        }
        let tokens = raw.split(' ').take(Self::MAX_TOKENS + 1).map(ScopeToken::parse).collect::<Result<Vec<_>, _>>()?;
        if tokens.len() > Self::MAX_TOKENS { Err(InvalidScope::TooMany) } else { Ok(tokens.into_iter().collect()) }
    }

    /// Whether `token` is in this scope.
    #[must_use]
    pub fn contains(&self, token: &ScopeToken) -> bool {
        self.0.contains(token)
    }

    /// Whether every token of `other` is in this scope.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.0.iter().all(|token| self.0.contains(token))
    }

    /// The tokens of this scope that are also in `other`.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.0.iter().filter(|token| other.0.contains(token)).cloned().collect()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, in the order given.
    pub fn tokens(&self) -> impl Iterator<Item = &ScopeToken> {
        self.0.iter()
    }
}

impl FromIterator<ScopeToken> for Scope {
    fn from_iter<I: IntoIterator<Item = ScopeToken>>(tokens: I) -> Self {
        let mut unique: Vec<ScopeToken> = Vec::new();
        for token in tokens {
            if !unique.contains(&token) {
                unique.push(token);
            }
        }
        Self(unique)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, token) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(token.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_set_in_the_order_given() {
        assert_eq!(Scope::parse("b a b").unwrap().to_string(), "b a");
        assert!(Scope::parse("").unwrap().is_empty());
    }

    #[test]
    fn refuses_illegal_characters_and_double_spaces() {
        for hostile in ["a\"b", "a\\b", "a\tb", "a\nb", "ä", " a", "a ", "a  b", &"x".repeat(129)] {
            assert_eq!(Scope::parse(hostile), Err(InvalidScope::IllegalToken), "{hostile:?}");
        }
        assert_eq!(Scope::parse(&vec!["a"; 33].join(" ")), Err(InvalidScope::TooMany));
    }

    #[test]
    fn contains_all_is_the_subset_relation() {
        let wide = Scope::parse("mcp:read mcp:write").unwrap();
        let narrow = Scope::parse("mcp:read").unwrap();
        assert!(wide.contains_all(&narrow) && wide.contains_all(&Scope::default()));
        assert!(!narrow.contains_all(&wide));
    }
}
