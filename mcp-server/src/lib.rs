//! An MCP resource server, and the layer it is made of.
//!
//! # Protect your own router
//!
//! [`resource_server`] protects any axum router, an rmcp service as well as plain handlers: no token is 401
//! with the challenge that MCP clients follow, a token that lacks a scope is 403, and a handler finds the
//! verified [`AccessToken`](resource_server::AccessToken).
//!
//! ```
//! # use mcp_server::testing::TestIssuer;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issuer = TestIssuer::start().await?;
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
//! #     let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}"}}}}"#);
//! #     let mut request = axum::extract::Request::new(axum::body::Body::from(body));
//! #     *request.method_mut() = axum::http::Method::POST;
//! #     *request.uri_mut() = "http://localhost:8001/mcp".parse().unwrap();
//! #     if let Some(token) = token {
//! #         request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
//! #     }
//! #     app.clone().oneshot(request)
//! # };
//! # let token = issuer.token("http://localhost:8001/mcp", "mcp:read");
//!
//! assert_eq!(call(None, "get_time").await?.status(), 401);
//! assert_eq!(call(Some(&token), "get_time").await?.status(), 200);
//! assert_eq!(call(Some(&token), "delete_all").await?.status(), 403);
//! # Ok(())
//! # }
//! ```
//!
//! In front of an rmcp server it is the same. With the feature `rmcp` a tool takes the token as an argument.
//! rmcp's own check of `Host` is left to the layer, and there are no sessions, which are not needed and are no
//! credential:
//!
//! ```
//! # use mcp_server::testing::TestIssuer;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issuer = TestIssuer::start().await?;
//! # let issuer_url = issuer.url();
//! use std::sync::Arc;
//!
//! use axum::{Router, routing::any_service};
//! use mcp_server::resource_server::{AccessToken, ResourceServer, ScopePolicy};
//! use rmcp::{ServerHandler, handler::server::router::tool::ToolRouter, tool, tool_handler, tool_router};
//! use rmcp::transport::streamable_http_server::{
//!     StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
//! };
//!
//! #[derive(Clone)]
//! struct Tools(ToolRouter<Self>);
//!
//! #[tool_router]
//! impl Tools {
//!     #[tool(description = "Says who is calling")]
//!     async fn hello(&self, token: AccessToken) -> String {
//!         format!("hello {}", token.subject().unwrap_or("somebody"))
//!     }
//! }
//!
//! #[tool_handler(router = self.0)]
//! impl ServerHandler for Tools {}
//!
//! let scopes = ScopePolicy::new("mcp:read").tool("hello", "mcp:read");
//! let protected = ResourceServer::for_issuer("https://mcp.example/mcp", issuer_url, scopes)?;
//! let config = StreamableHttpServerConfig::default()
//!     .with_legacy_session_mode(false)
//!     .with_json_response(true)
//!     .disable_allowed_hosts();
//! let tools = Tools(Tools::tool_router());
//! let service =
//!     StreamableHttpService::new(move || Ok(tools.clone()), Arc::new(NeverSessionManager::default()), config);
//! let app: Router = Router::new()
//!     .route("/mcp", any_service(service).layer(protected.layer()))
//!     .merge(protected.metadata_routes());
//! # use tower::ServiceExt as _;
//! # let request = axum::extract::Request::post("https://mcp.example/mcp")
//! #     .header("authorization", format!("Bearer {}", issuer.token("https://mcp.example/mcp", "mcp:read")))
//! #     .header("content-type", "application/json")
//! #     .header("accept", "application/json, text/event-stream")
//! #     .header("mcp-protocol-version", "2025-11-25")
//! #     .body(axum::body::Body::from(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hello"}}"#))?;
//! # let answer = axum::body::to_bytes(app.oneshot(request).await?.into_body(), 4096).await?;
//! # assert!(String::from_utf8(answer.to_vec())?.contains("hello test-user"));
//! # Ok(())
//! # }
//! ```
//!
//! The folder `examples/` has these and others as programs of their own, to start from: `cargo run -p mcp-server
//! --example tool_scopes`.
//!
//! # Scopes
//!
//! [`ScopePolicy`](resource_server::ScopePolicy) says what each tool, prompt and resource needs. For routes
//! that are not MCP there is a layer; it goes inside the one that verifies the token:
//!
//! ```
//! # use mcp_server::testing::TestIssuer;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let issuer = TestIssuer::start().await?;
//! # let issuer_url = issuer.url();
//! use std::time::Duration;
//!
//! use axum::{Router, routing::{get, post}};
//! use mcp_server::resource_server::{Requirement, ResourceServer, ScopePolicy};
//!
//! let scopes = ScopePolicy::new("notes:read").implies("notes:write", "notes:read");
//! let protected = ResourceServer::for_issuer("https://api.example", issuer_url, scopes)?;
//! let recently = Requirement::scopes("notes:write").max_age(Duration::from_secs(300));
//! let app: Router = Router::new()
//!     .route("/notes", get(|| async { "notes" }).layer(protected.require_scope("notes:read")))
//!     .route("/notes/delete", post(|| async { "deleted" }).layer(protected.require_scope(recently)))
//!     .layer(protected.http_layer())
//!     .merge(protected.metadata_routes());
//! # use tower::ServiceExt as _;
//! # let call = |method: &str, path: &str, token: &str| {
//! #     let request = axum::extract::Request::builder().method(method).uri(format!("https://api.example{path}"));
//! #     let request = request.header("authorization", format!("Bearer {token}"));
//! #     app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
//! # };
//! # let read = issuer.token("https://api.example", "notes:read");
//! # let write = issuer.token("https://api.example", "notes:write");
//! # let old = issuer.token_with("https://api.example", "notes:write", &serde_json::json!({"auth_time": 1}));
//!
//! assert_eq!(call("GET", "/notes", &read).await?.status(), 200);
//! assert_eq!(call("GET", "/notes", &write).await?.status(), 200);
//! assert_eq!(call("POST", "/notes/delete", &read).await?.status(), 403);
//! assert_eq!(call("POST", "/notes/delete", &write).await?.status(), 200);
//! assert_eq!(call("POST", "/notes/delete", &old).await?.status(), 401); // sign in again (RFC 9470)
//! # Ok(())
//! # }
//! ```
//!
//! # Several issuers, a clock and a refusal body of your own
//!
//! [`ResourceServerOptions`](resource_server::ResourceServerOptions) holds all that can be chosen. Nothing is
//! global: each resource server has its own issuers, keys and caches.
//!
//! ```
//! # use mcp_server::testing::TestIssuer;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (staff, customers) = (TestIssuer::start().await?, TestIssuer::start().await?);
//! # let (staff_url, customers_url) = (staff.url(), customers.url());
//! use std::sync::Arc;
//!
//! use axum::{Json, Router, routing::get};
//! use mcp_server::resource_server::{Clock, RefusalBody, ResourceServerOptions, ScopePolicy, SystemClock};
//! use serde_json::json;
//!
//! /// Five minutes ahead, whatever for.
//! #[derive(Debug)]
//! struct Ahead;
//!
//! impl Clock for Ahead {
//!     fn now(&self) -> jiff::Timestamp {
//!         SystemClock.now() + jiff::SignedDuration::from_mins(5)
//!     }
//! }
//!
//! let body = RefusalBody::new(|refusal, _request_id| Json(json!({"why": refusal.reason().code()})));
//! let issuers = [staff_url, customers_url];
//! let protected = ResourceServerOptions::for_issuers("https://api.example", &issuers, ScopePolicy::new("read"))?
//!     .with_refusal_body(body)
//!     .build_with_clock(Arc::new(Ahead))?;
//! let app: Router = Router::new().route("/", get(|| async { "hello" }).layer(protected.http_layer()));
//! # use tower::ServiceExt as _;
//! # let call = |token: String| {
//! #     let request = axum::extract::Request::get("https://api.example/").header("authorization", format!("Bearer {token}"));
//! #     app.clone().oneshot(request.body(axum::body::Body::empty()).unwrap())
//! # };
//!
//! assert_eq!(call(staff.token("https://api.example", "read")).await?.status(), 200);
//! assert_eq!(call(customers.token("https://api.example", "read")).await?.status(), 200);
//! let refused = call(staff.token("https://other.example", "read")).await?;
//! assert_eq!(refused.status(), 401);
//! assert!(refused.headers().contains_key("www-authenticate"));
//! let body = axum::body::to_bytes(refused.into_body(), 100).await?;
//! assert_eq!(body, r#"{"why":"audience_mismatch"}"#);
//! # Ok(())
//! # }
//! ```
//!
//! # Tests of your own server
//!
//! With the feature `test-util` the module `testing` has an issuer in the process, with tokens that say
//! whatever a test makes up, and a clock that is moved by hand.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `demo` (default) | the server of this package: tools, settings, binary. `default-features = false` leaves the library |
//! | `rmcp` | [`AccessToken`](resource_server::AccessToken) as an argument of rmcp tools and prompts |
//! | `test-util` | an issuer in the process, for the tests of your own server |

pub mod resource_server;
#[cfg(feature = "test-util")]
pub mod testing;

#[cfg(feature = "demo")]
pub mod cli;
#[cfg(feature = "demo")]
pub mod config;
#[cfg(feature = "demo")]
pub mod doctor;
#[cfg(feature = "demo")]
pub mod explain;
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
