//! Any other issuer: the type of the token and the names of two claims are taken as they come, and the
//! guard against ID tokens applies.

use jiff::SignedDuration;

use super::{Preset, RequiredClaim};

pub(super) const GENERIC: Preset = Preset {
    name: "generic",
    token_types: &["at+jwt", "jwt"],
    untyped: true,
    required: &[RequiredClaim::Subject],
    client_claims: &["client_id", "azp", "cid", "appid"],
    scope_claims: &["scope", "scp"],
    max_token_lifetime: SignedDuration::from_hours(24),
};
