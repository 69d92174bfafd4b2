//! The tools and the prompt, one per file, the resources, and the MCP server that offers them.

mod create_secure_note;
mod get_api_usage;
mod get_time;
mod get_user_profile;
mod list_secure_notes;
mod profile;
mod resources;
mod summarize_notes;
mod whoami;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use rmcp::handler::server::prompt::PromptContext;
use rmcp::handler::server::router::prompt::PromptRouter;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorCode,
    GetPromptRequestParams, GetPromptResponse, Implementation, JsonObject, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion,
    ReadResourceRequestParams, ReadResourceResponse, ResourceContents, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, tool_handler};
use serving::RequestSpan;
use verification_keys::Clock;

use crate::resource_server::{AccessToken, ScopePolicy, UserInfo};
use crate::storage::{Count, Meter, Person, Storage};

/// The revisions of MCP that are served: the stateless one, and those with `initialize` back to 2025-03-26.
pub const PROTOCOL_VERSIONS: &[ProtocolVersion] = &[
    ProtocolVersion::V_2025_03_26,
    ProtocolVersion::V_2025_06_18,
    ProtocolVersion::V_2025_11_25,
    ProtocolVersion::V_2026_07_28,
];

/// Of a resource or prompt when the quota is used up: what HTTP says to too many requests, outside JSON-RPC's own range.
const USED_UP: ErrorCode = ErrorCode(429);

/// What the tools work with.
#[derive(Clone, Debug)]
pub struct Means {
    /// What they read the time from.
    pub clock: Arc<dyn Clock>,
    /// Where notes are kept.
    pub storage: Storage,
    /// What counts their use, and knows the quota.
    pub meter: Arc<Meter>,
}

/// The MCP server. Clones share the tool router, which is built once.
#[derive(Clone)]
pub struct Tools {
    router: Arc<ToolRouter<Self>>,
    prompts: Arc<PromptRouter<Self>>,
    means: Means,
    told: profile::Told,
    hidden_by: Option<Arc<ScopePolicy>>,
}

impl Tools {
    /// All tools.
    #[must_use]
    pub fn new(means: Means) -> Self {
        let router = Self::get_time_router()
            + Self::whoami_router()
            + Self::get_user_profile_router()
            + Self::create_secure_note_router()
            + Self::list_secure_notes_router()
            + Self::get_api_usage_router();
        let prompts = Arc::new(Self::summarize_notes_router());
        Self { router: Arc::new(router), prompts, means, told: profile::told(), hidden_by: None }
    }

    /// `tools/list` leaves out what the token may not call under `policy`.
    #[must_use]
    pub fn hiding_by(self, policy: ScopePolicy) -> Self {
        Self { hidden_by: Some(Arc::new(policy)), ..self }
    }

    /// Names the tool in the span of the request.
    fn trace(&self, tool: &str, context: &RequestContext<RoleServer>) {
        let span = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<RequestSpan>());
        if let Some(span) = span.filter(|_| self.router.has_route(tool)) {
            span.record_tool(tool);
        }
    }

    /// What to say to whoever has no request left this month.
    fn used_up(&self, token: &AccessToken) -> Option<String> {
        let meter = &self.means.meter;
        let until = meter.used_up_until(&Person::of(token).ok()?, self.means.clock.now())?;
        let quota = meter.quota()?;
        Some(format!("your {quota} requests of this month are used up; there are new ones on {until} (UTC)"))
    }

    fn check_quota(&self, token: &AccessToken) -> Result<(), ErrorData> {
        self.used_up(token).map_or(Ok(()), |used_up| Err(ErrorData::new(USED_UP, used_up, None)))
    }

    /// Counts a request of whoever it is for; without a person there is nobody to count for.
    fn count(&self, token: &AccessToken, bytes: usize) {
        if let Ok(person) = Person::of(token) {
            self.means.meter.count(person, Count::request(bytes), self.means.clock.now());
        }
    }
}

