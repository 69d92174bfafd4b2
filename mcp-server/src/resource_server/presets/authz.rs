//! Our own authorization server: RFC 9068 to the letter.

use jiff::SignedDuration;

use super::{AudienceKind, Evidence, EvidenceLabel, Guard, Introspection, Preset, Recipe, RequiredClaim};

pub(super) const AUTHZ: Preset = Preset {
    name: "authz",
    evidence: Evidence { label: EvidenceLabel::Observed, date: "2026-11-21" },
    token_types: &["at+jwt"],
    untyped: false,
    unnamed_keys: false,
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt, RequiredClaim::TokenId],
    guard: Guard::ID_TOKENS,
    client_claims: &["client_id"],
    scope_claims: &["scope"],
    short_scopes: false,
    audience: AudienceKind::Resource,
    shared_audiences: &[],
    max_token_lifetime: SignedDuration::from_hours(24),
    issuer_contains: "",
    tenants: &[],
    key_origins: &[],
    opaque_tokens: false,
    introspection: Introspection::Advertised,
    incomplete_metadata: false,
    drop_resource: false,
    add_audience: false,
    recipe: Recipe {
        title: "Our own authorization server",
        there: &["Put the public URL of the MCP server into `MCP_AUTH_RESOURCES`.", "Start `authz`."],
        here: &[("MCP_RESOURCE_AUTH_SERVER_URL", "http://localhost:9000")],
        variants: &[],
        strict: "`aud` is `MCP_RESOURCE_PUBLIC_URL`: clients send it as `resource`, and authz knows no other.",
        verified: "The end-to-end tests run authz, this server and the client together.",
    },
};
