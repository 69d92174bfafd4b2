//! What a document has to say (the draft, §4.1; MCP asks for a name and redirect URIs besides). Pure.

use super::UnusableDocument;
use crate::{
    protocol::{ClientId, GrantType, RedirectRules, RedirectUri},
    register::{ClientMetadata, InvalidMetadata, MetadataRules},
};
use serde_json::{Value, json};

/// What such a client can have here. A document speaks to every server, so what it can have elsewhere is left out.
const GRANT_TYPES: [GrantType; 3] = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode];

/// Checks the document that was found at `id`.
pub(super) fn check(body: &[u8], id: &ClientId, rules: &MetadataRules<'_>) -> Result<ClientMetadata, UnusableDocument> {
    let mut document = ClientMetadata::object(body)?;
    // RFC 3986 §6.2.1: simple string comparison.
    if document.get("client_id").and_then(Value::as_str) != Some(id.as_str()) {
        return Err(UnusableDocument::ClientId);
    }
    // Everybody reads the document: MUST NOT have a secret, nor a method that needs one.
    if ["client_secret", "client_secret_expires_at"].iter().any(|member| document.contains_key(*member)) {
        return Err(UnusableDocument::SharedSecret);
    }
    let method = document.entry("token_endpoint_auth_method").or_insert_with(|| json!("none"));
    if method.as_str().is_some_and(|method| method.starts_with("client_secret_")) {
        return Err(UnusableDocument::SharedSecret);
    }
    if let Some(Value::Array(words)) = document.get_mut("grant_types") {
        let is_known = |word: &str| GRANT_TYPES.iter().any(|known| known.as_str() == word);
        words.retain(|word| word.as_str().is_none_or(is_known));
    }
    if let Some(Value::Array(uris)) = document.get_mut("redirect_uris") {
        leave_out_what_is_off(uris, rules.redirects);
    }
    let metadata = ClientMetadata::from_object(document, rules)?;
    if metadata.name.is_none() {
        return Err(UnusableDocument::NameMissing);
    }
    if metadata.redirect_uris.is_empty() {
        return Err(InvalidMetadata::RedirectUriCount.into());
    }
    Ok(metadata)
}

/// Redirect URIs that are right, and of a kind that the settings do not allow: left out, as long as others remain.
fn leave_out_what_is_off(uris: &mut Vec<Value>, rules: &RedirectRules) {
    let is_off = |raw: &str| RedirectUri::from_store(raw).is_ok_and(|uri| !rules.allow(&uri));
    let is_on = |uri: &Value| !uri.as_str().is_some_and(is_off);
    if uris.iter().any(is_on) {
        uris.retain(is_on);
    }
}
