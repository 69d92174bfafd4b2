//! A set of scope tokens (RFC 6749 §3.3), and what an operation needs of a token.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::resource_server::access_token::AccessToken;

/// A set of scope tokens (RFC 6749 §3.3), in the order given, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Box<str>>);

impl Scopes {
    /// Reads a space-delimited list.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(' ').collect()
    }

    /// Whether `scope` is one of them, exactly.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| &**held == scope)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each scope token.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    pub(super) fn add(&mut self, scope: &str) {
        if !scope.is_empty() && !self.contains(scope) {
            self.0.push(scope.into());
        }
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        let mut set = Self::default();
        scopes.into_iter().for_each(|scope| set.add(scope));
        set
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// What an operation needs of a token: scopes, and perhaps a recent sign-in.
///
/// A space-delimited list of scopes becomes one by itself: `"mcp:read mcp:write".into()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirement {
    pub(super) scopes: Scopes,
    pub(super) max_age: Option<SignedDuration>,
}

impl Requirement {
    /// All of `scopes`, a space-delimited list; an empty one needs nothing.
    #[must_use]
    pub fn scopes(scopes: &str) -> Self {
        Self { scopes: Scopes::parse(scopes), max_age: None }
    }

    /// The person must have signed in no longer ago than `age` (RFC 9470). A token that does not say when
    /// (`auth_time`) is not enough.
    #[must_use]
    pub fn max_age(self, age: Duration) -> Self {
        Self { max_age: Some(SignedDuration::try_from(age).unwrap_or(SignedDuration::MAX)), ..self }
    }

    /// What both need together.
    pub(super) fn and(mut self, other: &Self) -> Self {
        other.scopes.iter().for_each(|scope| self.scopes.add(scope));
        self.max_age = self.max_age.into_iter().chain(other.max_age).min();
        self
    }

    /// The age that the sign-in of `token` exceeds, if it does.
    pub(super) fn exceeded_age(&self, token: &AccessToken, now: Timestamp) -> Option<SignedDuration> {
        let recent = |age| token.authenticated_at().is_some_and(|signed_in| now.duration_since(signed_in) <= age);
        self.max_age.filter(|age| !recent(*age))
    }
}

/// `mcp:read mcp:write, signed in within 300 s`.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", if self.scopes.is_empty() { "no scope".to_owned() } else { self.scopes.to_string() })?;
        match self.max_age {
            Some(age) => write!(f, ", signed in within {} s", age.as_secs()),
            None => Ok(()),
        }
    }
}

impl From<&str> for Requirement {
    fn from(scopes: &str) -> Self {
        Self::scopes(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_a_set() {
        let scopes = Scopes::parse(" b  a b ");
        assert_eq!(scopes.to_string(), "b a");
        assert!(scopes.contains("a") && !scopes.contains(""));
    }

    #[test]
    fn a_requirement_is_told_in_words() {
        let told = Requirement::scopes("a b").max_age(Duration::from_mins(5)).to_string();
        assert_eq!(told, "a b, signed in within 300 s");
        assert_eq!(Requirement::default().to_string(), "no scope");
    }

    #[test]
    fn two_requirements_together_are_the_stricter_of_both() {
        let aged = |scopes, seconds| Requirement::scopes(scopes).max_age(Duration::from_secs(seconds));
        assert_eq!(aged("a b", 60).and(&aged("b c", 30)), aged("a b c", 30));
        assert_eq!(aged("a", 60).and(&"b".into()), aged("a b", 60));
        assert_eq!(Requirement::default().and(&aged("a", 5)), aged("a", 5));
    }
}
