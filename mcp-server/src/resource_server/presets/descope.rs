//! Descope: one issuer for the project and one for each MCP server registered there.

use super::authz::AUTHZ;
use super::{Evidence, EvidenceLabel, Introspection, Preset, Recipe, RequiredClaim};

pub(super) const DESCOPE: Preset = Preset {
    name: "descope",
    evidence: Evidence { label: EvidenceLabel::Reported, date: "2026-11-20" },
    token_types: &["jwt", "at+jwt"],
    untyped: true,
    required: &[RequiredClaim::Subject, RequiredClaim::IssuedAt],
    client_claims: &["azp", "client_id"],
    scope_claims: &["scope", "permissions"],
    introspection: Introspection::Unavailable,
    recipe: Recipe {
        title: "Descope",
        there: &[
            "Register the MCP server under Agentic Identity with its public URL and the scopes `mcp:read` and `mcp:write`.",
            "Copy the issuer from its discovery document: each MCP server has its own.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://api.descope.com/v1/apps/agentic/<project>/<server>"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
        ],
        variants: &[],
        strict: "`aud` holds the URL of the registered server; if it holds the project's id instead, name that in \
                 `MCP_RESOURCE_AUDIENCES`.",
        verified: "The verifier of FastMCP; not a live project.",
    },
    ..AUTHZ
};
