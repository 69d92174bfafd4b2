//! Refusals with a body of your own, here problem details (RFC 9457). Status, challenge and caching stay as they are.
//!
//! `cargo run -p mcp-server --example refusal_body`

use std::error::Error;

use axum::http::header;
use axum::{Json, Router, response::IntoResponse as _, routing::get};
use mcp_server::resource_server::{InvalidOptions, RefusalBody, ResourceServerOptions, ScopePolicy};
use serde_json::json;
use tokio::net::TcpListener;

pub(crate) fn app(issuer: &str) -> Result<Router, InvalidOptions> {
    let problem = RefusalBody::new(|refusal, _request_id| {
        let reason = refusal.reason();
        let problem = json!({"type": format!("urn:refused:{}", reason.code()), "title": reason.description()});
        ([(header::CONTENT_TYPE, "application/problem+json")], Json(problem)).into_response()
    });
    let scopes = ScopePolicy::new("read").every_request("read");
    let protected = ResourceServerOptions::for_issuers("http://localhost:8001/hello", &[issuer], scopes)?
        .with_refusal_body(problem)
        .build()?;
    Ok(Router::new()
        .route("/hello", get(|| async { "hello" }).layer(protected.http_layer()))
        .merge(protected.metadata_routes()))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("localhost:8001").await?;
    axum::serve(listener, app("http://localhost:9000")?).await?;
    Ok(())
}
