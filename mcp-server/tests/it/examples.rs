//! The examples of the library, over HTTP: without a token, with one that lacks a scope, and with a good one.

use axum::Router;
use axum::http::{Method, header};
use mcp_server::resource_server::Clock as _;
use mcp_server::testing::TestIssuer;
use serde_json::{Value, json};
use verification_keys::http::{Client, ClientOptions, client};

#[path = "../../examples/access_token.rs"]
#[expect(dead_code, reason = "its main is for cargo run")]
mod access_token;
#[path = "../../examples/clock.rs"]
#[expect(dead_code, reason = "its main is for cargo run")]
mod clock;
#[path = "../../examples/issuers.rs"]
#[expect(dead_code, reason = "its main is for cargo run")]
mod issuers;
#[path = "../../examples/protect.rs"]
#[expect(dead_code, reason = "its main is for cargo run")]
mod protect;
#[path = "../../examples/refusal_body.rs"]
#[expect(dead_code, reason = "its main is for cargo run")]
mod refusal_body;
#[path = "../../examples/route_scopes.rs"]
#[expect(dead_code, reason = "its main is for cargo run")]
mod route_scopes;
#[path = "../../examples/tool_scopes.rs"]
#[expect(dead_code, reason = "its main is for cargo run")]
mod tool_scopes;

/// An example that is served.
struct Served {
    client: Client,
    address: String,
}

impl Served {
    async fn start(app: Router) -> Self {
        verification_keys::install_crypto_providers();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { client: client(&ClientOptions::default()).unwrap(), address }
    }

    /// Status, challenge and body.
    async fn send(&self, method: Method, path: &str, token: Option<&str>, body: String) -> (u16, String, String) {
        let request = self.client.request(method, format!("http://{}{path}", self.address)).body(body);
        let request = request.header(header::HOST, "localhost:8001").header(header::CONTENT_TYPE, "application/json");
        let request = request.header(header::ACCEPT, "application/json, text/event-stream");
        let request = match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let challenge = answer.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), challenge.unwrap_or_default(), answer.text().await.unwrap())
    }

    async fn get(&self, path: &str, token: Option<&str>) -> (u16, String, String) {
        self.send(Method::GET, path, token, String::new()).await
    }

    async fn call(&self, tool: &str, token: Option<&str>) -> (u16, String, String) {
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool}});
        self.send(Method::POST, "/mcp", token, call.to_string()).await
    }

    async fn assert_metadata(&self, path: &str, issuer: &TestIssuer) {
        let (status, _, body) = self.get(&format!("/.well-known/oauth-protected-resource{path}"), None).await;
        let document: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &document["authorization_servers"]), (200, &json!([issuer.url()])));
        assert_eq!(document["resource"], format!("http://localhost:8001{path}"));
    }
}

const MCP: &str = "http://localhost:8001/mcp";

#[tokio::test]
async fn protect() {
    let issuer = TestIssuer::start().await.unwrap();
    let served = Served::start(protect::app(issuer.url()).unwrap()).await;
    let (status, challenge, _) = served.call("get_time", None).await;
    let metadata = "resource_metadata=\"http://localhost:8001/.well-known/oauth-protected-resource/mcp\"";
    assert!(status == 401 && challenge.contains(metadata), "{status} {challenge}");
    served.assert_metadata("/mcp", &issuer).await;
    let token = issuer.token(MCP, "mcp:read");
    assert_eq!(served.call("get_time", Some(&token)).await, (200, String::new(), "hello".to_owned()));
    assert_eq!(served.call("delete_all", Some(&token)).await.0, 403);
}

#[tokio::test]
async fn route_scopes() {
    let issuer = TestIssuer::start().await.unwrap();
    let served = Served::start(route_scopes::app(issuer.url()).unwrap()).await;
    let url = "http://localhost:8001/notes";
    served.assert_metadata("/notes", &issuer).await;
    let (read, write) = (issuer.token(url, "notes:read"), issuer.token(url, "notes:write"));
    let old = issuer.clock().now().as_second() - 301;
    let old = issuer.token_with(url, "notes:write", &json!({"auth_time": old}));
    let delete = async |token: &str| served.send(Method::DELETE, "/notes/1", Some(token), String::new()).await;
    assert_eq!(served.get("/notes", None).await.0, 401);
    assert_eq!(served.get("/notes", Some(&read)).await.0, 200);
    assert_eq!(served.get("/notes", Some(&write)).await.0, 200);
    let (status, challenge, _) = delete(&read).await;
    assert!(status == 403 && challenge.contains("scope=\"notes:write\""), "{status} {challenge}");
    assert_eq!(delete(&write).await.0, 200);
    let (status, challenge, _) = delete(&old).await;
    assert!(status == 401 && challenge.contains("max_age=\"300\""), "{status} {challenge}");
}

