//! Amazon Cognito user pools: no `typ`, `aud` only when the client sent `resource`, scopes behind the identifier of
//! a resource server.

use super::authz::AUTHZ;
use super::{Evidence, EvidenceLabel, Introspection, Preset, Recipe, RequiredClaim, Variant};

pub(super) const COGNITO: Preset = Preset {
    name: "cognito",
    evidence: Evidence { label: EvidenceLabel::Documented, date: "2026-11-21" },
    // moto writes `JWT`, Cognito nothing.
    token_types: &["jwt"],
    untyped: true,
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt, RequiredClaim::TokenId],
    introspection: Introspection::Unavailable,
    incomplete_metadata: true,
    recipe: Recipe {
        title: "Amazon Cognito",
        there: &[
            "Create a user pool on the Essentials or Plus tier, with a domain and managed login.",
            "Create a resource server whose identifier is the public URL of the MCP server, without a slash at the end, \
             with the scopes `mcp:read` and `mcp:write`.",
            "Create an app client without a secret: authorization code grant, the callback URL of the MCP client \
             (`http://localhost:3030/callback`), the scopes of that resource server.",
            "Have clients send `resource` to `/oauth2/authorize`, as MCP clients do: only then is there an `aud`. Tokens of \
             the client credentials grant and of `InitiateAuth` never have one.",
            "Or let [a template and its script](cognito/README.md) do all of this, and write the settings.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_EXAMPLE"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
            ("MCP_RESOURCE_SCOPE_PREFIX", "https://mcp.example.com/mcp/"),
            ("MCP_RESOURCE_METADATA_SHIM", "on"),
            ("MCP_RESOURCE_METADATA_SHIM_CLIENT_ID", "<id of the app client>"),
            ("MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS", "http://localhost:3030/callback"),
        ],
        variants: &[Variant {
            when: "When programs without a person come in too, or the pool is on the Lite tier: their tokens have no `aud`.",
            here: &[
                ("MCP_RESOURCE_OAUTH_STRICT", "false"),
                ("MCP_RESOURCE_ALLOWED_CLIENTS", "<id of the app client>,<id of the client of the program>"),
            ],
        }],
        strict: "`aud` is `MCP_RESOURCE_PUBLIC_URL`. Tokens of machines have no `aud` and are refused. Where they are \
                 let in by their client, the prefix of the scopes still ties a token to this server.",
        verified: "The developer guide for the shape of tokens; moto 5.2.5 for keys, metadata and the template; npm oidc-provider \
                   9.13.3 imitating its tokens; not a live account.",
    },
    ..AUTHZ
};
