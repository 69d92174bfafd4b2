//! Keycloak: the payload has a `typ` of its own, `aud` needs a mapper, and the realm's keys are not all for signatures.

use super::authz::AUTHZ;
use super::{Evidence, EvidenceLabel, Preset, Recipe, RequiredClaim, Variant};

pub(super) const KEYCLOAK: Preset = Preset {
    name: "keycloak",
    evidence: Evidence { label: EvidenceLabel::Documented, date: "2026-11-21" },
    token_types: &["jwt", "at+jwt"],
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt, RequiredClaim::TokenId],
    client_claims: &["azp", "client_id"],
    // On nearly every token of a realm.
    shared_audiences: &["account"],
    recipe: Recipe {
        title: "Keycloak",
        there: &[
            "Create the client scopes `mcp:read` and `mcp:write`, each with an Audience mapper whose custom audience is the \
             public URL of the MCP server. From 26.6 the experimental feature `resource-indicators` does without mappers.",
            "Make them optional scopes of the client; or default scopes of the realm, so that clients that register themselves \
             get them.",
            "Register the client (public, standard flow, PKCE S256) with the callback URL of the MCP client; for dynamic \
             registration loosen the policy Trusted Hosts.",
            "For introspection create a confidential client that is itself in `aud`: newer versions answer `active: false` to \
             others.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://kc.example.com/realms/demo"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
        ],
        variants: &[Variant {
            when: "When revoked tokens are to be noticed within seconds: Keycloak is asked about each token.",
            here: &[
                ("MCP_RESOURCE_INTROSPECT", "always"),
                ("MCP_RESOURCE_INTROSPECT_CLIENT_ID", "<confidential client>"),
                ("MCP_RESOURCE_INTROSPECT_CLIENT_SECRET", "<its secret>"),
            ],
        }],
        strict: "`aud` holds the URL that the mapper puts there. `account`, which is on nearly every token of a realm, is \
                 never accepted.",
        verified: "The guide for MCP authorization servers; npm oidc-provider 9.13.3 imitating its tokens; not a live realm.",
    },
    ..AUTHZ
};
