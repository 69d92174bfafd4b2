//! What a request asks for, as far as scopes depend on it: read from the JSON-RPC body, and for 2026-07-28
//! also from the headers that mirror it.

use std::borrow::Cow;

use http::HeaderMap;
use serde::Deserialize;

use crate::resource_server::challenge::Reason;
use crate::resource_server::json_rpc::Message;

/// The first revision whose headers say what the body asks for.
const WITH_HEADERS: &str = "2026-07-28";

/// An operation that can need a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::resource_server) enum Operation<'a> {
    /// `tools/call`
    Tool(Cow<'a, str>),
    /// `prompts/get`, or help with filling it in
    Prompt(Cow<'a, str>),
    /// `resources/read`, a subscription to it, or help with filling in its template
    Resource(Cow<'a, str>),
}

impl<'a> Operation<'a> {
    /// What the headers of 2026-07-28 name, if they do so plainly. Only good for a refusal: the body says
    /// what is done, and the MCP service refuses a request in which they differ.
    pub(in crate::resource_server) fn from_headers(headers: &'a HeaderMap) -> Option<Self> {
        let header = |name| headers.get(name)?.to_str().ok();
        if header("mcp-protocol-version")? < WITH_HEADERS {
            return None;
        }
        let name = header("mcp-name").filter(|name| !name.starts_with("=?")).map(Cow::Borrowed)?;
        match header("mcp-method")? {
            "tools/call" => Some(Self::Tool(name)),
            "prompts/get" => Some(Self::Prompt(name)),
            "resources/read" => Some(Self::Resource(name)),
            _ => None,
        }
    }

    /// What a message asks for. One whose parameters two parsers could read differently is refused.
    pub(in crate::resource_server) fn of(message: &Message<'a>) -> Result<Vec<Self>, Reason> {
        let named = || message.params::<Named<'_>>();
        let found = match message.method().unwrap_or_default() {
            "tools/call" => named()?.name.map(Self::Tool).into_iter().collect(),
            "prompts/get" => named()?.name.map(Self::Prompt).into_iter().collect(),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                named()?.uri.map(Self::Resource).into_iter().collect()
            }
            "completion/complete" => {
                let completed = message.params::<Completion<'_>>()?.reference.unwrap_or_default();
                completed.name.map(Self::Prompt).into_iter().chain(completed.uri.map(Self::Resource)).collect()
            }
            "subscriptions/listen" => {
                let listened = message.params::<Listening<'_>>()?.notifications.unwrap_or_default();
                listened.resource_subscriptions.unwrap_or_default().into_iter().map(Self::Resource).collect()
            }
            _ => Vec::new(),
        };
        Ok(found)
    }

    /// The name of the tool or prompt, the URI of the resource.
    pub(in crate::resource_server) fn name(&self) -> &str {
        match self {
            Self::Tool(name) | Self::Prompt(name) | Self::Resource(name) => name,
        }
    }
}

#[derive(Default, Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uri: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
struct Completion<'a> {
    #[serde(borrow, rename = "ref")]
    reference: Option<Named<'a>>,
}

#[derive(Default, Deserialize)]
struct Listening<'a> {
    #[serde(borrow)]
    notifications: Option<Subscriptions<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscriptions<'a> {
    #[serde(borrow)]
    resource_subscriptions: Option<Vec<Cow<'a, str>>>,
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn asked(body: &[u8]) -> Result<Vec<Operation<'_>>, Reason> {
        Operation::of(&Message::parse(body)?)
    }

    fn body(method: &str, params: &str) -> String {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#)
    }

    #[test]
    fn the_body_names_tools_prompts_and_resources() {
        let rows = [
            ("tools/call", r#"{"name":"t","arguments":{"name":"x"}}"#, vec![Operation::Tool("t".into())]),
            ("prompts/get", r#"{"name":"p"}"#, vec![Operation::Prompt("p".into())]),
            ("resources/read", r#"{"uri":"u://1"}"#, vec![Operation::Resource("u://1".into())]),
            ("resources/subscribe", r#"{"uri":"u://1"}"#, vec![Operation::Resource("u://1".into())]),
            (
                "completion/complete",
                r#"{"ref":{"type":"ref/resource","uri":"u://{id}"},"argument":{"name":"id","value":"1"}}"#,
                vec![Operation::Resource("u://{id}".into())],
            ),
            ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"p"}}"#, vec![Operation::Prompt("p".into())]),
            (
                "subscriptions/listen",
                r#"{"notifications":{"toolsListChanged":true,"resourceSubscriptions":["u://1","u://2"]}}"#,
                vec![Operation::Resource("u://1".into()), Operation::Resource("u://2".into())],
            ),
            ("tools/list", "{}", Vec::new()),
            ("tools/call", "{}", Vec::new()),
        ];
        for (method, params, expected) in rows {
            assert_eq!(asked(body(method, params).as_bytes()), Ok(expected), "{method} {params}");
        }
        assert_eq!(asked(br#"{"method":"tools/call"}"#), Ok(Vec::new()));
    }

    #[test]
    fn an_ambiguous_body_is_refused() {
        let bodies = [
            r#"{"method":"tools/list","method":"tools/call","params":{"name":"write_note"}}"#,
            r#"{"method":"tools/call","params":{"name":"get_time","name":"write_note"}}"#,
            r#"{"method":"tools/call","params":{"name":"get_time"},"params":{"name":"write_note"}}"#,
            r#"{"method":"resources/read","params":{"uri":"u://1","uri":"u://2"}}"#,
            r#"{"method":"resources/read","params":{"uri":["u://1"]}}"#,
            r#"{"method":"completion/complete","params":{"ref":{"name":"a","name":"b"}}}"#,
            r#"{"method":"subscriptions/listen","params":{"notifications":{"resourceSubscriptions":"u://1"}}}"#,
            r#"[{"method":"tools/call","params":{"name":"write_note"}}]"#,
            "not json",
            "",
        ];
        for body in bodies {
            assert_eq!(asked(body.as_bytes()), Err(Reason::BodyMalformed), "{body}");
        }
        let escaped = br#"{"meth\u006fd":"tools/call","params":{"n\u0061me":"write\u005fnote"}}"#;
        assert_eq!(asked(escaped), Ok(vec![Operation::Tool("write_note".into())]));
    }

    #[test]
    fn headers_count_from_the_revision_that_has_them() {
        let named = |version: &'static str, method: &'static str, name: &'static str| {
            let pairs = [("mcp-protocol-version", version), ("mcp-method", method), ("mcp-name", name)];
            let pair = |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
            pairs.into_iter().map(pair).collect::<HeaderMap>()
        };
        let new = |method, name| named("2026-07-28", method, name);
        assert_eq!(Operation::from_headers(&new("tools/call", "t")), Some(Operation::Tool("t".into())));
        assert_eq!(Operation::from_headers(&new("prompts/get", "p")), Some(Operation::Prompt("p".into())));
        assert_eq!(Operation::from_headers(&new("resources/read", "u://1")), Some(Operation::Resource("u://1".into())));
        assert_eq!(Operation::from_headers(&new("tools/list", "t")), None);
        assert_eq!(Operation::from_headers(&new("tools/call", "=?base64?dA==?=")), None);
        assert_eq!(Operation::from_headers(&named("2025-11-25", "tools/call", "t")), None);
        assert_eq!(Operation::from_headers(&HeaderMap::new()), None);
    }
}
