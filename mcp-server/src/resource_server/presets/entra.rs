//! Microsoft Entra ID: `aud` is the API's client id, scopes are asked for with a prefix and come without it, tenants
//! share keys, and an API may get tokens of an older version under another issuer.

use jiff::SignedDuration;

use super::authz::AUTHZ;
use super::{
    AudienceKind, Evidence, EvidenceLabel, Guard, Introspection, Preset, Recipe, RequiredClaim, TenantTemplate, Variant,
};

pub(super) const ENTRA: Preset = Preset {
    name: "entra",
    evidence: Evidence { label: EvidenceLabel::Documented, date: "2026-11-20" },
    token_types: &["jwt"],
    required: &[RequiredClaim::Subject, RequiredClaim::Client, RequiredClaim::IssuedAt],
    // Tokens for Microsoft's own services have it; nobody else can verify them.
    guard: Guard { absent_from_header: &["nonce"], ..Guard::ID_TOKENS },
    client_claims: &["azp", "appid"],
    scope_claims: &["scp", "roles"],
    short_scopes: true,
    audience: AudienceKind::Own("the API's client id, or its application ID URI in tokens of version 1"),
    shared_audiences: &["00000003-0000-0000-c000-000000000000", "https://graph.microsoft.com"],
    // Continuous access evaluation makes tokens last for up to 28 hours.
    max_token_lifetime: SignedDuration::from_hours(28),
    tenants: &[
        TenantTemplate {
            issuer: "https://login.microsoftonline.com/{tenantid}/v2.0",
            metadata: "https://login.microsoftonline.com/{tenantid}/v2.0/.well-known/openid-configuration",
        },
        TenantTemplate {
            issuer: "https://sts.windows.net/{tenantid}/",
            metadata: "https://login.microsoftonline.com/{tenantid}/.well-known/openid-configuration",
        },
        TenantTemplate {
            issuer: "https://login.microsoftonline.us/{tenantid}/v2.0",
            metadata: "https://login.microsoftonline.us/{tenantid}/v2.0/.well-known/openid-configuration",
        },
        TenantTemplate {
            issuer: "https://login.partner.microsoftonline.cn/{tenantid}/v2.0",
            metadata: "https://login.partner.microsoftonline.cn/{tenantid}/v2.0/.well-known/openid-configuration",
        },
    ],
    key_origins: &["https://login.microsoftonline.com"],
    introspection: Introspection::Unavailable,
    incomplete_metadata: true,
    drop_resource: true,
    recipe: Recipe {
        title: "Microsoft Entra ID",
        there: &[
            "Register an application for the MCP server; in its manifest set `requestedAccessTokenVersion` to 2.",
            "Under Expose an API take the ID URI `api://<client id>` and add the scopes `mcp:read` and `mcp:write`; for \
             applications without a person add app roles of the same names.",
            "Register the client as a public client (mobile and desktop, not single-page) with the callback URL of the MCP client, and give it those scopes.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://login.microsoftonline.com/<tenant id>/v2.0"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
            ("MCP_RESOURCE_AUDIENCES", "<client id of the API>"),
            ("MCP_RESOURCE_SCOPE_PREFIX", "api://<client id of the API>/"),
            ("MCP_RESOURCE_METADATA_SHIM", "on"),
            ("MCP_RESOURCE_METADATA_SHIM_CLIENT_ID", "<client id of the client>"),
            ("MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS", "http://localhost:3030/callback"),
        ],
        variants: &[
            Variant {
                when: "When several tenants may come in:",
                here: &[
                    ("MCP_RESOURCE_AUTH_SERVER_URL", "https://login.microsoftonline.com/{tenantid}/v2.0"),
                    ("MCP_RESOURCE_TENANTS", "<tenant id>,<another tenant id>"),
                ],
            },
            Variant {
                when: "When the application ID URI of the API is the public URL itself (its host is a verified domain): Entra takes `resource` then, and token requests need not pass through the MCP server.",
                here: &[
                    ("MCP_RESOURCE_SCOPE_PREFIX", "https://mcp.example.com/mcp/"),
                    ("MCP_RESOURCE_METADATA_SHIM_DROP_RESOURCE", "off"),
                ],
            },
        ],
        strict: "`aud` is the API's client id, never the URL. For several tenants the issuer is \
                 `https://login.microsoftonline.com/{tenantid}/v2.0`, and `MCP_RESOURCE_TENANTS` lists them; without a list \
                 nobody gets in.",
        verified: "The reference of access token claims; the shim against npm oidc-provider 9.13.3 made to refuse \
                   `resource`; not a live tenant.",
    },
    ..AUTHZ
};
