//! The tools, one per file, and the MCP server that offers them.

mod get_time;
mod whoami;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult, PaginatedRequestParams,
    ProtocolVersion, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool_handler};
use verification_keys::Clock;

use crate::resource_server::{AccessToken, ScopePolicy};

/// The revisions of MCP that are served: the stateless one, and those with `initialize` back to 2025-03-26.
pub const PROTOCOL_VERSIONS: &[ProtocolVersion] = &[
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2026_07_28,
];

/// The MCP server. Clones share the tool router, which is built once.
#[derive(Clone)]
pub struct Tools {
    router: Arc<ToolRouter<Self>>,
    clock: Arc<dyn Clock>,
    hidden_by: Option<Arc<ScopePolicy>>,
}

impl Tools {
    /// All tools; `clock` is what `get_time` reads.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { router: Arc::new(Self::get_time_router() + Self::whoami_router()), clock, hidden_by: None }
    }

    /// `tools/list` leaves out what the token may not call under `policy`.
    #[must_use]
    pub fn hiding_by(self, policy: ScopePolicy) -> Self {
        Self { hidden_by: Some(Arc::new(policy)), ..self }
    }
}

/// What each tool needs, as the tools themselves say.
#[must_use]
pub fn scopes() -> ScopePolicy {
    ScopePolicy::new(get_time::REQUIRED_SCOPE)
        .tool(get_time::NAME, get_time::REQUIRED_SCOPE)
        .tool(whoami::NAME, whoami::REQUIRED_SCOPE)
        .otherwise("mcp:read")
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("portcullis-mcp-server", env!("CARGO_PKG_VERSION")))
            .with_instructions("Call get_time for the time, and whoami for what your access token says.")
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Cow::Borrowed(PROTOCOL_VERSIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let mut tools = self.router.list_all();
        let Some(policy) = &self.hidden_by else {
            return Ok(ListToolsResult::with_all_items(tools));
        };
        let token = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<AccessToken>());
        tools.retain(|tool| token.is_some_and(|token| policy.allows_tool(token, &tool.name)));
        // MCP caching: a result that varies by authorization must not be shared between tokens.
        Ok(ListToolsResult::with_all_items(tools).with_ttl_ms(0).with_cache_scope(CacheScope::Private))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // Out of the parts and into the context, so that a tool takes the token without a copy of all headers.
        let parts = context.extensions.get::<Parts>();
        if let Some(token) = parts.and_then(|parts| parts.extensions.get::<AccessToken>()).cloned() {
            context.extensions.insert(token);
        }
        self.router.call(ToolCallContext::new(self, request, context)).await
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}
