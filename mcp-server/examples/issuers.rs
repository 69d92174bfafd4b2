//! Several issuers for one resource; and beside it another resource with an issuer of its own. Nothing is shared: each
//! has its keys, its caches and its rules.
//!
//! `cargo run -p mcp-server --example issuers`

use std::error::Error;

use axum::{Router, routing::get};
use mcp_server::resource_server::{AccessToken, InvalidOptions, ResourceServer, ResourceServerOptions, ScopePolicy};
use tokio::net::TcpListener;

async fn issued_by(token: AccessToken) -> String {
    token.issuer().to_owned()
}

pub(crate) fn app(staff: &str, customers: &str) -> Result<Router, InvalidOptions> {
    let scopes = ScopePolicy::new("read").every_request("read");
    let both =
        ResourceServerOptions::for_issuers("http://localhost:8001/shop", &[staff, customers], scopes)?.build()?;
    let scopes = ScopePolicy::new("admin").every_request("admin");
    let staff_only = ResourceServer::for_issuer("http://localhost:8001/office", staff, scopes)?;
    Ok(Router::new()
        .route("/shop", get(issued_by).layer(both.http_layer()))
        .route("/office", get(issued_by).layer(staff_only.http_layer())))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("localhost:8001").await?;
    axum::serve(listener, app("http://localhost:9000", "http://localhost:9001")?).await?;
    Ok(())
}
