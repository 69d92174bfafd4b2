//! Requests of the demo client, right ones and changed ones.

use super::{CHALLENGE, CLIENT, REDIRECT_URI, RESOURCE, VERIFIER};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Request, header};
use url::form_urlencoded;

/// A right authorization request of the demo client.
pub(crate) const AUTHORIZATION_REQUEST: [(&str, &str); 7] = [
    ("response_type", "code"),
    ("client_id", CLIENT),
    ("redirect_uri", REDIRECT_URI),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
    ("resource", RESOURCE),
    ("state", "xyz"),
];

/// A right authorization request with some parameters changed; an empty value leaves one out.
pub(crate) fn request_with<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    with(&AUTHORIZATION_REQUEST, changes)
}

/// A right token request for `code`, without credentials.
pub(crate) fn exchange(code: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("code_verifier", VERIFIER),
        ("redirect_uri", REDIRECT_URI),
        ("resource", RESOURCE),
    ]
    .map(|(name, value)| (name, value))
}

pub(crate) fn with<'a>(right: &[(&'a str, &'a str)], changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let replaced = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let kept = right.iter().filter(|(name, _)| !replaced(name));
    kept.chain(changes.iter().filter(|(_, value)| !value.is_empty())).copied().collect()
}

pub(crate) fn encode(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) fn post(uri: &str, form: &[(&str, &str)]) -> Request<Body> {
    let request = Request::post(uri).header(header::HOST, "localhost:9000");
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Body::from(encode(form))).unwrap()
}
