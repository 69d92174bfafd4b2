//! What a person sees of their grants: the clients that have access.

use crate::protocol::{ClientId, Resource};
use jiff::Timestamp;

/// A client that has access for a person, or gets it without a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Which client.
    pub client_id: ClientId,
    /// To what.
    pub resources: Vec<Resource>,
    /// Since when.
    pub since: Timestamp,
    /// When it last got a token, if it got one.
    pub used_at: Option<Timestamp>,
}
