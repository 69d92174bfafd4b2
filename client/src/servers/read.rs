//! Single values of the file as they are read, so that each problem is told with its line.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Deserializer, de};
use std::{collections::BTreeMap, fmt::Display};

use crate::oauth::{endpoint::Endpoint, loopback::RedirectUri, scope::Scope};

/// A text, with `${NAME}` and `${NAME:-otherwise}` replaced from the environment, as in `.mcp.json`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "the file is a setting, and says itself which variables it wants"
        )]
        let environment = |name: &str| std::env::var(name).ok();
        expand(&raw, environment).map(Self).map_err(de::Error::custom)
    }
}

/// # Errors
/// When a variable is not set, or a brace does not close.
fn expand(raw: &str, environment: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').ok_or("a ${ has no closing brace")?;
        let (name, otherwise) = name.split_once(":-").map_or((name, None), |(name, value)| (name, Some(value)));
        let value = environment(name).filter(|value| !value.is_empty() || otherwise.is_none());
        let value = value.or_else(|| otherwise.map(ToOwned::to_owned));
        expanded.push_str(before);
        expanded.push_str(&value.ok_or_else(|| format!("the environment has no variable {name}"))?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

/// A URL that may be called.
pub(super) fn endpoint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Endpoint>, D::Error> {
    checked(deserializer, Endpoint::parse)
}

/// An address on this computer where the browser comes back to.
pub(super) fn redirect_uri<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RedirectUri>, D::Error> {
    checked(deserializer, RedirectUri::parse)
}

/// Scopes, separated by spaces.
pub(super) fn scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Scope>, D::Error> {
    checked(deserializer, |raw| {
        Scope::parse(raw).ok_or("separate scopes by single spaces, as in \"mcp:read mcp:write\"")
    })
}

/// Headers, none of which the client sets by itself; their values may be secret.
pub(super) fn headers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderMap, D::Error> {
    let raw = BTreeMap::<String, Text>::deserialize(deserializer)?;
    let read = |(name, value): (String, Text)| {
        let header = HeaderName::try_from(&name).map_err(|_| format!("{name:?} is no name of a header"))?;
        if OURS.contains(&header) || header.as_str().starts_with("mcp-") {
            return Err(format!("the header {name} is set by the client itself, which signs in; leave it out"));
        }
        let mut value = HeaderValue::try_from(value.0).map_err(|_| format!("the value of {name} fits no header"))?;
        value.set_sensitive(true);
        Ok((header, value))
    };
    raw.into_iter().map(read).collect::<Result<_, _>>().map_err(de::Error::custom)
}

/// Headers of every MCP request, besides those that begin with `mcp-`.
const OURS: [HeaderName; 8] = [
    header::AUTHORIZATION,
    HeaderName::from_static("dpop"),
    header::HOST,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::ACCEPT,
];

/// An empty text counts as left out.
fn checked<'de, D: Deserializer<'de>, T, E: Display>(
    deserializer: D,
    check: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, D::Error> {
    let Some(Text(raw)) = Option::<Text>::deserialize(deserializer)? else { return Ok(None) };
    if raw.is_empty() {
        return Ok(None);
    }
    check(&raw).map(Some).map_err(|problem| de::Error::custom(format!("{raw:?} cannot be used: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_missing_ones_named() {
        let environment = |name: &str| match name {
            "HOME" => Some("/home/ann".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let expand = |raw| expand(raw, environment);
        assert_eq!(expand("a ${HOME}/b $HOME ${GONE:-c:-d}${EMPTY}"), Ok("a /home/ann/b $HOME c:-d".into()));
        assert_eq!(expand("${EMPTY:-x}"), Ok("x".into()));
        assert_eq!(expand("${GONE}"), Err("the environment has no variable GONE".into()));
        assert_eq!(expand("${HOME"), Err("a ${ has no closing brace".into()));
    }
}
