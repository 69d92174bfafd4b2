//! Secrets are cut before they enter an event: at most eight characters stay, and never more than a quarter.
//! What a request sent is also cut wherever the answer repeats it.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use std::borrow::Cow;
use url::Url;

/// Longest body shown, in bytes.
const MAX_BODY: usize = 64 * 1024;
/// Longest text kept of one value, in characters.
const MAX_TEXT: usize = 16 * 1024;
/// Shortest secret looked for in other places; shorter ones would cut common words.
const MIN_SOUGHT: usize = 8;

/// Parameters of URLs, forms and JSON documents that hold a secret.
const SECRETS: [&str; 19] = [
    "access_token",
    "actor_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "device_code",
    "id_token",
    "id_token_hint",
    "login_hint_token",
    "password",
    "refresh_token",
    "registration_access_token",
    "registration_client_uri",
    "state",
    "subject_token",
    "token",
    "user_code",
];

/// Headers that hold one.
const SECRET_HEADERS: [HeaderName; 6] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    HeaderName::from_static("dpop"),
    HeaderName::from_static("mcp-session-id"),
];

/// `eyJhbGci…`
#[must_use]
pub fn shortened(secret: &str) -> String {
    let kept = (secret.chars().count() / 4).min(8);
    secret.chars().take(kept).chain(['…']).collect()
}

/// Cuts what one exchange shows, and remembers what it cut.
#[derive(Default)]
pub(super) struct Shortener {
    seen: Vec<String>,
}

impl Shortener {
    pub(super) fn headers(&mut self, headers: &HeaderMap) -> Vec<(String, String)> {
        let one = |(name, value): (&HeaderName, &HeaderValue)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            let shown = match (SECRET_HEADERS.contains(name), name == header::LOCATION) {
                (true, _) => self.credential(&text),
                (_, true) => self.url(&text),
                _ => self.text(&text),
            };
            (name.as_str().to_owned(), shown)
        };
        headers.iter().map(one).collect()
    }

    /// Name and value pairs of a query or a form.
    pub(super) fn form(&mut self, encoded: &[u8]) -> Vec<(String, String)> {
        let pairs = url::form_urlencoded::parse(encoded);
        pairs.map(|(name, value)| self.named(&name, &value)).collect()
    }

    /// A JSON document; `None` for what is none, because nobody knows what it holds, and for one that is too long.
    pub(super) fn json(&mut self, body: &[u8]) -> Option<Value> {
        let mut value = serde_json::from_slice(body).ok().filter(|_| body.len() <= MAX_BODY)?;
        self.cut(&mut value);
        Some(value)
    }

    fn cut(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.cut(item)),
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(text) if is_secret(name) => *text = self.secret(text),
                        other => self.cut(other),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn named(&mut self, name: &str, value: &str) -> (String, String) {
        let shown = if is_secret(name) { self.secret(value) } else { self.text(value) };
        (name.to_owned(), shown)
    }

    /// `Bearer eyJhbGci…`
    fn credential(&mut self, value: &str) -> String {
        match value.split_once(' ') {
            Some((scheme, secret)) => format!("{scheme} {}", self.secret(secret)),
            None => self.secret(value),
        }
    }

    fn url(&mut self, value: &str) -> String {
        let Ok(mut url) = Url::parse(value) else { return self.text(value) };
        let pairs = self.form(url.query().unwrap_or_default().as_bytes());
        if !pairs.is_empty() {
            url.query_pairs_mut().clear().extend_pairs(pairs);
        }
        url.set_fragment(None);
        url.into()
    }

    fn secret(&mut self, secret: &str) -> String {
        if secret.len() >= MIN_SOUGHT {
            self.seen.push(secret.to_owned());
        }
        shortened(secret)
    }

    fn text(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in self.seen.iter().filter(|secret| !secret.is_empty()) {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), &shortened(secret)));
            }
        }
        match text.char_indices().nth(MAX_TEXT) {
            Some((end, _)) => text.get(..end).unwrap_or_default().chars().chain(['…']).collect(),
            None => text.into_owned(),
        }
    }
}

fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}
