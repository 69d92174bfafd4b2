//! One look at a document, with the bounds of every outgoing call.

use std::error::Error;

use serde_json::Value;
use url::Url;
use verification_keys::http::{Answer, CallError, Client, get_limited};

/// The longest document that is read, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Why nothing was answered.
pub(super) enum Silence {
    /// The certificate is not trusted.
    Certificate(String),
    /// Anything else.
    Unreachable(String),
}

pub(super) async fn get(client: &Client, url: &Url) -> Result<Answer, Silence> {
    get_limited(client, url, "application/json", MAX_BYTES).await.map_err(|error| silence(url, &error))
}

pub(super) fn silence(url: &Url, error: &CallError) -> Silence {
    let told = format!("{url}: {}", chain(error));
    if told.contains("certificate") { Silence::Certificate(told) } else { Silence::Unreachable(told) }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

/// The JSON object of an answer.
pub(super) fn object(answer: &Answer) -> Option<Value> {
    serde_json::from_slice(&answer.body).ok().filter(Value::is_object)
}

/// Whether a list of the document has `word`; none if there is no such list.
pub(super) fn lists(document: &Value, name: &str, word: &str) -> Option<bool> {
    let list = document.get(name)?.as_array()?;
    Some(list.iter().any(|entry| entry.as_str() == Some(word)))
}
