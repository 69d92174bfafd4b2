//! Grants: that a person allowed a client to act on a resource. Tokens carry the id of their grant; they have no rows.

use super::{Authentication, GrantId, Subject};
use crate::protocol::{ClientId, Resource, Scope};
use jiff::Timestamp;

/// What a person allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id, in every token issued under it.
    pub id: GrantId,
    /// Who allowed it.
    pub subject: Subject,
    /// To whom.
    pub client_id: ClientId,
    /// What.
    pub scope: Scope,
    /// Where.
    pub resource: Resource,
    /// How and when they had proved who they are; `None` where no person was asked.
    pub authentication: Option<Authentication>,
    /// When.
    pub created_at: Timestamp,
    /// Whether it still holds.
    pub state: GrantState,
}

/// The life of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// Tokens under it are good.
    Alive,
    /// Tokens under it are dead.
    Revoked {
        /// Since when.
        at: Timestamp,
    },
}
