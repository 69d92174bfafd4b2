//! What a client asks for where no authorization endpoint has looked at it: resource and scope (RFC 8707, RFC 6749 §3.3).

use super::TokenError;
use crate::{
    client_authentication::AuthenticatedClient,
    domain::ServedResource,
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
    /// Reads `resource` and `scope` of a client that asks for itself.
    ///
    /// # Errors
    /// The resource is unknown, or the scope more than the client may have there.
    pub(crate) fn parse(
        services: &Services,
        client: &AuthenticatedClient,
        parameters: &Parameters,
    ) -> Result<Self, TokenError> {
        Self::read(services, client, parameters, ServedResource::grantable)
    }

    /// Reads `resource` and `scope` of a client that asks a person, and may want to know who that is.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(crate) fn parse_for_person(
        services: &Services,
        client: &AuthenticatedClient,
        parameters: &Parameters,
    ) -> Result<Self, TokenError> {
        Self::read(services, client, parameters, ServedResource::grantable_by_person)
    }

    fn read(
        services: &Services,
        client: &AuthenticatedClient,
        parameters: &Parameters,
        grantable: impl Fn(&ServedResource, &Scope, Option<&str>) -> Option<Scope>,
    ) -> Result<Self, TokenError> {
        let resources = services.resources.current();
        let resource = resources.requested(parameters.all("resource")).ok_or(TokenError::UnknownResource)?;
        let allowed = &client.registration().scope;
        let scope = grantable(resource, allowed, parameters.once("scope")?).ok_or(TokenError::ScopeNotAllowed)?;
        Ok(Self { resource: resource.id.clone(), scope })
    }
}
