//! One self-contained MCP request, written by hand: what any client would send (MCP 2026-07-28, Streamable HTTP).

use http::{HeaderValue, header};
use serde_json::{Value, json};
use url::Url;

use super::step::Problem;
use crate::oauth::exchange::{self, Answer, Request};

const VERSION: &str = "2026-07-28";

/// Calls `tool` without arguments.
///
/// # Errors
/// When there is no answer.
pub async fn call(http: &reqwest::Client, server: &Url, token: Option<&str>, tool: &str) -> Result<Answer, Problem> {
    Ok(exchange::send(http, tool_call(server, token, tool)).await?)
}

/// The request of a call of `tool` without arguments.
#[must_use]
pub fn tool_call(server: &Url, token: Option<&str>, tool: &str) -> Request {
    let body = json!({
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {
            "name": tool,
            "arguments": {},
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": VERSION,
                "io.modelcontextprotocol/clientInfo": { "name": "portcullis-check", "version": env!("CARGO_PKG_VERSION") },
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        },
    });
    let mut request = exchange::post(server, "application/json", body.to_string().into_bytes());
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    headers.insert("mcp-protocol-version", HeaderValue::from_static(VERSION));
    headers.insert("mcp-method", HeaderValue::from_static("tools/call"));
    if let Ok(tool) = HeaderValue::from_str(tool) {
        headers.insert("mcp-name", tool);
    }
    if let Some(mut token) = token.and_then(|token| HeaderValue::try_from(format!("Bearer {token}")).ok()) {
        token.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, token);
    }
    request
}

/// The text of a tool's result; `None` when the answer is not a result.
#[must_use]
pub fn result_text(answer: &Answer) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let is_error = body.pointer("/result/isError").and_then(Value::as_bool).unwrap_or(false);
    let text = body.pointer("/result/content/0/text").and_then(Value::as_str).filter(|_| !is_error)?;
    Some(text.to_owned())
}

/// The stable reason of a refusal, or `none`.
#[must_use]
pub fn reason(answer: &Answer) -> String {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let reason = body.as_ref().and_then(|body| body.get("reason")).and_then(Value::as_str);
    reason.unwrap_or("none").to_owned()
}
