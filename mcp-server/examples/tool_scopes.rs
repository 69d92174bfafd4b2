//! An rmcp server whose tools need different scopes. Too little is a real 403 that names all of them, before rmcp runs.
//!
//! `cargo run -p mcp-server --example tool_scopes`, `cargo run -p authz` for tokens, and `cargo run -p client` to call.

use std::error::Error;
use std::sync::Arc;

use axum::{Router, routing::any_service};
use mcp_server::resource_server::{InvalidOptions, ResourceServer, ScopePolicy};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use rmcp::{ServerHandler, handler::server::router::tool::ToolRouter, tool, tool_handler, tool_router};
use tokio::net::TcpListener;

#[derive(Clone)]
struct Tools(ToolRouter<Self>);

#[tool_router]
impl Tools {
    #[tool(description = "Reads everything")]
    async fn read_all(&self) -> String {
        "everything".to_owned()
    }

    #[tool(description = "Deletes everything")]
    async fn delete_all(&self) -> String {
        "deleted".to_owned()
    }
}

#[tool_handler(router = self.0)]
impl ServerHandler for Tools {}

pub(crate) fn app(issuer: &str) -> Result<Router, InvalidOptions> {
    let scopes = ScopePolicy::new("mcp:read")
        .tool("read_all", "mcp:read")
        .tool("delete_all", "mcp:read mcp:write")
        .implies("mcp:admin", "mcp:write");
    let protected = ResourceServer::for_issuer("http://localhost:8001/mcp", issuer, scopes)?;
    // The layer checks the host; sessions are not needed and are no credential.
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts();
    let tools = Tools(Tools::tool_router());
    let service =
        StreamableHttpService::new(move || Ok(tools.clone()), Arc::new(NeverSessionManager::default()), config);
    Ok(Router::new().route("/mcp", any_service(service).layer(protected.layer())).merge(protected.metadata_routes()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("localhost:8001").await?;
    axum::serve(listener, app("http://localhost:9000")?).await?;
    Ok(())
}
