//! authentik: the access token looks like an ID token, `aud` is the client's id, scopes need a property mapping.

use super::authz::AUTHZ;
use super::{AudienceKind, Evidence, EvidenceLabel, Preset, Recipe, RequiredClaim};

pub(super) const AUTHENTIK: Preset = Preset {
    name: "authentik",
    evidence: Evidence { label: EvidenceLabel::Documented, date: "2026-11-20" },
    token_types: &["jwt"],
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt],
    client_claims: &["azp", "client_id"],
    scope_claims: &["scope", "permissions"],
    audience: AudienceKind::Own("the client's id"),
    recipe: Recipe {
        title: "authentik",
        there: &[
            "Create an OAuth2 provider with a signing key: without one tokens are signed with the client's secret, and refused.",
            "Register the client there with the callback URL of the MCP client.",
            "Add a scope mapping that returns `{\"permissions\": [\"mcp:read\"]}`: tokens hold no scopes by themselves.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://authentik.example.com/application/o/mcp/"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
            ("MCP_RESOURCE_AUDIENCES", "<client id>"),
        ],
        variants: &[],
        strict: "`aud` is the client's id, as in an ID token: tokens with `nonce`, `at_hash` or `c_hash` are refused.",
        verified: "The source of one version; not a live server.",
    },
    ..AUTHZ
};
