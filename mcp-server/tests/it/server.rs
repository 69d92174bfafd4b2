//! The whole server, rmcp and tools behind the layer, as both eras of clients see it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use mcp_server::resource_server::{ResourceIdentifier, ScopePolicy};
use mcp_server::storage::{Meter, Storage};
use mcp_server::{mcp, routes, tools};
use ring::rand::SystemRandom;
use serde::Serialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::bench::{Answered, Bench, Change};
use crate::issuer::RESOURCE;
use crate::log;

/// The requests that a person has in a month.
const QUOTA: u64 = 1000;

pub(crate) struct Server {
    pub(crate) bench: Bench,
    pub(crate) router: Router,
    pub(crate) folder: TempDir,
}

impl Server {
    pub(crate) fn tools(&self) -> tools::Tools {
        self.tools_with(QUOTA)
    }

    /// Tools with another quota.
    pub(crate) fn tools_with(&self, quota: u64) -> tools::Tools {
        tools::Tools::new(means(&self.bench, &self.folder, quota))
    }

    pub(crate) async fn start() -> Self {
        Self::with(tools::scopes(), |tools| tools).await
    }

    pub(crate) async fn with(scopes: ScopePolicy, change: impl FnOnce(tools::Tools) -> tools::Tools) -> Self {
        Self::built(&|options| options.scopes = scopes.clone(), change).await
    }

