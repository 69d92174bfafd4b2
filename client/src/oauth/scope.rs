//! Scopes: space-separated tokens of RFC 6749 §3.3, and which of them to ask for.

use std::fmt;

/// Longest scope accepted from anybody, in bytes.
const MAX_SCOPE_BYTES: usize = 4096;

/// At least one scope token, in order and without repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl Scope {
    /// Parses a space-separated list; `None` when it is empty, too long, or holds a character outside RFC 6749 §3.3.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        Self::from_tokens(raw.split(' ').filter(|token| !token.is_empty()))
    }

    /// Collects single tokens by the same rules.
    #[must_use]
    pub fn from_tokens<'a>(tokens: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut collected: Vec<String> = Vec::new();
        let mut bytes = 0;
        for token in tokens {
            bytes += token.len() + 1;
            if bytes > MAX_SCOPE_BYTES || token.is_empty() || !token.bytes().all(is_scope_character) {
                return None;
            }
            if !collected.iter().any(|known| known == token) {
                collected.push(token.to_owned());
            }
        }
        (!collected.is_empty()).then_some(Self(collected))
    }

    /// Both together, this one's tokens first.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut tokens = self.0.clone();
        tokens.extend(other.0.iter().filter(|token| !self.0.contains(token)).cloned());
        Self(tokens)
    }

    /// Whether every token of `other` is in this one.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        other.0.iter().all(|token| self.0.contains(token))
    }

    /// The tokens, in order.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Which scope to ask for (MCP authorization "Scope Selection Strategy"): the challenge's, else all that the resource
/// publishes, else none at all; what the person configured comes on top of a challenge and replaces the rest.
#[must_use]
pub fn choose(configured: Option<&Scope>, challenged: Option<&Scope>, supported: Option<&Scope>) -> Option<Scope> {
    match (configured, challenged) {
        (Some(configured), Some(challenged)) => Some(challenged.union(configured)),
        (None, Some(challenged)) => Some(challenged.clone()),
        (Some(configured), None) => Some(configured.clone()),
        (None, None) => supported.cloned(),
    }
}

const fn is_scope_character(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(raw: &str) -> Scope {
        Scope::parse(raw).unwrap()
    }

    #[test]
    fn the_challenge_decides_then_the_resource_then_nothing() {
        let (challenged, supported) = (scope("mcp:read"), scope("mcp:read mcp:write"));
        assert_eq!(choose(None, Some(&challenged), Some(&supported)), Some(challenged.clone()));
        assert_eq!(choose(None, None, Some(&supported)), Some(supported.clone()));
        assert_eq!(choose(None, None, None), None);
    }

    #[test]
    fn a_configured_scope_never_takes_away_what_the_challenge_asks() {
        let (configured, challenged, supported) = (scope("mcp:write"), scope("mcp:read"), scope("other"));
        let both = choose(Some(&configured), Some(&challenged), Some(&supported)).unwrap();
        assert_eq!(both.to_string(), "mcp:read mcp:write");
        assert_eq!(choose(Some(&configured), None, Some(&supported)), Some(configured));
    }

    #[test]
    fn refuses_characters_outside_the_grammar() {
        for bad in ["", "  ", "a\"b", "a\\b", "a\nb", "a\u{1b}[0m", "ä"] {
            assert_eq!(Scope::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Scope::parse(&"x".repeat(MAX_SCOPE_BYTES)), None);
        assert_eq!(scope("a b a").to_string(), "a b");
    }
}
