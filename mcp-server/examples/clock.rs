//! A clock of your own: here that of a machine that is known to be ten minutes fast, put right.
//!
//! `cargo run -p mcp-server --example clock`

use std::error::Error;
use std::sync::Arc;

use axum::{Router, routing::get};
use jiff::{SignedDuration, Timestamp};
use mcp_server::resource_server::{Clock, InvalidOptions, ResourceServerOptions, ScopePolicy, SystemClock};
use tokio::net::TcpListener;

/// The system's clock without the minutes that it is ahead.
#[derive(Debug)]
struct Corrected(SignedDuration);

impl Clock for Corrected {
    fn now(&self) -> Timestamp {
        SystemClock.now() - self.0
    }
}

pub(crate) fn app(issuer: &str) -> Result<Router, InvalidOptions> {
    let scopes = ScopePolicy::new("read").every_request("read");
    let protected = ResourceServerOptions::for_issuers("http://localhost:8001/hello", &[issuer], scopes)?
        .build_with_clock(Arc::new(Corrected(SignedDuration::from_mins(10))))?;
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
