//! For the tests of servers that are built with this library: an issuer in the process, and tokens with
//! whatever claims a test makes up (feature `test-util`).
//!
//! ```
//! use axum::{Router, body::Body, http::Request, routing::post};
//! use mcp_server::resource_server::{AccessToken, ScopePolicy};
//! use mcp_server::testing::TestIssuer;
//! use serde_json::json;
//! use tower::ServiceExt as _;
//!
//! const URL: &str = "https://mcp.example/mcp";
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = TestIssuer::start().await?;
//! let protected = issuer.resource_server(URL, ScopePolicy::new("mcp:read"))?;
//! async fn whoami(token: AccessToken) -> String {
//!     token.subject().unwrap_or_default().to_owned()
//! }
//! let app: Router = Router::new().route("/mcp", post(whoami).layer(protected.http_layer()));
//! let call = |token: &str| {
//!     let request = Request::post(URL).header("authorization", format!("Bearer {token}"));
//!     app.clone().oneshot(request.body(Body::empty()).unwrap())
//! };
//!
//! let token = issuer.token(URL, "mcp:read");
//! assert_eq!(call(&token).await?.status(), 200);
//! let foreign = issuer.token("https://other.example", "mcp:read");
//! assert_eq!(call(&foreign).await?.status(), 401);
//!
//! let ada = issuer.token_with(URL, "mcp:read", &json!({"sub": "ada", "jti": "2"}));
//! let answer = axum::body::to_bytes(call(&ada).await?.into_body(), 100).await?;
//! assert_eq!(answer, "ada");
//!
//! // Time stands still until it is moved: a token lives for an hour, and clocks may differ by a minute.
//! issuer.clock().advance(std::time::Duration::from_secs(3600 + 60));
//! assert_eq!(call(&token).await?.status(), 401);
//! # Ok(())
//! # }
//! ```

use std::io;
use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
pub use verification_keys::testing::ManualClock;
use verification_keys::testing::{TestKey, jwk_set};

use crate::resource_server::{
    Clock as _, InvalidOptions, ResourceServer, ResourceServerOptions, ScopePolicy, SystemClock,
};

/// How long its tokens live, in seconds.
const LIFETIME: i64 = 3600;

/// An issuer on a free port of this machine. It has metadata, keys, and tokens for whoever asks; it ends
/// when it is dropped. Its key is public: nothing but a test may trust it.
#[derive(Debug)]
pub struct TestIssuer {
    url: String,
    key: TestKey,
    clock: Arc<ManualClock>,
    server: JoinHandle<()>,
}

impl TestIssuer {
    /// Starts it; its clock stands at the present second.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start() -> io::Result<Self> {
        let key = TestKey::rsa_one();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let metadata = json!({"issuer": url, "jwks_uri": format!("{url}/jwks")});
        let keys = jwk_set([&key]);
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(move || async move { Json(metadata) }))
            .route("/jwks", get(move || async move { Json(keys) }));
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the issuer has ended");
            }
        });
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        Ok(Self { url, key, clock, server })
    }

    /// What stands in `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The clock of the issuer, and of the resource servers that it makes.
    #[must_use]
    pub fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }

    /// A resource server that takes its tokens, with its clock.
    ///
    /// # Errors
    /// If `public_url` is not the URL of a resource.
    pub fn resource_server(&self, public_url: &str, scopes: ScopePolicy) -> Result<ResourceServer, InvalidOptions> {
        ResourceServerOptions::for_issuers(public_url, &[&self.url], scopes)?.build_with_clock(self.clock())
    }

    /// A good token for the resource `audience`, with `scopes` between spaces.
    #[must_use]
    pub fn token(&self, audience: &str, scopes: &str) -> String {
        self.token_with(audience, scopes, &json!({}))
    }

    /// The same with other claims: each member of `claims` replaces the one of that name, `null` removes it.
    #[must_use]
    pub fn token_with(&self, audience: &str, scopes: &str, claims: &Value) -> String {
        let now = self.clock.now().as_second();
        let mut all = json!({
            "iss": self.url, "sub": "test-user", "aud": audience, "client_id": "test-client", "scope": scopes,
            "iat": now, "exp": now + LIFETIME, "jti": "test-token", "auth_time": now,
        });
        if let (Some(all), Some(claims)) = (all.as_object_mut(), claims.as_object()) {
            all.extend(claims.clone());
            all.retain(|_, value| !value.is_null());
        }
        self.key.access_token(&all)
    }
}

impl Drop for TestIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}
