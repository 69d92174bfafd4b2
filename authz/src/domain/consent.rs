//! Consent that is remembered: what a person allowed to a client before.

use super::{AuthorizationCode, Subject};
use crate::protocol::{ClientId, Resource, Scope};

/// What a person allowed to a client on a resource, in all the times that it asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who allowed it.
    pub subject: Subject,
    /// To whom.
    pub client_id: ClientId,
    /// Where.
    pub resource: Resource,
    /// What.
    pub scope: Scope,
}

impl Consent {
    /// The consent behind a code.
    #[must_use]
    pub fn of(code: &AuthorizationCode) -> Self {
        Self {
            subject: code.grant.subject.clone(),
            client_id: code.grant.client_id.clone(),
            resource: code.grant.resource.clone(),
            scope: code.grant.scope.clone(),
        }
    }
}
