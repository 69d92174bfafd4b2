//! A line as an HTTP request with the headers that its revision of MCP wants, and an answer as lines. A refusal
//! by the layer becomes a JSON-RPC error whose code is the HTTP status.

use std::fmt;
use std::sync::OnceLock;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::resource_server::ResourceIdentifier;

/// Where the endpoint is mounted.
pub(super) const ENDPOINT: &str = "/mcp";

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const META_VERSION: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// What all requests of a session have in common.
#[derive(Debug)]
pub(super) struct Envelope {
    host: Option<HeaderValue>,
    authorization: HeaderValue,
    /// The revision that `initialize` agreed on.
    agreed: OnceLock<HeaderValue>,
}

/// Lines to write, and whether they are the last.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) messages: Vec<String>,
    pub(super) refused: Option<Refused>,
}

/// Why the layer refused a request: its reason code and description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The reason code.
    pub reason: String,
    /// The description.
    pub description: String,
}

impl Envelope {
    pub(super) fn new(resource: &ResourceIdentifier, authorization: HeaderValue) -> Self {
        let host = HeaderValue::from_str(resource.url().authority()).ok();
        Self { host, authorization, agreed: OnceLock::new() }
    }

    /// A GET of `path`.
    pub(super) fn request_for(&self, path: &'static str) -> Request {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = http::Uri::from_static(path);
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.extend(self.host.clone().map(|host| (header::HOST, host)));
        request
    }

    /// A message of the person.
    pub(super) fn request(&self, line: Vec<u8>, message: &Value) -> Request {
        let mut request = self.request_for(ENDPOINT);
        *request.method_mut() = http::Method::POST;
        *request.body_mut() = Body::from(line);
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        // 2026-07-28 has a version in each message, and headers that mirror it.
        match text(message, META_VERSION) {
            Some(version) => {
                let name = text(message, "/params/name").or_else(|| text(message, "/params/uri"));
                headers.extend(encoded(version).map(|version| (PROTOCOL_VERSION, version)));
                headers.extend(text(message, "/method").and_then(encoded).map(|method| (METHOD, method)));
                headers.extend(name.and_then(encoded).map(|name| (NAME, name)));
            }
            None => headers.extend(self.agreed.get().map(|version| (PROTOCOL_VERSION, version.clone()))),
        }
        request
    }

    /// The lines of an answer to `message`.
    pub(super) async fn open(&self, response: Response, message: &Value) -> Answer {
        let status = response.status();
        let is_stream = is_stream(&response);
        let Ok(body) = to_bytes(response.into_body(), LONGEST_ANSWER).await else {
            return Answer {
                messages: error(message, StatusCode::INTERNAL_SERVER_ERROR, "the answer broke off", &Value::Null),
                refused: None,
            };
        };
        if is_stream {
            let events = body.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
            return Answer { messages: events.filter_map(one_line).collect(), refused: None };
        }
        if body.is_empty() {
            return Answer::default();
        }
        match serde_json::from_slice::<Value>(&body) {
            Ok(answer) if answer.get("jsonrpc").is_some() => {
                self.remember(message, &answer);
                Answer { messages: vec![answer.to_string()], refused: None }
            }
            _ => refusal(status, &body, message),
        }
    }

    fn remember(&self, asked: &Value, answer: &Value) {
        if text(asked, "/method") == Some("initialize")
            && let Some(version) = text(answer, "/result/protocolVersion").and_then(encoded)
        {
            // A second `initialize` changes nothing.
            self.agreed.set(version).ok();
        }
    }
}

impl Refused {
    /// Reads a refusal of the layer.
    pub(super) async fn read(response: Response) -> Self {
        let body = to_bytes(response.into_body(), LONGEST_ANSWER).await.unwrap_or_default();
        Self::parse(&serde_json::from_slice(&body).unwrap_or_default())
    }

    fn parse(body: &Value) -> Self {
        let text = |pointer| text(body, pointer).unwrap_or("unknown").to_owned();
        Self { reason: text("/reason"), description: text("/error_description") }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.description, self.reason)
    }
}

fn refusal(status: StatusCode, body: &Bytes, message: &Value) -> Answer {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let refused = Refused::parse(&body);
    let member = |name: &str| Some((name.to_owned(), body.get(name)?.clone()));
    let data: Map<String, Value> = ["reason", "scope", "max_age"].into_iter().filter_map(member).collect();
    Answer {
        messages: error(message, status, &refused.description, &data.into()),
        // An older sign-in than one tool wants is no reason to end.
        refused: (status == StatusCode::UNAUTHORIZED && refused.reason != "insufficient_user_authentication")
            .then_some(refused),
    }
}

/// A notification is not answered.
fn error(asked: &Value, status: StatusCode, description: &str, data: &Value) -> Vec<String> {
    let id = asked.get("id").filter(|id| !id.is_null());
    let error = json!({"code": status.as_u16(), "message": description, "data": data});
    let answer = |id| json!({"jsonrpc": "2.0", "id": id, "error": error});
    id.map(|id| answer(id).to_string()).into_iter().collect()
}

/// On one line, whatever the server wrote.
fn one_line(event: &[u8]) -> Option<String> {
    serde_json::from_slice::<Value>(event).ok().map(|message| message.to_string())
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer)?.as_str()
}

fn is_stream(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("text/event-stream"))
}

/// A value of a header that mirrors the body; what is not plain text is in Base64 (MCP, Streamable HTTP).
fn encoded(text: &str) -> Option<HeaderValue> {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) && text.trim() == text && !text.starts_with("=?");
    if plain {
        return HeaderValue::from_str(text).ok();
    }
    HeaderValue::from_str(&format!("=?base64?{}?=", STANDARD.encode(text))).ok()
}
