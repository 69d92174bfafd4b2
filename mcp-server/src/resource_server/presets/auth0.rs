//! Auth0: the issuer ends in a slash, `aud` is the API's identifier, permissions stand beside the scopes.

use super::authz::AUTHZ;
use super::{Evidence, EvidenceLabel, Introspection, Preset, Recipe, RequiredClaim, Variant};

pub(super) const AUTH0: Preset = Preset {
    name: "auth0",
    evidence: Evidence { label: EvidenceLabel::Reported, date: "2026-11-21" },
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
             which nobody can verify.",
            "Register the client with the callback URL of the MCP client, or allow dynamic registration for the tenant.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://dev-example.us.auth0.com/"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
        ],
        variants: &[Variant {
            when: "When the Resource Parameter Compatibility Profile stays off: the metadata shim adds `audience` to what clients send. Leave Include Issuer in Authorization Responses off then, or clients refuse the answers.",
            here: &[
                ("MCP_RESOURCE_METADATA_SHIM", "on"),
                ("MCP_RESOURCE_METADATA_SHIM_CLIENT_ID", "<client id of the application>"),
                ("MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS", "http://localhost:3030/callback"),
            ],
        }],
        strict: "`aud` holds the API's identifier; the address of `/userinfo` beside it says nothing.",
        verified: "Published examples of both token profiles; npm oidc-provider 9.13.3 imitating its tokens, for sign-ins through the shim too; not a live tenant.",
    },
    ..AUTHZ
};
