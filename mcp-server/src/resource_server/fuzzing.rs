//! What the targets in `fuzz/` do with hostile bytes, and what must hold whatever the bytes are. Built for fuzzing and
//! for the test that replays the corpora; the library has none of it.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Uri, header};
use serde_json::Value;
use url::Url;

use super::bearer::{BearerToken, MAX_TOKEN_BYTES};
use super::challenge::{Challenger, Reason, Refusal};
use super::host::AllowedHosts;
use super::introspect;
use super::json_rpc::Message;
use super::origin::AllowedOrigins;
use super::resource::ResourceIdentifier;
use super::scope::{Operation, Scopes};
use super::shim::{self, ShimOptions};

const RESOURCE: &str = "http://localhost:8001/mcp";
const NAMES: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "edge.example"];

/// What passes for a token is one: its own alphabet, its length, from one header.
pub fn bearer_header(value: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(value) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, value.clone());
    if let Ok(token) = BearerToken::from_headers(&headers) {
        let token = token.reveal();
        assert!(!token.is_empty() && token.len() <= MAX_TOKEN_BYTES);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)));
        assert!(value.as_bytes().ends_with(token.as_bytes()));
    }
    headers.append(header::AUTHORIZATION, value);
    assert!(matches!(BearerToken::from_headers(&headers), Err(Reason::MultipleCredentials)));
}

/// The first byte picks a reason, the rest is quoted: nothing gets out of its quotes.
pub fn challenge(bytes: &[u8]) {
    let Some((&first, quoted)) = bytes.split_first() else { return };
    let Some(&reason) = Reason::ALL.get(usize::from(first) % Reason::ALL.len()) else { return };
    let presented = String::from_utf8_lossy(quoted);
    let metadata = "http://localhost:8001/.well-known/oauth-protected-resource/mcp";
    let challenger = Challenger::new(metadata.to_owned(), Scopes::parse("mcp:read"));
    let response = challenger.respond(&Refusal::explained(reason, RESOURCE, &presented), None);
    let Some(value) = response.headers().get(header::WWW_AUTHENTICATE) else {
        assert_ne!(response.status(), 401);
        return;
    };
    let value = value.to_str().unwrap_or_default();
    assert!(value.starts_with("Bearer ") && value.ends_with(&format!(", resource_metadata=\"{metadata}\"")), "{value}");
    let names: Vec<&str> = value.split('"').step_by(2).map(|name| name.trim_matches([' ', ',', '='])).collect();
    let expected: &[&str] = match reason.error() {
        Some(_) => &["Bearer error", "error_description", "scope", "resource_metadata", ""],
        None => &["Bearer scope", "resource_metadata", ""],
    };
    assert_eq!(names, expected, "{value}");
    assert!(!value.contains('\\') && value.len() < 1000, "{value}");
}

/// `Host`, a line break, `Origin`: what is let in names this server when a URL parser reads it.
pub fn host_and_origin(bytes: &[u8]) {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let (host, origin) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let Ok(resource) = ResourceIdentifier::parse(RESOURCE) else { return };
    let names_us = |url: &str| {
        let parsed = Url::parse(url).ok();
        parsed.as_ref().and_then(Url::host_str).is_some_and(|host| NAMES.contains(&host))
    };
    let mut headers = HeaderMap::new();
    if let (Ok(value), Ok(hosts)) =
        (HeaderValue::from_bytes(host), AllowedHosts::new(&resource, &["edge.example".to_owned()]))
    {
        headers.insert(header::HOST, value);
        if hosts.check(&Uri::from_static("/mcp"), &headers).is_ok() {
            let host = String::from_utf8_lossy(host);
            assert!(names_us(&format!("http://{host}/")), "{host:?}");
        }
    }
    if let (Ok(value), Ok(origins)) =
        (HeaderValue::from_bytes(origin), AllowedOrigins::new(&resource, &["https://edge.example".to_owned()]))
    {
        headers.insert(header::ORIGIN, value);
        if let Ok(Some(origin)) = origins.check(&headers) {
            let origin = origin.to_str().unwrap_or_default();
            assert!(names_us(origin) && origin.matches('/').count() == 2, "{origin:?}");
        }
    }
}

