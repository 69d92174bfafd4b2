//! Ory Hydra: opaque tokens unless configured, the audience by a parameter of its own, introspection on the admin port.

use super::authz::AUTHZ;
use super::{Evidence, EvidenceLabel, Introspection, Preset, Recipe, RequiredClaim, Variant};

pub(super) const HYDRA: Preset = Preset {
    name: "hydra",
    evidence: Evidence { label: EvidenceLabel::Reported, date: "2026-11-21" },
    token_types: &["jwt"],
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt, RequiredClaim::TokenId],
    scope_claims: &["scope", "scp"],
    opaque_tokens: true,
    introspection: Introspection::Configured,
    add_audience: true,
    recipe: Recipe {
        title: "Ory Hydra",
        there: &[
            "Set `strategies.access_token` to `jwt`; or keep opaque tokens and name the admin API for introspection.",
            "Let the consent application copy the requested resource into `grant_access_token_audience`, and allow it in the \
             client's `audience`: Hydra itself ignores `resource`.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://hydra.example.com/"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
            ("MCP_RESOURCE_INTROSPECT_URL", "https://hydra-admin.example.com/admin/oauth2/introspect"),
            ("MCP_RESOURCE_INTROSPECT_CLIENT_METHOD", "none"),
        ],
        variants: &[Variant {
            when: "When the consent application cannot copy the resource: the metadata shim adds `audience` to what clients send; allow it in the client's `audience`.",
            here: &[
                ("MCP_RESOURCE_METADATA_SHIM", "on"),
                ("MCP_RESOURCE_METADATA_SHIM_CLIENT_ID", "<client id>"),
                ("MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS", "http://localhost:3030/callback"),
            ],
        }],
        strict: "`aud` holds the URL; the empty list that Hydra writes without an audience is refused.",
        verified: "Reports and captures; npm oidc-provider 9.13.3 imitating its tokens, JWT and opaque; not a live server.",
    },
    ..AUTHZ
};
