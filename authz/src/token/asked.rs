//! What a client asks for where no authorization endpoint has looked at it: resource and scope (RFC 8707, RFC 6749 §3.3).

use super::TokenError;
use crate::{
    client_authentication::AuthenticatedClient,
    protocol::{Parameters, Resource, Scope},
    services::Services,
};

/// A resource that there is, and a scope that the client may have at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The one named, or the only one there is.
    pub(crate) resource: Resource,
    /// What was asked for, or the client's default.
    pub(crate) scope: Scope,
}

impl Asked {
    /// Reads `resource` and `scope`.
    ///
    /// # Errors
    /// The resource is unknown, or the scope more than the client may have there.
    pub(crate) fn parse(
        services: &Services,
        client: &AuthenticatedClient,
        parameters: &Parameters,
    ) -> Result<Self, TokenError> {
        let resources = services.resources.current();
        let resource = resources.requested(parameters.all("resource")).ok_or(TokenError::UnknownResource)?;
        let allowed = &client.registration().scope;
        let scope = resource.grantable(allowed, parameters.once("scope")?).ok_or(TokenError::ScopeNotAllowed)?;
        Ok(Self { resource: resource.id.clone(), scope })
    }
}
