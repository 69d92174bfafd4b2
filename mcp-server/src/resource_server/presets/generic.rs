//! Any other issuer: the type of the token and the names of claims are taken as they come, and the guard against
//! ID tokens applies.

use super::authz::AUTHZ;
use super::{Preset, Recipe, RequiredClaim, Variant};

pub(super) const GENERIC: Preset = Preset {
    name: "generic",
    token_types: &["at+jwt", "jwt"],
    untyped: true,
    required: &[RequiredClaim::Subject],
    client_claims: &["client_id", "azp", "cid", "appid"],
    scope_claims: &["scope", "scp"],
    recipe: Recipe {
        title: "Any other issuer",
        there: &[
            "Let it issue JWT access tokens, signed with RS256, PS256, ES256 or EdDSA, that live for a day at most.",
            "Let it put the public URL of the MCP server into `aud`; else name what it puts there in `MCP_RESOURCE_AUDIENCES`.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://issuer.example"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
        ],
        variants: &[
            Variant {
                when: "When its access tokens are opaque:",
                here: &[
                    ("MCP_RESOURCE_OPAQUE_TOKENS", "on"),
                    ("MCP_RESOURCE_INTROSPECT_CLIENT_ID", "<client id>"),
                    ("MCP_RESOURCE_INTROSPECT_CLIENT_SECRET", "<its secret>"),
                ],
            },
            Variant {
                when: "When its metadata does not promise PKCE with S256, though it takes it, or clients cannot register:",
                here: &[
                    ("MCP_RESOURCE_METADATA_SHIM", "on"),
                    ("MCP_RESOURCE_METADATA_SHIM_CLIENT_ID", "<client id>"),
                    ("MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS", "http://localhost:3030/callback"),
                ],
            },
        ],
        strict: "`aud` holds `MCP_RESOURCE_PUBLIC_URL` or one of `MCP_RESOURCE_AUDIENCES`.",
        verified: "npm oidc-provider 9.13.3, with JWT and with opaque tokens.",
    },
    ..AUTHZ
};
