//! What every page that asks for access says: who asks, for what, and who would give it.

use super::Permission;
use crate::{
    domain::{DisplayName, Origin, Person, RegisteredClient},
    login::{Browser, csrf::CsrfToken},
    protocol::{Resource, Scope},
    routes::LOGOUT,
    services::Services,
};

/// A question to the person in front of a browser; the part of its page that is the same wherever the answer goes.
#[derive(Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub client: &'a RegisteredClient,
    /// What it wants to reach.
    pub resource: &'a Resource,
    /// What that is called, if it has a name.
    pub resource_name: Option<String>,
    /// What it wants to do there.
    pub scope: &'a Scope,
    /// Who is signed in.
    pub username: String,
    /// Binds the answer to this browser.
    pub csrf: CsrfToken,
    /// The path of the sign-out, for another account.
    pub sign_out: String,
}

impl<'a> Question<'a> {
    /// `client` asks for `scope` at `resource`.
    #[must_use]
    pub fn new(
        services: &Services,
        (browser, person): (&Browser, &Person),
        client: &'a RegisteredClient,
        (resource, scope): (&'a Resource, &'a Scope),
    ) -> Self {
        let resources = services.resources.current();
        let name = resources.find(resource.as_str()).and_then(|resource| resource.name.as_ref());
        Self {
            client,
            resource,
            resource_name: name.map(DisplayName::as_str).map(str::to_owned),
            scope,
            username: person.username.as_str().to_owned(),
            csrf: browser.csrf_token(),
            sign_out: services.public_url.path(LOGOUT),
        }
    }

    /// The scope in sentences.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission<'_>> {
        self.scope.tokens().map(Permission::of).collect()
    }

    /// Why the client's name says nothing, where it does not.
    #[must_use]
    pub const fn unchecked(&self) -> Option<&'static str> {
        match self.client.origin {
            Origin::Demo | Origin::Operator | Origin::Configuration => None,
            Origin::SelfRegistered => Some("It registered itself, and it chose its own name."),
            Origin::MetadataDocument => Some("It chose its own name. Only the address that it comes from is certain."),
        }
    }
}