    pub(crate) async fn built(options: Change<'_>, change: impl FnOnce(tools::Tools) -> tools::Tools) -> Self {
        let bench = Bench::with(&|changed| {
            changed.scopes = tools::scopes();
            changed.user_info = true;
            options(changed);
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let tools = change(tools::Tools::new(means(&bench, &folder, QUOTA)));
        let endpoint = mcp::endpoint(tools, 1 << 20, CancellationToken::new());
        let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
        let router = routes::router(&resource, &bench.server, endpoint);
        Self { bench, router, folder }
    }

    fn post(&self, body: &Value) -> Request {
        let token = self.bench.token(json!({}));
        Request::post("/mcp")
            .header(header::HOST, "localhost:8001")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, text/event-stream")
            .body(Body::from(body.to_string()))
            .unwrap()
    }

    pub(crate) async fn send(&self, request: Request) -> Answered {
        Answered::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A request of 2026-07-28, with all its headers.
    pub(crate) fn modern(&self, method: &str, mut params: Value) -> Request {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let name = params["name"].as_str().map(ToOwned::to_owned);
        let mut request = self.post(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        set(&mut request, "mcp-protocol-version", "2026-07-28");
        set(&mut request, "mcp-method", method);
        if let Some(name) = name {
            set(&mut request, "mcp-name", &name);
        }
        request
    }

    /// A request of the revisions with `initialize`.
    pub(crate) fn legacy(&self, version: Option<&str>, method: &str, params: impl Serialize) -> Request {
        let mut request = self.post(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        if let Some(version) = version {
            set(&mut request, "mcp-protocol-version", version);
        }
        request
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of these tests")]
fn means(bench: &Bench, folder: &TempDir, quota: u64) -> tools::Means {
    let url = format!("sqlite:{}", folder.path().join("data/notes.db").display());
    let storage = Storage::new(url.parse().unwrap(), Arc::new(SystemRandom::new()));
    let meter = Arc::new(Meter::new(storage.clone(), Some(quota)));
    tools::Means { clock: Arc::clone(&bench.clock) as _, storage, meter }
}

pub(crate) fn set(request: &mut Request, name: &'static str, value: &str) {
    request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
}

pub(crate) fn tool_names(answer: &Answered) -> Vec<&str> {
    let tools = answer.body["result"]["tools"].as_array().unwrap();
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

pub(crate) const TOOLS: [&str; 6] =
    ["create_secure_note", "get_api_usage", "get_time", "get_user_profile", "list_secure_notes", "whoami"];
const NOW: &str = "2026-09-21T14:13:20Z";

#[tokio::test]
async fn a_client_of_2026_07_28_needs_no_handshake() {
    let server = Server::start().await;
    let discovered = server.send(server.modern("server/discover", json!({}))).await;
    assert_eq!(discovered.status, 200, "{}", discovered.body);
    let versions = &discovered.body["result"]["supportedVersions"];
    assert_eq!(*versions, json!(["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]));
    let listed = server.send(server.modern("tools/list", json!({}))).await;
    assert_eq!(tool_names(&listed), TOOLS);
    let called = server.send(server.modern("tools/call", json!({"name": "get_time", "arguments": {}}))).await;
    assert_eq!(called.body["result"]["structuredContent"], json!({"time": NOW, "timezone": "UTC"}));
    assert_eq!(called.header("content-type"), Some("application/json"));
    assert_eq!((called.header("cache-control"), called.header("mcp-session-id")), (Some("private"), None));
    let who = server.send(server.modern("tools/call", json!({"name": "whoami", "arguments": {}}))).await;
    let expected = json!({
        "issuer": server.bench.issuer.url(), "subject": "user-1", "client_id": "client-1", "scopes": ["mcp:read"],
        "audience": [RESOURCE], "expires_at": "2026-09-21T15:13:20Z",
    });
    assert_eq!(who.body["result"]["structuredContent"], expected);
}

#[tokio::test]
async fn clients_with_initialize_are_served_back_to_2025_03_26() {
    let server = Server::start().await;
    for (asked, agreed) in [
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2024-11-05", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
    ] {
        let hello =
            json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}});
        let answer = server.send(server.legacy(None, "initialize", hello)).await;
        assert_eq!(answer.body["result"]["protocolVersion"], agreed, "{asked}: {}", answer.body);
        assert_eq!(answer.header("mcp-session-id"), None);
    }
    let mut initialized = server.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    set(&mut initialized, "mcp-protocol-version", "2025-11-25");
    assert_eq!(server.send(initialized).await.status, 202);
    for version in [None, Some("2025-03-26"), Some("2025-06-18"), Some("2025-11-25")] {
        let listed = server.send(server.legacy(version, "tools/list", json!({}))).await;
        assert_eq!(tool_names(&listed), TOOLS, "{version:?}");
        let arguments = json!({"name": "get_time", "arguments": {"timezone": "Asia/Tokyo"}});
        let called = server.send(server.legacy(version, "tools/call", arguments)).await;
        assert_eq!(called.body["result"]["structuredContent"]["time"], "2026-09-21T23:13:20+09:00", "{version:?}");
        let who = server.send(server.legacy(version, "tools/call", json!({"name": "whoami"}))).await;
        assert_eq!(who.body["result"]["structuredContent"]["subject"], "user-1", "{version:?}");
    }
}

#[tokio::test]
async fn versions_that_are_not_offered_are_refused() {
    let server = Server::start().await;
    let old = server.send(server.legacy(Some("2024-11-05"), "tools/list", json!({}))).await;
    assert_eq!((old.status.as_u16(), &old.body["error"]["code"]), (400, &json!(-32022)));
    assert_eq!(old.body["error"]["data"]["requested"], "2024-11-05");
    assert_eq!(server.send(server.legacy(Some("2099-01-01"), "tools/list", json!({}))).await.status, 400);
    let mut future = server.modern("tools/list", json!({}));
    set(&mut future, "mcp-protocol-version", "2024-11-05");
    assert_eq!(server.send(future).await.status, 400);
}

#[tokio::test]
async fn headers_that_differ_from_the_body_are_refused() {
    let server = Server::start().await;
    let call = || server.modern("tools/call", json!({"name": "get_time", "arguments": {}}));
    for (name, value) in [("mcp-method", "tools/list"), ("mcp-name", "whoami"), ("mcp-protocol-version", "2025-11-25")]
    {
        let mut request = call();
        set(&mut request, name, value);
        let answer = server.send(request).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]["code"]), (400, &json!(-32020)), "{name}");
    }
    for name in ["mcp-method", "mcp-name", "mcp-protocol-version"] {
        let mut request = call();
        request.headers_mut().remove(name);
        let answer = server.send(request).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]["code"]), (400, &json!(-32020)), "no {name}");
    }
    let unknown = server.send(server.modern("tools/unknown", json!({}))).await;
    assert_eq!((unknown.status.as_u16(), &unknown.body["error"]["code"]), (404, &json!(-32601)));
}

#[tokio::test]
async fn a_tool_without_its_scope_is_403_in_both_eras_whatever_the_headers_say() {
    let server = Server::start().await;
    let weak = format!("Bearer {}", server.bench.token(json!({"scope": "other"})));
    let call = json!({"name": "get_time", "arguments": {}});
    let mut disguised = server.modern("tools/call", call.clone());
    set(&mut disguised, "mcp-method", "tools/list");
    let requests =
        [server.modern("tools/call", call.clone()), server.legacy(Some("2025-11-25"), "tools/call", call), disguised];
    for mut request in requests {
        set(&mut request, "authorization", &weak);
        let answer = server.send(request).await;
        assert_eq!(answer.verdict(), (403, "insufficient_scope".to_owned()));
        assert!(answer.header("www-authenticate").unwrap().contains("scope=\"mcp:read\""));
    }
    let mut listing = server.modern("tools/list", json!({}));
    set(&mut listing, "authorization", &weak);
    assert_eq!(tool_names(&server.send(listing).await), TOOLS);
}

#[tokio::test]
async fn get_and_delete_get_the_challenge_without_a_token_and_405_with_one() {
    let server = Server::start().await;
    for method in ["GET", "DELETE", "PUT", "HEAD", "TRACE"] {
        for (token, status) in [(None, 401), (Some(server.bench.token(json!({}))), 405)] {
            let mut request = Bench::request(token.as_deref());
            *request.method_mut() = method.parse().unwrap();
            set(&mut request, "mcp-session-id", "made-up");
            set(&mut request, "accept", "text/event-stream");
            let answer = server.send(request).await;
            assert_eq!(answer.status.as_u16(), status, "{method}");
            assert_eq!(answer.header("www-authenticate").is_some(), status == 401, "{method}");
        }
    }
}

#[tokio::test]
async fn a_session_id_is_no_credential_and_otherwise_ignored() {
    let server = Server::start().await;
    let mut with_token = server.legacy(Some("2025-11-25"), "tools/list", json!({}));
    set(&mut with_token, "mcp-session-id", "made-up");
    let answer = server.send(with_token).await;
    assert_eq!((answer.status.as_u16(), answer.header("mcp-session-id")), (200, None));
    let mut without = server.legacy(Some("2025-11-25"), "tools/list", json!({}));
    without.headers_mut().remove(header::AUTHORIZATION);
    set(&mut without, "mcp-session-id", "made-up");
    assert_eq!(server.send(without).await.status, 401);
}

#[tokio::test]
async fn a_foreign_origin_or_host_does_not_reach_the_tools() {
    let server = Server::start().await;
    let mut origin = server.modern("tools/list", json!({}));
    set(&mut origin, "origin", "https://evil.example");
    assert_eq!(server.send(origin).await.verdict(), (403, "origin_not_allowed".to_owned()));
    let mut host = server.modern("tools/list", json!({}));
    set(&mut host, "host", "evil.example");
    assert_eq!(server.send(host).await.verdict(), (403, "host_not_allowed".to_owned()));
    for host in ["127.0.0.1:8001", "[::1]:8001", "localhost"] {
        let mut ours = server.modern("tools/list", json!({}));
        set(&mut ours, "host", host);
        assert_eq!(server.send(ours).await.status, 200, "{host}");
    }
}

#[tokio::test]
async fn an_unknown_time_zone_is_a_clear_error_of_the_tool() {
    let server = Server::start().await;
    let arguments = json!({"name": "get_time", "arguments": {"timezone": "Mars/Olympus"}});
    let answer = server.send(server.modern("tools/call", arguments)).await;
    assert_eq!((answer.status.as_u16(), &answer.body["result"]["isError"]), (200, &json!(true)));
    let text = answer.body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("unknown time zone `Mars/Olympus`") && text.contains("Europe/Berlin"), "{text}");
}

#[tokio::test]
async fn an_unknown_argument_is_refused_with_the_names_that_are_known() {
    let server = Server::start().await;
    let rows = [
        ("get_time", json!({"zone": "Asia/Tokyo"}), "unknown field `zone`, expected `timezone`"),
        (
            "create_secure_note",
            json!({"content": "x", "titel": "y"}),
            "unknown field `titel`, expected `content` or `title`",
        ),
        ("list_secure_notes", json!({"page": 2}), "unknown field `page`, expected `limit` or `skip`"),
    ];
    for (tool, arguments, expected) in rows {
        let mut request = server.modern("tools/call", json!({"name": tool, "arguments": arguments}));
        let token = server.bench.token(json!({"scope": "mcp:read mcp:write"}));
        set(&mut request, "authorization", &format!("Bearer {token}"));
        let answer = server.send(request).await;
        let result = &answer.body["result"];
        let told = result["content"][0]["text"].as_str().unwrap_or_default();
        assert!(told.contains(expected) && result["isError"] == true, "{tool}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_body_that_is_not_one_message_is_a_bad_request() {
    let server = Server::start().await;
    let deep = "[".repeat(100_000);
    for body in ["", "nonsense", "[]", r#"[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]"#, "{}", &deep] {
        let mut request = server.post(&json!({}));
        // A token that may do everything: the layer does not look into the body.
        let token = server.bench.token(json!({"scope": "mcp:read mcp:write"}));
        set(&mut request, "authorization", &format!("Bearer {token}"));
        *request.body_mut() = Body::from(body.to_owned());
        let answer = server.send(request).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]["code"]), (400, &json!(-32700)));
    }
}

