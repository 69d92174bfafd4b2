//! One session with an MCP server over Streamable HTTP: the newest protocol first, `initialize` for older servers.
//! The token goes into the header of every request; what the server answers is sorted into [`McpError`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rmcp::{
    ClientLifecycleMode, ClientServiceExt as _, RoleClient, ServiceError,
    model::{
        CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation, JsonObject,
        ProtocolVersion,
    },
    service::{ClientInitializeError, RunningService},
    transport::{
        DynamicTransportError, StreamableHttpClientTransport,
        common::client_side_sse::ExponentialBackoff,
        streamable_http_client::{StreamableHttpClientTransportConfig, StreamableHttpError},
    },
};

use crate::{
    flow::Wire,
    oauth::{challenge::BearerChallenge, endpoint::Endpoint, exchange::root_cause, scope::Scope, token::AccessToken},
};

mod catalog;
mod program;

/// How often in a row a stream that broke off is asked for in vain.
const MAX_RECONNECTIONS: usize = 5;
/// Longest pause before that.
const MAX_RECONNECTION_DELAY: Duration = Duration::from_secs(10);

/// An open session.
#[derive(Debug)]
pub struct Session {
    service: RunningService<RoleClient, ClientConfig>,
    /// Whether the tools were listed, so that it is known which arguments go into headers.
    schemas_known: AtomicBool,
    /// The program behind it, if the server is one on this computer; it ends with the session.
    _program: Option<program::Running>,
}

/// How a session begins (MCP "Backward Compatibility").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Era {
    /// With `server/discover` of 2026-07-28, and with `initialize` if the server does not know that.
    #[default]
    Newest,
    /// With `initialize` at once, as the server is known to want it.
    Older,
}

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

impl Session {
    /// Opens a session with `server`; `token` is the one issued for it.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn open(wire: &Wire, server: &Endpoint, token: Option<&AccessToken>) -> Result<Self, McpError> {
        Self::open_in(Era::Newest, wire, server, token).await
    }

    /// As [`Self::open`], with a server that was found to be of `era`.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn open_in(
        era: Era,
        wire: &Wire,
        server: &Endpoint,
        token: Option<&AccessToken>,
    ) -> Result<Self, McpError> {
        let begin = async |lifecycle| {
            let mut config = StreamableHttpClientTransportConfig::with_uri(server.url().as_str());
            config.retry_config = Arc::new(reconnections());
            if let Some(token) = token {
                config = config.auth_header(token.reveal());
            }
            let transport = StreamableHttpClientTransport::with_client(wire.clone(), config);
            client_config().serve_with_lifecycle(transport, lifecycle).await
        };
        let newest_first = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        let service = match era {
            Era::Older => begin(ClientLifecycleMode::Initialize).await,
            Era::Newest => match begin(newest_first).await {
                Err(error) if is_of_the_older_era(&error) => begin(ClientLifecycleMode::Initialize).await,
                outcome => outcome,
            },
        };
        Ok(Self { service: service?, schemas_known: AtomicBool::new(false), _program: None })
    }

    /// Calls `tool`. A result may still say that the tool failed (`is_error`).
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn call(&self, tool: &str, arguments: Option<JsonObject>) -> Result<CallToolResult, McpError> {
        if arguments.as_ref().is_some_and(|arguments| !arguments.is_empty()) {
            self.learn_schemas().await?;
        }
        let mut call = CallToolRequestParams::new(tool.to_owned());
        call.arguments = arguments;
        Ok(self.service.call_tool(call).await?)
    }

    /// Lists the tools once where arguments may belong into headers as well (`x-mcp-header`, SEP-2243), which only the
    /// schema says; a server that cannot list them has none of these.
    async fn learn_schemas(&self) -> Result<(), McpError> {
        let mirrors =
            self.service.peer_info().is_some_and(|info| info.protocol_version >= ProtocolVersion::STANDARD_HEADERS);
        if !mirrors || self.schemas_known.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.tools().await {
            Ok(_) | Err(McpError::Refused { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Which era the server turned out to be of.
    #[must_use]
    pub fn era(&self) -> Era {
        match self.service.peer_info() {
            Some(info) if info.protocol_version.has_initialize() => Era::Older,
            _ => Era::Newest,
        }
    }

    /// The protocol version in use, as `2026-07-28`.
    #[must_use]
    pub fn protocol_version(&self) -> Option<String> {
        self.service.peer_info().map(|info| info.protocol_version.to_string())
    }

    /// Ends the session.
    pub async fn close(mut self) {
        // What is left of it ends with the process at the latest.
        let _ended = self.service.close().await;
    }
}

/// A stream that breaks off is asked for again, a few times.
fn reconnections() -> ExponentialBackoff {
    let mut policy = ExponentialBackoff::default();
    policy.max_times = Some(MAX_RECONNECTIONS);
    policy.max_delay = Some(MAX_RECONNECTION_DELAY);
    policy
}

fn client_config() -> ClientConfig {
    let implementation = Implementation::new("portcullis-client", env!("CARGO_PKG_VERSION"));
    ClientConfig::new(ClientCapabilities::default(), implementation)
        .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
}

/// Whether the answer to the newest version's first request is one of a server that knows older versions only. A JSON-RPC
/// error and a 4xx without one were understood already; this is about the rest (MCP "Backward Compatibility").
fn is_of_the_older_era(error: &ClientInitializeError) -> bool {
    match error {
        ClientInitializeError::ExpectedInitResult(_) => true,
        ClientInitializeError::NoCompatibleProtocolVersion { server_supported, .. } => {
            server_supported.iter().any(ProtocolVersion::has_initialize)
        }
        _ => false,
    }
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

#[cfg(test)]
mod tests;
