//! Consent that is remembered: what a person allowed to a client before.

use super::Subject;
use crate::protocol::{ClientId, Resource, Scope};
use jiff::Timestamp;

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
    /// When they did for the first time since it was forgotten last.
    pub given_at: Timestamp,
}
