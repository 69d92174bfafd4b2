//! The scopes of one resource, and which broad scope implies which narrow ones.

use crate::protocol::{Scope, ScopeToken};

/// The scopes of a resource, and their hierarchy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceScopes {
    all: Scope,
    /// Broad and narrow, both of `all`.
    implied: Vec<(ScopeToken, ScopeToken)>,
}

/// The scopes cannot be those of a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidResourceScopes {
    /// Part of the hierarchy and not a scope.
    #[error("{} is in the hierarchy and not among the scopes", .0.as_str())]
    NotAScope(ScopeToken),
    /// Something between `>` and `,` is no scope token.
    #[error("the hierarchy has a part that is no scope")]
    Malformed,
}

impl ResourceScopes {
    /// Scopes of which none implies another.
    #[must_use]
    pub const fn flat(all: Scope) -> Self {
        Self { all, implied: Vec::new() }
    }

    /// Scopes with pairs of a broad and a narrow one.
    ///
    /// # Errors
    /// One of a pair is not among the scopes.
    pub fn new(all: Scope, implied: Vec<(ScopeToken, ScopeToken)>) -> Result<Self, InvalidResourceScopes> {
        let stranger = implied.iter().flat_map(|(broad, narrow)| [broad, narrow]).find(|token| !all.contains(token));
        match stranger {
            Some(stranger) => Err(InvalidResourceScopes::NotAScope(stranger.clone())),
            None => Ok(Self { all, implied }),
        }
    }

    /// Scopes with chains from broad to narrow, as in `mcp:admin>mcp:write>mcp:read,user>mcp:read`.
    ///
    /// # Errors
    /// A chain cannot be read, or has a part that is not among the scopes.
    pub fn with_chains(all: Scope, chains: &str) -> Result<Self, InvalidResourceScopes> {
        let mut implied = Vec::new();
        for chain in chains.split(',').map(str::trim).filter(|chain| !chain.is_empty()) {
            let tokens = chain.split('>').map(|raw| ScopeToken::parse(raw.trim())).collect::<Result<Vec<_>, _>>();
            let tokens = tokens.map_err(|_| InvalidResourceScopes::Malformed)?;
            implied.extend(tokens.iter().cloned().zip(tokens.iter().skip(1).cloned()));
        }
        Self::new(all, implied)
    }

    /// All of them, in the order given.
    #[must_use]
    pub const fn all(&self) -> &Scope {
        &self.all
    }

    /// Pairs of a broad and a narrow one, as given.
    #[must_use]
    pub fn implied(&self) -> &[(ScopeToken, ScopeToken)] {
        &self.implied
    }

    /// Whether whoever has `granted` has every one of `requested` here, by itself or because a broader one implies it.
    #[must_use]
    pub fn covers(&self, granted: &Scope, requested: &Scope) -> bool {
        let mut reached = granted.intersection(&self.all);
        loop {
            let more =
                self.implied.iter().filter(|(broad, narrow)| reached.contains(broad) && !reached.contains(narrow));
            let more: Vec<_> = more.map(|(_, narrow)| narrow.clone()).collect();
            if more.is_empty() {
                return reached.contains_all(requested);
            }
            reached = reached.tokens().cloned().chain(more).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(raw: &str) -> Scope {
        Scope::parse(raw).unwrap()
    }

    fn scopes(chains: &str) -> ResourceScopes {
        ResourceScopes::with_chains(scope("admin write read user"), chains).unwrap()
    }

    #[test]
    fn a_broad_scope_covers_what_it_implies_in_turn() {
        let scopes = scopes("admin>write>read, user>read");
        for (granted, requested) in
            [("admin", "read"), ("admin", "write read"), ("user", "read"), ("read", "read"), ("read", "")]
        {
            assert!(scopes.covers(&scope(granted), &scope(requested)), "{granted}: {requested}");
        }
        for (granted, requested) in [("read", "write"), ("user", "write"), ("", "read"), ("write", "read user")] {
            assert!(!scopes.covers(&scope(granted), &scope(requested)), "{granted}: {requested}");
        }
    }

    #[test]
    fn a_scope_of_another_resource_covers_nothing_here() {
        assert!(!scopes("admin>read").covers(&scope("other"), &scope("other")));
    }

    #[test]
    fn scopes_that_imply_each_other_are_the_same() {
        let scopes = scopes("read>write>read");
        assert!(scopes.covers(&scope("read"), &scope("write")) && scopes.covers(&scope("write"), &scope("read")));
    }

    #[test]
    fn the_hierarchy_is_made_of_the_scopes() {
        let all = || scope("write read");
        let stranger = ScopeToken::parse("admin").unwrap();
        assert_eq!(ResourceScopes::with_chains(all(), "admin>read"), Err(InvalidResourceScopes::NotAScope(stranger)));
        for malformed in ["write>", ">", "write>>read", "wr ite>read", "a\"b>read"] {
            assert_eq!(
                ResourceScopes::with_chains(all(), malformed),
                Err(InvalidResourceScopes::Malformed),
                "{malformed}"
            );
        }
        assert_eq!(ResourceScopes::with_chains(all(), " , "), Ok(ResourceScopes::flat(all())));
    }
}
