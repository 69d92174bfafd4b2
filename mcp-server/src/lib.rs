//! An MCP resource server, and the layer it is made of.
//!
//! # Protect your own router
//!
//! [`resource_server`] protects any axum router, an rmcp service as well as plain handlers: no token is 401
//! with the challenge that MCP clients follow, a token that lacks a scope is 403, and a handler finds the
//! verified [`AccessToken`](resource_server::AccessToken).
//!
//! ```
//! # mod issuer { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/issuer.rs")); }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # verification_keys::install_crypto_providers();
//! # let issuer = issuer::ScriptedIssuer::start().await;
//! # let issuer_url = issuer.url();
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::post};
//! use mcp_server::resource_server::*;
//! use verification_keys::{HttpHosts, Issuer, SystemClock, http};
//!
//! async fn handler(token: AccessToken) -> String {
//!     format!("hello {}", token.subject().unwrap_or("somebody"))
//! }
//!
//! let resource = ResourceIdentifier::parse("http://localhost:8001/mcp")?;
//! let issuer_options = IssuerOptions::new(
//!     Issuer::parse(issuer_url, &HttpHosts::default())?,
//!     "authz".parse()?,
//!     AudienceRules::strict(resource.clone()),
//! );
//! let scopes = ScopePolicy::new("mcp:read").tool("delete_all", "mcp:write");
//! let options = ResourceServerOptions::new(resource, issuer_options, scopes);
//! let client = http::client(&http::ClientOptions::default())?;
//! let protected = ResourceServer::new(options, &client, Arc::new(SystemClock))?;
//! let app: Router = Router::new()
//!     .route("/mcp", post(handler).layer(protected.layer()))
//!     .merge(protected.metadata_routes());
//! # use tower::ServiceExt as _;
//! # let call = |token: Option<&str>, tool: &str| {
//! #     let mut request = http_request(tool);
//! #     if let Some(token) = token {
//! #         let value = format!("Bearer {token}").parse().unwrap();
//! #         request.headers_mut().insert("authorization", value);
//! #     }
//! #     app.clone().oneshot(request)
//! # };
//! # fn http_request(tool: &str) -> axum::extract::Request {
//! #     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#);
//! #     axum::extract::Request::post("/mcp").header("host", "localhost:8001").body(body.into()).unwrap()
//! # }
//! # let token = issuer.token_now();
//!
//! assert_eq!(call(None, "get_time").await?.status(), 401);
//! assert_eq!(call(Some(&token), "get_time").await?.status(), 200);
//! assert_eq!(call(Some(&token), "delete_all").await?.status(), 403);
//! # Ok(())
//! # }
//! ```

pub mod cli;
pub mod config;
pub mod mcp;
pub mod resource_server;
pub mod routes;
pub mod tools;
