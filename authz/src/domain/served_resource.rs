//! A resource server that this issuer makes tokens for.

use super::{DisplayName, ResourceScopes};
use crate::protocol::Resource;

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
