//! Okta, with a custom authorization server: scopes in the list `scp`, the client in `cid`, one audience for the
//! whole authorization server.

use super::authz::AUTHZ;
use super::{AudienceKind, Evidence, EvidenceLabel, Preset, Recipe, RequiredClaim, Variant};

pub(super) const OKTA: Preset = Preset {
    name: "okta",
    evidence: Evidence { label: EvidenceLabel::Documented, date: "2026-11-21" },
    token_types: &["okta-internal-at+jwt"],
    untyped: true,
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt, RequiredClaim::TokenId],
    client_claims: &["cid"],
    scope_claims: &["scp"],
    audience: AudienceKind::Own("the audience of the authorization server, such as `api://default`"),
    // Tokens of the organization's own server are for Okta, and their keys need not be published.
    issuer_contains: "/oauth2/",
    recipe: Recipe {
        title: "Okta",
        there: &[
            "Use a custom authorization server (Security, API, Authorization Servers): `default` or one of your own, for \
             which Okta sells API Access Management. The organization's server has tokens for Okta only.",
            "Set its audience to the public URL of the MCP server, or keep `api://default` and name it here.",
            "Add the scopes `mcp:read` and `mcp:write`, and an access policy for the client.",
            "Register the client (OIDC, native application) with the callback URL of the MCP client.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://dev-133320.okta.com/oauth2/default"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
            ("MCP_RESOURCE_AUDIENCES", "api://default"),
        ],
        variants: &[
            Variant {
                when: "When MCP clients insist on registering, which Okta allows only with an API token: the metadata shim answers them with the client registered there.",
                here: &[
                    ("MCP_RESOURCE_METADATA_SHIM", "on"),
                    ("MCP_RESOURCE_METADATA_SHIM_CLIENT_ID", "<client id>"),
                    ("MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS", "http://localhost:3030/callback"),
                ],
            },
            Variant {
                when: "When revoked tokens are to be noticed within seconds: Okta is asked about each token.",
                here: &[
                    ("MCP_RESOURCE_INTROSPECT", "always"),
                    ("MCP_RESOURCE_INTROSPECT_CLIENT_ID", "<client id of a service>"),
                    ("MCP_RESOURCE_INTROSPECT_CLIENT_SECRET", "<its secret>"),
                ],
            },
        ],
        strict: "`aud` is the one audience of the authorization server, whatever `resource` the client sent: one \
                 authorization server for each MCP server, or tokens for one are good for all.",
        verified: "The developer documentation; npm oidc-provider 9.13.3 imitating its tokens; not a live tenant.",
    },
    ..AUTHZ
};
