//! Who is calling: the verified token as an argument of a handler, and of an rmcp tool. Neither runs without one.
//!
//! `cargo run -p mcp-server --example access_token`, `cargo run -p authz` for tokens, and `cargo run -p client` to call.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::{any_service, get};
use mcp_server::resource_server::{AccessToken, InvalidOptions, ResourceServer, ScopePolicy};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use rmcp::{ServerHandler, handler::server::router::tool::ToolRouter, tool, tool_handler, tool_router};
use tokio::net::TcpListener;

fn greet(token: &AccessToken) -> String {
    let scopes: Vec<&str> = token.scopes().iter().collect();
    format!("hello {}, you may {}", token.subject().unwrap_or("somebody"), scopes.join(" and "))
}

async fn whoami(token: AccessToken) -> String {
    greet(&token)
}

#[derive(Clone)]
struct Tools(ToolRouter<Self>);

#[tool_router]
impl Tools {
    #[tool(description = "Says who is calling")]
    async fn whoami(&self, token: AccessToken) -> String {
        greet(&token)
    }
}

#[tool_handler(router = self.0)]
impl ServerHandler for Tools {}

pub(crate) fn app(issuer: &str) -> Result<Router, InvalidOptions> {
    let scopes = ScopePolicy::new("mcp:read").every_request("mcp:read");
    let protected = ResourceServer::for_issuer("http://localhost:8001/mcp", issuer, scopes)?;
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts();
    let tools = Tools(Tools::tool_router());
    let service =
        StreamableHttpService::new(move || Ok(tools.clone()), Arc::new(NeverSessionManager::default()), config);
    Ok(Router::new()
        .route("/mcp", any_service(service).layer(protected.layer()))
        .route("/whoami", get(whoami).layer(protected.http_layer()))
        .merge(protected.metadata_routes()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("localhost:8001").await?;
    axum::serve(listener, app("http://localhost:9000")?).await?;
    Ok(())
}
