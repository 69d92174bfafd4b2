//! Our own authorization server: RFC 9068 to the letter.

use jiff::SignedDuration;

use super::{Preset, RequiredClaim};

pub(super) const AUTHZ: Preset = Preset {
    name: "authz",
    token_types: &["at+jwt"],
    untyped: false,
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt, RequiredClaim::TokenId],
    client_claims: &["client_id"],
    scope_claims: &["scope"],
    max_token_lifetime: SignedDuration::from_hours(24),
};
