//! `AuthKit` by `WorkOS`: no `typ`, `aud` is the resource if indicators are on, permissions instead of scopes of one's own.

use super::authz::AUTHZ;
use super::{Evidence, EvidenceLabel, Preset, Recipe, RequiredClaim};

pub(super) const AUTHKIT: Preset = Preset {
    name: "authkit",
    evidence: Evidence { label: EvidenceLabel::Reported, date: "2026-11-20" },
    token_types: &["jwt"],
    untyped: true,
    required: &[RequiredClaim::Subject, RequiredClaim::IssuedAt],
    client_claims: &["client_id", "azp"],
    scope_claims: &["scope", "permissions"],
    recipe: Recipe {
        title: "WorkOS AuthKit",
        there: &[
            "Switch on resource indicators, and add the public URL of the MCP server.",
            "Create the permissions `mcp:read` and `mcp:write` and give them to a role: there are no scopes of one's own.",
            "Switch on dynamic registration or client metadata documents.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://example.authkit.app"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
        ],
        variants: &[],
        strict: "`aud` is the URL. Without resource indicators it is the environment's client id: name that in \
                 `MCP_RESOURCE_AUDIENCES`, and any application of the environment gets in.",
        verified: "A capture of the metadata and FastMCP's provider; not a live environment.",
    },
    ..AUTHZ
};
