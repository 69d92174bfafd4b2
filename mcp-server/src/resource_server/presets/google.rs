//! Google: opaque access tokens that only its token information explains; they are for a client, never for a resource.

use jiff::SignedDuration;

use super::authz::AUTHZ;
use super::{AudienceKind, Evidence, EvidenceLabel, Introspection, Preset, Recipe};

pub(super) const GOOGLE: Preset = Preset {
    name: "google",
    evidence: Evidence { label: EvidenceLabel::Reported, date: "2026-11-20" },
    // A JWT of Google's is an ID token.
    token_types: &[],
    required: &[],
    client_claims: &["azp"],
    audience: AudienceKind::Own("the client's id"),
    max_token_lifetime: SignedDuration::from_hours(1),
    key_origins: &["https://www.googleapis.com"],
    opaque_tokens: true,
    introspection: Introspection::TokenInformation("https://oauth2.googleapis.com/tokeninfo"),
    recipe: Recipe {
        title: "Google",
        there: &[
            "Create an OAuth client (Desktop application) and note its id and secret: Google has no registration, so each MCP \
             client is given both.",
            "Map our scopes to Google's, which alone can be asked for.",
        ],
        here: &[
            ("MCP_RESOURCE_AUTH_SERVER_URL", "https://accounts.google.com"),
            ("MCP_RESOURCE_PUBLIC_URL", "https://mcp.example.com/mcp"),
            ("MCP_RESOURCE_AUDIENCES", "<client id>.apps.googleusercontent.com"),
            ("MCP_RESOURCE_SCOPE_MAP", "mcp:read=openid"),
        ],
        variants: &[],
        strict: "`aud` is the id of your own client. That is no binding to this server: every application that uses the same \
                 client gets in.",
        verified: "The documentation of token information, as reported; not a live client.",
    },
    ..AUTHZ
};
