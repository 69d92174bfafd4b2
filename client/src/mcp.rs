//! One session with an MCP server over Streamable HTTP: the newest protocol first, `initialize` for older servers.
//! The token goes into the header of every request; what is no result is sorted into [`McpError`].

use rmcp::{
    ClientLifecycleMode, ClientServiceExt as _, RoleClient,
    model::{CallToolRequestParams, CallToolResult, JsonObject, ProtocolVersion},
    service::{ClientInitializeError, RunningService},
    transport::{
        StreamableHttpClientTransport, common::client_side_sse::ExponentialBackoff,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};

use crate::{
    flow::Wire,
    oauth::{endpoint::Endpoint, token::AccessToken},
};

mod catalog;
mod error;
mod forms;
mod program;

pub use error::McpError;
pub use forms::Forms;
use forms::Handler;

/// How often in a row a stream that broke off is asked for in vain.
const MAX_RECONNECTIONS: usize = 5;
/// Longest pause before that.
const MAX_RECONNECTION_DELAY: Duration = Duration::from_secs(10);
/// How long the first call waits for the server's own stream.
const MAX_WAIT_FOR_STREAM: Duration = Duration::from_secs(1);

/// An open session.
#[derive(Debug)]
pub struct Session {
    service: RunningService<RoleClient, Handler>,
    /// Whether the tools were listed, so that it is known which arguments go into headers.
    schemas_known: AtomicBool,
    /// What to wait for before the first call, because the server may ask over a stream of its own.
    listening: Option<Arc<Notify>>,
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

/// What a session begins with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greeting {
    /// What the server was found to be.
    pub era: Era,
    /// What it is told about forms.
    pub forms: Forms,
}

impl Session {
    /// Opens a session with `server`; `token` is the one issued for it.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn open(wire: &Wire, server: &Endpoint, token: Option<&AccessToken>) -> Result<Self, McpError> {
        Self::open_in(Greeting::default(), wire, server, token).await
    }

    /// As [`Self::open`], beginning with `greeting`.
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn open_in(
        greeting: Greeting,
        wire: &Wire,
        server: &Endpoint,
        token: Option<&AccessToken>,
    ) -> Result<Self, McpError> {
        let listening = Arc::new(Notify::new());
        let begin = async |lifecycle| {
            let mut config = StreamableHttpClientTransportConfig::with_uri(server.url().as_str());
            config.retry_config = Arc::new(reconnections());
            if let Some(token) = token {
                config = config.auth_header(token.reveal());
            }
            let transport =
                StreamableHttpClientTransport::with_client(wire.clone().announcing(Arc::clone(&listening)), config);
            Handler::new(greeting.forms).serve_with_lifecycle(transport, lifecycle).await
        };
        let newest_first = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::LATEST],
            legacy_version: Some(ProtocolVersion::LATEST_WITH_INITIALIZE),
        };
        let service = match greeting.era {
            Era::Older => begin(ClientLifecycleMode::Initialize).await,
            Era::Newest => match begin(newest_first).await {
                Err(error) if is_of_the_older_era(&error) => begin(ClientLifecycleMode::Initialize).await,
                outcome => outcome,
            },
        };
        let session =
            Self { service: service?, schemas_known: AtomicBool::new(false), listening: None, _program: None };
        let asks = session.era() == Era::Older && greeting.forms == Forms::Defaults;
        Ok(Self { listening: asks.then_some(listening), ..session })
    }

    /// Calls `tool`. A result may still say that the tool failed (`is_error`).
    ///
    /// # Errors
    /// See [`McpError`].
    pub async fn call(&self, tool: &str, arguments: Option<JsonObject>) -> Result<CallToolResult, McpError> {
        if arguments.as_ref().is_some_and(|arguments| !arguments.is_empty()) {
            self.learn_schemas().await?;
        }
        if let Some(listening) = &self.listening {
            // In vain where the server has no such stream; told only once, so the permit is given back.
            let _too_late = timeout(MAX_WAIT_FOR_STREAM, listening.notified()).await;
            listening.notify_one();
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

#[cfg(test)]
mod tests;