/// The first byte picks a status: a token is active only by a 200 that says `"active": true` and nothing else.
pub fn introspection_answer(bytes: &[u8]) {
    let Some((&first, body)) = bytes.split_first() else { return };
    let status = [200, 200, 200, 400, 201, 302, 401, 429, 500, 503].get(usize::from(first) % 10).copied();
    if introspect::fuzz_is_active(status.unwrap_or(200), body) {
        assert_eq!(status, Some(200));
        let lenient: Value = serde_json::from_slice(body).unwrap_or_default();
        assert_eq!(lenient.get("active"), Some(&Value::Bool(true)));
    }
}

/// What a lenient reader finds a body to ask for is among what its scopes are checked for.
pub fn operation(body: &[u8]) {
    let Ok(found) = Message::parse(body).and_then(|message| Operation::of(&message)) else { return };
    let lenient: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer: &str| lenient.pointer(pointer).and_then(Value::as_str).map(|text| Cow::Owned(text.to_owned()));
    let (name, uri) = (text("/params/name").map(Operation::Tool), text("/params/uri").map(Operation::Resource));
    let asked: Vec<Operation<'_>> = match lenient.get("method").and_then(Value::as_str) {
        Some("tools/call") => name.into_iter().collect(),
        Some("prompts/get") => text("/params/name").map(Operation::Prompt).into_iter().collect(),
        Some("resources/read" | "resources/subscribe") => uri.into_iter().collect(),
        Some("completion/complete") => {
            let (prompt, template) = (text("/params/ref/name"), text("/params/ref/uri"));
            prompt.map(Operation::Prompt).into_iter().chain(template.map(Operation::Resource)).collect()
        }
        Some("subscriptions/listen") => {
            let first = text("/params/notifications/resourceSubscriptions/0");
            first.map(Operation::Resource).into_iter().collect()
        }
        _ => Vec::new(),
    };
    assert!(asked.iter().all(|operation| found.contains(operation)), "{asked:?} is not in {found:?}");
}

/// The first byte picks what the shim changes, the rest is an issuer's metadata: what clients are told is ours, promises
/// S256, hides no `iss`, and leads to no place that may not be spoken to.
pub fn shim_metadata(bytes: &[u8]) {
    let Some((&first, theirs)) = bytes.split_first() else { return };
    let add_audience = (first & 2 != 0).then(|| "https://audience.example".to_owned());
    let options = ShimOptions { client: None, drop_resource: first & 1 != 0, add_audience };
    let Some(document) = shim::fuzz_document(theirs, options) else { return };
    let document: Value = serde_json::from_str(&document).unwrap_or_default();
    assert_eq!(document.get("issuer"), Some(&Value::from("https://mcp.example")));
    assert_eq!(document.get("code_challenge_methods_supported"), Some(&Value::from(vec!["S256"])));
    for name in ["authorization_endpoint", "token_endpoint"] {
        assert!(document.get(name).is_some_and(Value::is_string), "{document}");
    }
    let urls = document.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("_endpoint"));
    for url in urls.filter_map(|(_, value)| value.as_str()) {
        assert!(may_be_spoken_to(url), "{url}");
    }
    let theirs: Value = serde_json::from_slice(theirs).unwrap_or_default();
    assert_ne!(theirs.get("authorization_response_iss_parameter_supported"), Some(&Value::Bool(true)));
    let methods = theirs.get("code_challenge_methods_supported").and_then(Value::as_array);
    assert!(methods.is_none_or(|methods| methods.contains(&Value::from("S256"))));
}

fn may_be_spoken_to(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let is_local = matches!(url.host_str(), Some("localhost" | "[::1]"))
        || url
            .host_str()
            .and_then(|host| host.parse::<std::net::Ipv4Addr>().ok())
            .is_some_and(|host| host.is_loopback());
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    is_bare && (url.scheme() == "https" || url.scheme() == "http" && is_local)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Gives each input of a corpus to its target, which panics when something does not hold.
    fn replay(target: &str, body: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let inputs: Vec<_> = fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() >= 5, "{target} has only {} inputs", inputs.len());
        for input in inputs {
            body(&fs::read(input).unwrap());
        }
    }

    #[test]
    fn the_corpora_hold_what_must_hold() {
        replay("bearer_header", bearer_header);
        replay("challenge", challenge);
        replay("host_and_origin", host_and_origin);
        replay("introspection_answer", introspection_answer);
        replay("operation", operation);
        replay("shim_metadata", shim_metadata);
    }
}
