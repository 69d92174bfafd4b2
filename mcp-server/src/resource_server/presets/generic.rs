//! Any other issuer: the type of the token and the names of claims are taken as they come, and the guard against
//! ID tokens applies.

use super::authz::AUTHZ;
use super::{Preset, Recipe, RequiredClaim};

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
        strict: "`aud` holds `MCP_RESOURCE_PUBLIC_URL` or one of `MCP_RESOURCE_AUDIENCES`.",
        verified: "npm oidc-provider 9.13.3, with JWT and with opaque tokens.",
    },
    ..AUTHZ
};