#[tokio::test]
async fn tool_scopes() {
    let issuer = TestIssuer::start().await.unwrap();
    let served = Served::start(tool_scopes::app(issuer.url()).unwrap()).await;
    let (read, admin) = (issuer.token(MCP, "mcp:read"), issuer.token(MCP, "mcp:read mcp:admin"));
    assert_eq!(served.call("read_all", None).await.0, 401);
    let (status, _, body) = served.call("read_all", Some(&read)).await;
    assert!(status == 200 && body.contains("everything"), "{status} {body}");
    let (status, challenge, _) = served.call("delete_all", Some(&read)).await;
    assert!(status == 403 && challenge.contains("scope=\"mcp:read mcp:write\""), "{status} {challenge}");
    let (status, _, body) = served.call("delete_all", Some(&admin)).await;
    assert!(status == 200 && body.contains("deleted"), "{status} {body}");
}

#[tokio::test]
async fn access_token() {
    let issuer = TestIssuer::start().await.unwrap();
    let served = Served::start(access_token::app(issuer.url()).unwrap()).await;
    let ada = issuer.token_with(MCP, "mcp:read", &json!({"sub": "ada"}));
    let hello = "hello ada, you may mcp:read";
    assert_eq!(served.get("/whoami", Some(&ada)).await, (200, String::new(), hello.to_owned()));
    let (status, _, body) = served.call("whoami", Some(&ada)).await;
    assert!(status == 200 && body.contains(hello), "{status} {body}");
    let weak = issuer.token(MCP, "other");
    for (token, status) in [(None, 401), (Some(weak.as_str()), 403)] {
        assert_eq!(served.get("/whoami", token).await.0, status);
        assert_eq!(served.call("whoami", token).await.0, status);
    }
}

#[tokio::test]
async fn clock() {
    let issuer = TestIssuer::start().await.unwrap();
    let served = Served::start(clock::app(issuer.url()).unwrap()).await;
    let url = "http://localhost:8001/hello";
    let now = issuer.clock().now().as_second();
    let ended = |seconds: i64, scope: &str| {
        issuer.token_with(url, scope, &json!({"iat": now - 3600, "exp": now - seconds, "auth_time": now - 3600}))
    };
    assert_eq!(served.get("/hello", None).await.0, 401);
    // Five minutes ago is five minutes ahead on the clock that is right.
    assert_eq!(served.get("/hello", Some(&ended(300, "read"))).await.0, 200);
    assert_eq!(served.get("/hello", Some(&ended(300, "other"))).await.0, 403);
    let (status, _, body) = served.get("/hello", Some(&ended(900, "read"))).await;
    assert!(status == 401 && body.contains("token_expired"), "{status} {body}");
}

#[tokio::test]
async fn issuers() {
    let (staff, customers) = (TestIssuer::start().await.unwrap(), TestIssuer::start().await.unwrap());
    let served = Served::start(issuers::app(staff.url(), customers.url()).unwrap()).await;
    let get = async |place: &str, issuer: &TestIssuer, scope| {
        let token = issuer.token(&format!("http://localhost:8001{place}"), scope);
        served.get(place, Some(&token)).await
    };
    for issuer in [&staff, &customers] {
        assert_eq!(get("/shop", issuer, "read").await, (200, String::new(), issuer.url().to_owned()));
        assert_eq!(get("/shop", issuer, "other").await.0, 403);
    }
    assert_eq!(get("/office", &staff, "admin").await.0, 200);
    let (status, _, body) = get("/office", &customers, "admin").await;
    assert!(status == 401 && body.contains("issuer_unknown"), "{status} {body}");
    // A token for the one place is none for the other.
    let shop = staff.token("http://localhost:8001/shop", "read admin");
    let (status, _, body) = served.get("/office", Some(&shop)).await;
    assert!(status == 401 && body.contains("audience_mismatch"), "{status} {body}");
    assert_eq!(served.get("/shop", None).await.0, 401);
}

#[tokio::test]
async fn refusal_body() {
    let issuer = TestIssuer::start().await.unwrap();
    let served = Served::start(refusal_body::app(issuer.url()).unwrap()).await;
    let url = "http://localhost:8001/hello";
    let (status, challenge, body) = served.get("/hello", None).await;
    assert!(status == 401 && challenge.starts_with("Bearer "), "{status} {challenge}");
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["type"], "urn:refused:missing_token");
    let (status, _, body) = served.get("/hello", Some(&issuer.token(url, "other"))).await;
    assert!(status == 403 && body.contains("urn:refused:insufficient_scope"), "{status} {body}");
    assert_eq!(served.get("/hello", Some(&issuer.token(url, "read"))).await.0, 200);
}
