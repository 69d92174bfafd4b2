//! Routes that are not MCP, each with scopes of its own; the dangerous one also wants a recent sign-in (RFC 9470).
//!
//! `cargo run -p mcp-server --example route_scopes`

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::routing::{delete, get};
use mcp_server::resource_server::{InvalidOptions, Requirement, ResourceServer, ScopePolicy};
use tokio::net::TcpListener;

pub(crate) fn app(issuer: &str) -> Result<Router, InvalidOptions> {
    let scopes = ScopePolicy::new("notes:read").implies("notes:write", "notes:read");
    let protected = ResourceServer::for_issuer("http://localhost:8001/notes", issuer, scopes)?;
    let recently = Requirement::scopes("notes:write").max_age(Duration::from_mins(5));
    Ok(Router::new()
        .route("/notes", get(|| async { "notes" }).layer(protected.require_scope("notes:read")))
        .route("/notes/{id}", delete(|| async { "deleted" }).layer(protected.require_scope(recently)))
        .layer(protected.http_layer())
        .merge(protected.metadata_routes()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("localhost:8001").await?;
    axum::serve(listener, app("http://localhost:9000")?).await?;
    Ok(())
}
