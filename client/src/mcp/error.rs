//! Why a request to an MCP server did not lead to a result: what rmcp saw, sorted by what can be done about it.

use rmcp::{
    ServiceError,
    service::ClientInitializeError,
    transport::{DynamicTransportError, streamable_http_client::StreamableHttpError},
};

use super::program;
use crate::oauth::{challenge::BearerChallenge, exchange::root_cause, scope::Scope};

/// Why a request did not lead to a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum McpError {
    /// 401: no token, or not a good one (any more).
    #[error("the server asks for a sign-in{}", words(.0.error_description.as_deref()))]
    Unauthorized(Box<BearerChallenge>),
    /// 403 `insufficient_scope`.
    #[error("the server refused: this needs the scope {needed}, which you do not have, or did not get when asked")]
    InsufficientScope {
        /// The scopes that the server named.
        needed: Scope,
        /// All that it said.
        challenge: Box<BearerChallenge>,
    },
    /// 403 for another reason.
    #[error("the server refused the request (HTTP 403){}", words(Some(.0)))]
    Forbidden(String),
    /// A JSON-RPC error, as for an unknown tool or wrong arguments.
    #[error("the server answered with an error: {message} ({code})")]
    Refused {
        /// JSON-RPC code.
        code: i32,
        /// The server's words.
        message: String,
    },
    /// No connection, or one that broke.
    #[error("the server cannot be reached ({0})")]
    Unreachable(String),
    /// 429 or 5xx.
    #[error("the server cannot answer at the moment (HTTP {0})")]
    Status(u16),
    /// An answer that is not MCP.
    #[error("the server sent an answer that is not MCP: {0}")]
    Protocol(String),
    /// A program that is no server, or no more; in words for the person.
    #[error("{0}")]
    Program(String),
}

fn words(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default()
}

impl From<ClientInitializeError> for McpError {
    fn from(error: ClientInitializeError) -> Self {
        match error {
            ClientInitializeError::TransportError { error, .. } => Self::from(error),
            ClientInitializeError::LegacyFallbackFailed { fallback, .. } => Self::from(*fallback),
            ClientInitializeError::JsonRpcError(error) => program::refusal(error),
            ClientInitializeError::ConnectionClosed(context) => Self::Unreachable(context),
            other => Self::Protocol(other.to_string()),
        }
    }
}

impl From<ServiceError> for McpError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::McpError(error) => program::refusal(error),
            ServiceError::TransportSend(error) => Self::from(error),
            ServiceError::TransportClosed => Self::Unreachable("the connection was closed".to_owned()),
            other => Self::Protocol(other.to_string()),
        }
    }
}

impl From<DynamicTransportError> for McpError {
    fn from(error: DynamicTransportError) -> Self {
        match error.error.downcast::<StreamableHttpError<reqwest::Error>>() {
            Ok(http) => Self::from(*http),
            Err(other) => Self::Unreachable(root_cause(other.as_ref())),
        }
    }
}

impl From<StreamableHttpError<reqwest::Error>> for McpError {
    fn from(error: StreamableHttpError<reqwest::Error>) -> Self {
        match error {
            StreamableHttpError::AuthRequired(required) => Self::Unauthorized(Box::new(
                BearerChallenge::parse(&required.www_authenticate_header).unwrap_or_default(),
            )),
            StreamableHttpError::InsufficientScope(refused) => forbidden(&refused.www_authenticate_header),
            StreamableHttpError::Client(error) => Self::Unreachable(root_cause(&error)),
            StreamableHttpError::HttpStatus(status) => Self::Status(status.status),
            StreamableHttpError::UnexpectedServerResponse(text) => unexpected(&text),
            other => Self::Protocol(other.to_string()),
        }
    }
}

/// What rmcp has no type for, only a text such as `HTTP 401 Unauthorized: {…}`.
fn unexpected(text: &str) -> McpError {
    let status = text.strip_prefix("HTTP ").unwrap_or_default();
    match status.get(..3) {
        Some("401") => McpError::Unauthorized(Box::default()),
        Some("403") => McpError::Forbidden(status_body(status)),
        Some("404" | "405") => McpError::Protocol(
            "there is no MCP endpoint at this URL. Check its path, which often is /mcp; servers that have only the old \
             HTTP+SSE transport are not supported"
                .to_owned(),
        ),
        Some(other) if other.starts_with('3') => {
            McpError::Protocol("it redirects elsewhere, which is never followed. Check the URL".to_owned())
        }
        _ => McpError::Protocol(text.to_owned()),
    }
}

/// A 403: with the scopes it names if it is about scopes.
fn forbidden(header: &str) -> McpError {
    let challenge = BearerChallenge::parse(header).unwrap_or_default();
    match (challenge.error.as_deref(), &challenge.scope) {
        (Some("insufficient_scope"), Some(needed)) => {
            McpError::InsufficientScope { needed: needed.clone(), challenge: Box::new(challenge) }
        }
        _ => McpError::Forbidden(challenge.error_description.unwrap_or_default()),
    }
}

/// The server's own sentence in the body of `403 Forbidden: {…}`, if it has one.
fn status_body(status: &str) -> String {
    let body = status.split_once(": ").map_or("", |(_, body)| body);
    serde_json::from_str::<serde_json::Value>(body)
        .ok()
        .and_then(|body| Some(body.get("error_description")?.as_str()?.to_owned()))
        .unwrap_or_else(|| body.to_owned())
}