#[tokio::test]
async fn callers_with_equal_ids_see_only_their_own_answers() {
    let server = Server::start().await;
    let calls: Vec<_> = (0..50)
        .map(|number| {
            let subject = format!("user-{number}");
            let token = server.bench.token(json!({"sub": subject, "jti": subject}));
            let mut request = server.modern("tools/call", json!({"name": "whoami", "arguments": {}}));
            set(&mut request, "authorization", &format!("Bearer {token}"));
            let router = server.router.clone();
            (subject, tokio::spawn(async move { Answered::read(router.oneshot(request).await.unwrap()).await }))
        })
        .collect();
    for (subject, call) in calls {
        assert_eq!(call.await.unwrap().body["result"]["structuredContent"]["subject"], subject.as_str());
    }
}

#[tokio::test]
async fn health_needs_no_token_and_readiness_follows_the_keys() {
    let server = Server::start().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(server.send(get("/healthz")).await.status, 200);
    assert_eq!(server.send(get("/readyz")).await.status, 503);
    server.bench.server.fetch_keys().await.unwrap();
    assert_eq!(server.send(get("/readyz")).await.status, 200);
}

#[tokio::test]
async fn no_token_is_logged_on_the_way_through_the_whole_server() {
    let server = Server::start().await;
    let token = server.bench.token(json!({}));
    log::start();
    for request in [
        server.modern("tools/call", json!({"name": "whoami", "arguments": {}})),
        server.legacy(None, "tools/call", json!({"name": "get_time", "arguments": {}})),
    ] {
        assert_eq!(server.send(request).await.status, 200);
    }
    let written = log::written();
    assert!(written.contains("rmcp"), "{written}");
    for part in token.split('.') {
        assert!(!written.contains(part), "{part}");
    }
}
