//! What tests ask about tokens, and the public client that they are issued to.

use super::{REDIRECT_URI, Server};
use crate::routes;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Introspects for [`super::RESOURCE`].
pub(crate) const RESOURCE_SERVER: (&str, &str) = ("mcp-server", "mcp-server-secret-123");

/// What a token says.
pub(crate) fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// What the access token of a token response says.
pub(crate) fn claims(response: &Value) -> Value {
    claims_of(response["access_token"].as_str().unwrap())
}

impl Server {
    /// Whether the access token of a token response is active.
    pub(crate) async fn is_active(&self, response: &Value) -> bool {
        let form = [("token", response["access_token"].as_str().unwrap())];
        self.post_as(RESOURCE_SERVER, routes::INTROSPECT, &form).await.json()["active"] == json!(true)
    }

    /// The id of a new public client.
    pub(crate) async fn register_public(&self, grant_types: &[&str]) -> String {
        let metadata = json!({
            "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none", "grant_types": grant_types,
        });
        self.post_json(routes::REGISTER, &metadata).await.json()["client_id"].as_str().unwrap().to_owned()
    }
}
