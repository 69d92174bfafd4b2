//! A resource server that this issuer makes tokens for.

use super::{DisplayName, ResourceScopes};
use crate::{
    openid,
    protocol::{Resource, Scope},
};

/// A resource server (RFC 9728 calls it a protected resource) that tokens can be for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServedResource {
    /// Its identifier, the audience of its tokens.
    pub id: Resource,
    /// What the consent page calls it, beside the identifier.
    pub name: Option<DisplayName>,
    /// What can be asked for at it.
    pub scopes: ResourceScopes,
}

impl ServedResource {
    /// The scope that a client gets here: what it asks for, if `allowed` covers it, or all of `allowed` that there is
    /// here if it asks for nothing. `None` if it asks for more, or for what cannot be read.
    #[must_use]
    pub fn grantable(&self, allowed: &Scope, requested: Option<&str>) -> Option<Scope> {
        let Some(raw) = requested else { return Some(allowed.intersection(self.scopes.all())) };
        Scope::parse(raw).ok().filter(|requested| self.scopes.covers(allowed, requested))
    }

    /// As [`Self::grantable`], where a person decides: what is asked about the person is between them and the client.
    #[must_use]
    pub fn grantable_by_person(&self, allowed: &Scope, requested: Option<&str>) -> Option<Scope> {
        let Some(raw) = requested else { return self.grantable(allowed, None) };
        let covered = |requested: &Scope| self.scopes.covers(allowed, &openid::beyond_the_person(requested));
        Scope::parse(raw).ok().filter(covered)
    }
}
