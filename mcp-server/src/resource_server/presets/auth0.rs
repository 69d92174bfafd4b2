//! Auth0: the issuer ends in a slash, `aud` is the API's identifier, permissions stand beside the scopes.

use super::authz::AUTHZ;
use super::{Evidence, EvidenceLabel, Introspection, Preset, Recipe, RequiredClaim};

pub(super) const AUTH0: Preset = Preset {
    name: "auth0",
    evidence: Evidence { label: EvidenceLabel::Reported, date: "2026-11-20" },
    token_types: &["jwt", "at+jwt"],
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt],
    client_claims: &["client_id", "azp"],
    scope_claims: &["scope", "permissions"],
    introspection: Introspection::Unavailable,
    add_audience: true,
    recipe: Recipe {
        title: "Auth0",
        there: &[
            "Create an API whose identifier is the public URL of the MCP server, byte for byte, signed with RS256.",
            "Give it the permissions `mcp:read` and `mcp:write`.",
            "Switch on the Resource Parameter Compatibility Profile in the tenant's settings; else clients get an opaque token, \
             which nobody can verify. Where it has to stay off, set `MCP_RESOURCE_METADATA_SHIM=on` here, and `audience` \
             is added for clients on their way.",
            "Register the client with the callback URL of the MCP client, or allow dynamic registration for the tenant.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://dev-example.us.auth0.com/"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
        ],
        strict: "`aud` holds the API's identifier; the address of `/userinfo` beside it says nothing.",
        verified: "Published examples of both token profiles; not a live tenant.",
    },
    ..AUTHZ
};