/// What each tool, prompt and resource needs, as they say themselves.
#[must_use]
pub fn scopes() -> ScopePolicy {
    let policy = ScopePolicy::new(get_time::REQUIRED_SCOPE)
        .tool(get_time::NAME, get_time::REQUIRED_SCOPE)
        .tool(whoami::NAME, whoami::REQUIRED_SCOPE)
        .tool(get_user_profile::NAME, get_user_profile::REQUIRED_SCOPE)
        .tool(create_secure_note::NAME, create_secure_note::REQUIRED_SCOPE)
        .tool(list_secure_notes::NAME, list_secure_notes::REQUIRED_SCOPE)
        .tool(get_api_usage::NAME, get_api_usage::REQUIRED_SCOPE)
        .prompt(summarize_notes::NAME, summarize_notes::REQUIRED_SCOPE)
        .otherwise("mcp:read");
    resources::scopes(policy)
}

#[tool_handler(router = self.router)]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_prompts().enable_resources().build())
            .with_server_info(Implementation::new("portcullis-mcp-server", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "Call get_time for the time, whoami for what your access token says, get_user_profile for whom it \
                 was issued for, create_secure_note and list_secure_notes for notes that only this person can read, \
                 and get_api_usage for how much was used.",
            )
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
        let token = verified(&context)?;
        self.trace(&request.name, &context);
        // Who is told that nothing is left may still look.
        if request.name != get_api_usage::NAME
            && let Some(used_up) = self.used_up(&token)
        {
            return Ok(CallToolResult::error(vec![ContentBlock::text(used_up)]).into());
        }
        let asked = request.arguments.as_ref().map_or(0, written);
        // Into the context, so that a tool takes the token without a copy of all headers.
        let user_info = user_info(&context);
        context.extensions.insert(user_info);
        context.extensions.insert(token.clone());
        let outcome = self.router.call(ToolCallContext::new(self, request, context)).await;
        let answered = match &outcome {
            Ok(CallToolResponse::Complete(result)) => result.content.iter().map(told).sum(),
            _ => 0,
        };
        self.count(&token, asked + answered);
        outcome
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let list = ListPromptsResult::with_all_items(self.prompts.list_all());
        let hints = resources::has_hints(&context);
        Ok(if hints { list.with_ttl_ms(0).with_cache_scope(CacheScope::Public) } else { list })
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        mut context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let token = verified(&context)?;
        self.check_quota(&token)?;
        context.extensions.insert(token.clone());
        let asked = request.arguments.as_ref().map_or(0, written);
        let asked_for = PromptContext::new(self, request.name, request.arguments, context);
        let outcome = self.prompts.get_prompt(asked_for).await;
        let answered = match &outcome {
            Ok(GetPromptResponse::Complete(result)) => {
                result.messages.iter().map(|message| told(&message.content)).sum()
            }
            _ => 0,
        };
        self.count(&token, asked + answered);
        outcome
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(resources::list(&context))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(resources::list_templates(&context))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let token = verified(&context)?;
        self.check_quota(&token)?;
        let outcome = resources::read(self, &token, &request.uri, &context).await;
        let answered = outcome.as_ref().map_or(0, |result| result.contents.iter().map(length).sum());
        self.count(&token, answered);
        outcome.map(Into::into)
    }
}

/// The proof that the request was authorized. Without the layer in front there is none: closed, never open.
fn verified(context: &RequestContext<RoleServer>) -> Result<AccessToken, ErrorData> {
    let parts = context.extensions.get::<Parts>();
    let token = parts.and_then(|parts| parts.extensions.get::<AccessToken>()).cloned();
    token.ok_or_else(|| ErrorData::internal_error("the MCP endpoint is not protected", None))
}

/// Whom to ask about the person, if anybody.
fn user_info(context: &RequestContext<RoleServer>) -> Option<UserInfo> {
    context.extensions.get::<Parts>()?.extensions.get().cloned()
}

/// How much text arguments are, in bytes of the strings in them.
fn written(arguments: &JsonObject) -> usize {
    arguments.values().filter_map(|value| value.as_str()).map(str::len).sum()
}

fn told(block: &ContentBlock) -> usize {
    match block {
        ContentBlock::Text(text) => text.text.len(),
        ContentBlock::Resource(embedded) => length(&embedded.resource),
        _ => 0,
    }
}

fn length(contents: &ResourceContents) -> usize {
    match contents {
        ResourceContents::TextResourceContents { text, .. } => text.len(),
        _ => 0,
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}
