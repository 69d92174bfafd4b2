//! `whoami`: what the verified access token says.

use rmcp::handler::server::wrapper::Json;
use rmcp::{tool, tool_router};
use schemars::JsonSchema;
use serde::Serialize;

use super::Tools;
use crate::resource_server::AccessToken;

/// Its name.
pub(super) const NAME: &str = "whoami";
/// What a token must allow.
pub(super) const REQUIRED_SCOPE: &str = "mcp:read";

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Identity {
    /// Who issued the token.
    issuer: String,
    /// For whom it was issued.
    subject: Option<String>,
    /// The client that uses it.
    client_id: Option<String>,
    /// What it allows.
    scopes: Vec<String>,
    /// The resources it is for.
    audience: Vec<String>,
    /// When it expires, in RFC 3339.
    expires_at: Option<String>,
}

#[tool_router(router = whoami_router, vis = "pub(super)")]
impl Tools {
    /// Tells who is calling.
    #[tool(description = "The verified subject, client, scopes, audience and expiry of your access token")]
    async fn whoami(&self, token: AccessToken) -> Json<Identity> {
        Json(Identity {
            issuer: token.issuer().to_owned(),
            subject: token.subject().map(ToOwned::to_owned),
            client_id: token.client_id().map(ToOwned::to_owned),
            scopes: token.scopes().iter().map(ToOwned::to_owned).collect(),
            audience: token.audience().to_vec(),
            expires_at: token.expires_at().map(|expires_at| expires_at.to_string()),
        })
    }
}
