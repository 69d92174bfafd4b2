//! Zitadel: `aud` holds client and project ids, never a URL; scopes only at introspection.

use super::authz::AUTHZ;
use super::{AudienceKind, Evidence, EvidenceLabel, Preset, Recipe, RequiredClaim, Variant};

pub(super) const ZITADEL: Preset = Preset {
    name: "zitadel",
    evidence: Evidence { label: EvidenceLabel::Documented, date: "2026-11-20" },
    token_types: &["jwt", "at+jwt"],
    required: &[RequiredClaim::Subject, RequiredClaim::IssuedAt],
    client_claims: &["client_id", "azp"],
    scope_claims: &["scope", "urn:zitadel:iam:org:project:roles"],
    audience: AudienceKind::Own("the project's id"),
    opaque_tokens: true,
    recipe: Recipe {
        title: "Zitadel",
        there: &[
            "Create a project, and in it the client with token type JWT; or keep opaque tokens and create an API application \
             with basic authentication for introspection.",
            "Give the project roles named `mcp:read` and `mcp:write`, and let tokens assert them: there are no scopes in a JWT.",
            "Have clients ask for the scope `urn:zitadel:iam:org:project:id:<project id>:aud`: without it the project is not in \
             `aud`, and introspection calls the token inactive.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://instance.zitadel.cloud"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
            ("MCP_RESOURCE_AUDIENCES", "<project id>"),
        ],
        variants: &[Variant {
            when: "When tokens stay opaque: the API application asks about them.",
            here: &[
                ("MCP_RESOURCE_INTROSPECT_CLIENT_ID", "<client id of the API application>"),
                ("MCP_RESOURCE_INTROSPECT_CLIENT_SECRET", "<its secret>"),
            ],
        }],
        strict: "`aud` holds the project's id.",
        verified: "Documentation and source; npm oidc-provider 9.13.3 with these claims, for whole sign-ins and for \
                   introspection; not a live instance.",
    },
    ..AUTHZ
};
