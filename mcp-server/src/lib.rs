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
//! # let issuer = issuer::ScriptedIssuer::start().await;
//! # let issuer_url = issuer.url();
//! use axum::{Router, routing::post};
//! use mcp_server::resource_server::{AccessToken, ResourceServer, ScopePolicy};
//!
//! async fn handler(token: AccessToken) -> String {
//!     format!("hello {}", token.subject().unwrap_or("somebody"))
//! }
//!
//! let scopes = ScopePolicy::new("mcp:read").tool("delete_all", "mcp:write");
//! let protected = ResourceServer::for_issuer("http://localhost:8001/mcp", issuer_url, scopes)?;
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
//!
//! In front of an rmcp server it is the same; its own check of `Host` is left to the layer, and it keeps no
//! sessions, which are not needed and are no credential:
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::any_service};
//! use mcp_server::resource_server::{ResourceServer, ScopePolicy};
//! use rmcp::transport::streamable_http_server::{
//!     StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
//! };
//!
//! # #[derive(Clone)]
//! # struct YourTools;
//! # impl rmcp::ServerHandler for YourTools {}
//! let config = StreamableHttpServerConfig::default().with_legacy_session_mode(false).disable_allowed_hosts();
//! let tools = StreamableHttpService::new(|| Ok(YourTools), Arc::new(NeverSessionManager::default()), config);
//! let scopes = ScopePolicy::new("mcp:read").tool("your_tool", "mcp:read");
//! let protected = ResourceServer::for_issuer("https://mcp.example/mcp", "https://login.example", scopes)?;
//! let app: Router = Router::new()
//!     .route("/mcp", any_service(tools).layer(protected.layer()))
//!     .merge(protected.metadata_routes());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `demo` (default) | the server of this package: tools, settings, binary. `default-features = false` leaves the library |
//! | `rmcp` | [`AccessToken`](resource_server::AccessToken) as an argument of rmcp tools and prompts |
//! | `test-util` | an issuer in the process, for the tests of your own server |

pub mod resource_server;

#[cfg(feature = "demo")]
pub mod cli;
#[cfg(feature = "demo")]
pub mod config;
#[cfg(feature = "demo")]
pub mod mcp;
#[cfg(feature = "demo")]
pub mod routes;
#[cfg(feature = "demo")]
pub mod stdio;
#[cfg(feature = "demo")]
pub mod storage;
#[cfg(feature = "demo")]
pub mod tools;

/// The examples of the README are compiled with the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
