//! A scripted issuer, a clock set by hand, and a resource behind the real layer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::any;
use jiff::{SignedDuration, Timestamp};
use mcp_server::resource_server::{
    AccessToken, AudienceRules, Credentials, IntrospectionMode, IntrospectionOptions, IssuerOptions, Preset, Proof,
    ResourceIdentifier, ResourceServer, ResourceServerOptions, ScopePolicy, Secret, Strictness,
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use verification_keys::testing::ManualClock;
use verification_keys::{Clock as _, HttpHosts, Issuer, http};

use crate::issuer::{RESOURCE, ScriptedIssuer};

/// When each test begins.
pub(crate) const START: i64 = 1_790_000_000;

pub(crate) struct Bench {
    pub(crate) issuer: ScriptedIssuer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) options: ResourceServerOptions,
    pub(crate) server: ResourceServer,
    pub(crate) app: Router,
    pub(crate) calls: Arc<AtomicUsize>,
}

/// What a test changes about the options.
pub(crate) type Change<'a> = &'a dyn Fn(&mut ResourceServerOptions);

pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(&|_| {}).await
    }

    pub(crate) async fn with(change: Change<'_>) -> Self {
        let issuer = ScriptedIssuer::start().await;
        Self::on(issuer, change)
    }

    pub(crate) fn on(issuer: ScriptedIssuer, change: Change<'_>) -> Self {
        Self::patient_for(http::DEFAULT_TIMEOUT, issuer, change)
    }

    /// One whose calls to the issuer end after `timeout`.
    pub(crate) fn patient_for(timeout: Duration, issuer: ScriptedIssuer, change: Change<'_>) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(START).unwrap()));
        let calls = Arc::new(AtomicUsize::new(0));
        let (server, app, options) = protected(&issuer, (Arc::clone(&clock), timeout), Arc::clone(&calls), change);
        Self { issuer, clock, options, server, app, calls }
    }

    /// Another process before the same issuer, with caches of its own.
    pub(crate) fn replica_of(other: &Self) -> Router {
        protected(&other.issuer, (Arc::clone(&other.clock), http::DEFAULT_TIMEOUT), Arc::clone(&other.calls), &|_| {}).1
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Good claims with some changed; `null` removes one.
    pub(crate) fn claims(&self, changes: impl std::borrow::Borrow<Value>) -> Value {
        let mut claims = self.issuer.claims(self.now());
        for (name, value) in changes.borrow().as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    pub(crate) fn token(&self, changes: impl std::borrow::Borrow<Value>) -> String {
        self.issuer.sign(&self.claims(changes))
    }

    pub(crate) async fn call(&self, token: &str) -> Answered {
        self.send(Self::request(Some(token))).await
    }

    /// The reason of a refusal, or `ok`.
    pub(crate) async fn verdict(&self, token: &str) -> (u16, String) {
        self.call(token).await.verdict()
    }

    pub(crate) fn request(token: Option<&str>) -> Request {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_time"}});
        let mut request = Request::post("/mcp").header(header::HOST, "localhost:8001");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Body::from(body.to_string())).unwrap()
    }

    pub(crate) async fn send(&self, request: Request) -> Answered {
        Answered::read(self.app.clone().oneshot(request).await.unwrap()).await
    }

    pub(crate) fn handled(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Answered {
    pub(crate) async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn verdict(&self) -> (u16, String) {
        let reason = self.body["reason"].as_str().unwrap_or("ok");
        (self.status.as_u16(), reason.to_owned())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The whole 401 `invalid_token` answer of a refused token.
    pub(crate) fn assert_refused(&self, reason: &str, what: &str) {
        assert_eq!(self.verdict(), (401, reason.to_owned()), "{what}");
        assert_eq!(self.body["error"], "invalid_token", "{what}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{what}");
        let challenge = self.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer error=\"invalid_token\", "), "{what}: {challenge}");
        assert!(challenge.contains("scope=\"mcp:read\""), "{what}: {challenge}");
        let metadata = "resource_metadata=\"http://localhost:8001/.well-known/oauth-protected-resource/mcp\"";
        assert!(challenge.contains(metadata), "{what}: {challenge}");
    }
}

fn protected(
    issuer: &ScriptedIssuer,
    (clock, timeout): (Arc<ManualClock>, Duration),
    calls: Arc<AtomicUsize>,
    change: Change<'_>,
) -> (ResourceServer, Router, ResourceServerOptions) {
    verification_keys::install_crypto_providers();
    let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
    let name = Issuer::parse(issuer.url(), &HttpHosts::default()).unwrap();
    let trusted = IssuerOptions::new(name, Preset::AUTHZ, AudienceRules::strict(resource.clone()));
    let scopes = ScopePolicy::new("mcp:read").tool("get_time", "mcp:read").tool("write_note", "mcp:read mcp:write");
    let mut options = ResourceServerOptions::new(resource, trusted, scopes);
    change(&mut options);
    let client = http::client(&http::ClientOptions { timeout, ..http::ClientOptions::default() }).unwrap();
    let server = ResourceServer::new(options.clone(), &client, clock).unwrap();
    let app = Router::new().route("/mcp", any(handler(calls)).layer(server.layer())).merge(server.metadata_routes());
    (server, app, options)
}

/// Tells what the layer let through.
fn handler(calls: Arc<AtomicUsize>) -> impl Fn(Method, HeaderMap, AccessToken) -> Ready + Clone {
    move |method, headers, token| {
        calls.fetch_add(1, Ordering::SeqCst);
        std::future::ready(axum::Json(json!({
            "method": method.as_str(),
            "authorization": headers.contains_key(header::AUTHORIZATION),
            "subject": token.subject(),
            "client_id": token.client_id(),
            "scopes": token.scopes().to_string(),
            "audience": token.audience(),
        })))
    }
}

type Ready = std::future::Ready<axum::Json<Value>>;

/// Introspection in a mode, with credentials.
pub(crate) fn introspection(mode: IntrospectionMode) -> IntrospectionOptions {
    let credentials =
        Credentials { client_id: "mcp-server".to_owned(), proof: Proof::Basic(Secret::new("mcp-server-secret-123")) };
    IntrospectionOptions { mode, credentials: Some(credentials), cache: SignedDuration::from_secs(30) }
}

pub(crate) fn set_mode(mode: IntrospectionMode, opaque_tokens: bool) -> impl Fn(&mut ResourceServerOptions) {
    move |options| {
        options.issuers[0].introspection = introspection(mode);
        options.issuers[0].opaque_tokens = opaque_tokens;
    }
}

pub(crate) fn set_strictness(strictness: Strictness, clients: Option<&[&str]>) -> impl Fn(&mut ResourceServerOptions) {
    let clients: Option<Vec<String>> = clients.map(|list| list.iter().map(ToString::to_string).collect());
    move |options| {
        let rules = &mut options.issuers[0].audience;
        rules.strictness = strictness;
        rules.allowed_clients.clone_from(&clients);
        rules.also_accepted = vec!["api://default".to_owned()];
    }
}

/// Asks in fallback, without credentials.
pub(crate) fn introspection_by_nobody() -> IntrospectionOptions {
    let cache = SignedDuration::from_secs(30);
    IntrospectionOptions { mode: IntrospectionMode::Fallback, credentials: Some(Credentials::nobody()), cache }
}
