//! The MCP endpoint (Streamable HTTP): one for 2026-07-28 and for the revisions with `initialize`, without
//! sessions, JSON answers. Host and Origin are the business of the layer in front.

use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, any_service};
use http::{HeaderMap, StatusCode, header};
use rmcp::ServerHandler;
use rmcp::model::{ErrorCode, ProtocolVersion};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::tools::PROTOCOL_VERSIONS;

const PROTOCOL_VERSION: &str = "mcp-protocol-version";

/// The endpoint of an MCP server as a route; cancelling `shutdown` ends answers under way.
pub fn endpoint<S>(server: S, max_body_bytes: usize, shutdown: CancellationToken) -> MethodRouter
where
    S: ServerHandler + Clone,
{
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(max_body_bytes)
        .with_cancellation_token(shutdown)
        .disable_allowed_hosts();
    let service =
        StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), config);
    any_service(service).layer(from_fn(tidy))
}

/// What rmcp leaves open: it takes the header of a revision that is known but not offered here, and says
/// 415 to a body that is not one JSON-RPC message.
async fn tidy(request: Request, next: Next) -> Response {
    if let Some(version) = unsupported_version(request.headers()) {
        let supported: Vec<&str> = PROTOCOL_VERSIONS.iter().map(ProtocolVersion::as_str).collect();
        let data = json!({ "supported": supported, "requested": version });
        return bad_request(ErrorCode::UNSUPPORTED_PROTOCOL_VERSION, "Unsupported protocol version", data);
    }
    let is_json = has_json(request.headers());
    let response = next.run(request).await;
    if response.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE && is_json {
        return bad_request(ErrorCode::PARSE_ERROR, "The body is not one JSON-RPC message", Value::Null);
    }
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR && !response.headers().contains_key(header::CONTENT_TYPE)
    {
        return unreadable(response).await;
    }
    response
}

/// rmcp says 500, in words of its own, to a body that ends too soon, is framed wrongly or is longer than the listener
/// allows: the caller's fault, not ours.
async fn unreadable(response: Response) -> Response {
    let words = to_bytes(response.into_body(), 1024).await.unwrap_or_default();
    if String::from_utf8_lossy(&words).contains("length limit exceeded") {
        return error(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::INVALID_REQUEST, "The body is too large", Value::Null);
    }
    bad_request(ErrorCode::PARSE_ERROR, "The body could not be read to its end", Value::Null)
}

/// A revision that rmcp knows and this server does not offer; what nobody knows is refused by rmcp itself.
fn unsupported_version(headers: &HeaderMap) -> Option<&'static str> {
    let named = headers.get(PROTOCOL_VERSION)?.to_str().ok()?;
    let mut known = ProtocolVersion::KNOWN_VERSIONS.iter().filter(|version| !PROTOCOL_VERSIONS.contains(version));
    known.find(|version| version.as_str() == named).map(ProtocolVersion::as_str)
}

fn has_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn bad_request(code: ErrorCode, message: &str, data: Value) -> Response {
    error(StatusCode::BAD_REQUEST, code, message, data)
}

fn error(status: StatusCode, code: ErrorCode, message: &str, data: Value) -> Response {
    let mut error = json!({ "code": code.0, "message": message });
    if let (Value::Object(members), false) = (&mut error, data.is_null()) {
        members.insert("data".to_owned(), data);
    }
    (status, Json(json!({ "jsonrpc": "2.0", "id": null, "error": error }))).into_response()
}
