//! An axum router behind the layer, in ten lines: no token is 401 with the challenge that MCP clients follow.
//!
//! `cargo run -p mcp-server --example protect`, and `cargo run -p authz` beside it for tokens.

use std::error::Error;

use axum::{Router, routing::post};
use mcp_server::resource_server::{InvalidOptions, ResourceServer, ScopePolicy};
use tokio::net::TcpListener;

pub(crate) fn app(issuer: &str) -> Result<Router, InvalidOptions> {
    let scopes = ScopePolicy::new("mcp:read").tool("delete_all", "mcp:write");
    let protected = ResourceServer::for_issuer("http://localhost:8001/mcp", issuer, scopes)?;
    Ok(Router::new()
        .route("/mcp", post(|| async { "hello" }).layer(protected.layer()))
        .merge(protected.metadata_routes()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("localhost:8001").await?;
    axum::serve(listener, app("http://localhost:9000")?).await?;
    Ok(())
}
