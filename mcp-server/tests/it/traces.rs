//! The span of a request: named by its route, with who asked for what and what came of it, and no secret.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use serde_json::json;
use serving::{ServeOptions, layers};
use tower::ServiceExt as _;

use crate::log;
use crate::server::{Server, set};

/// The line that ends a request, with its span before it.
async fn traced(router: &Router, request: Request) -> String {
    log::start();
    let answer = router.clone().oneshot(request).await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let written = log::written();
    let line = written.lines().find(|line| line.contains(": answered status=")).unwrap();
    assert!(line.contains(&format!("request_id={id}")), "{line}");
    assert!(line.ends_with(&format!("answered status={}", answer.status().as_u16())), "{line}");
    line.to_owned()
}

/// Each field once.
fn assert_has(line: &str, fields: &[&str]) {
    for field in fields {
        assert_eq!(line.matches(field).count(), 1, "{field}: {line}");
    }
}

#[tokio::test]
async fn a_span_is_named_by_its_route_and_says_who_what_and_the_outcome() {
    let server = Server::start().await;
    let router = layers::apply(server.router.clone(), &ServeOptions::default());
    let issuer = format!("issuer=\"{}\"", server.bench.issuer.url());
    let who = ["otel.name=\"POST /mcp\"", &issuer, "client_id=\"client-1\""];
    let all = server.bench.token(json!({"scope": "mcp:read mcp:write"}));
    // The first time with its body read by the layer, then known, then as one that may do everything.
    for token in [&server.bench.token(json!({})), &all, &all] {
        for mut request in [
            server.modern("tools/call", json!({"name": "get_time", "arguments": {}})),
            server.legacy(None, "tools/call", json!({"name": "get_time", "arguments": {}})),
        ] {
            set(&mut request, "authorization", &format!("Bearer {token}"));
            let line = traced(&router, request).await;
            assert_has(&line, &who);
            assert_has(&line, &["tool=\"get_time\"", "outcome=\"accepted\"", "status=200"]);
        }
    }
    let lacking = server.legacy(None, "tools/call", json!({"name": "create_secure_note", "arguments": {}}));
    let line = traced(&router, lacking).await;
    assert_has(&line, &who);
    assert_has(&line, &["tool=\"create_secure_note\"", "outcome=\"insufficient_scope\"", "status=403"]);
}

#[tokio::test]
async fn a_span_says_nothing_of_an_unverified_caller_and_holds_no_secret() {
    let server = Server::start().await;
    let router = layers::apply(server.router.clone(), &ServeOptions::default());
    let token = server.bench.token(json!({"aud": "https://other.example"}));
    let uri = format!("/mcp?access_token={token}");
    let mut refused = server.legacy(None, "tools/call", json!({"name": "get_time"}));
    *refused.uri_mut() = uri.parse().unwrap();
    set(&mut refused, "authorization", &format!("Bearer {token}"));
    let line = traced(&router, refused).await;
    assert_has(&line, &["otel.name=\"POST /mcp\"", "outcome=\"audience_mismatch\"", "status=401"]);
    assert!(!line.contains("client_id=") && !line.contains("tool="), "{line}");
    assert!(token.split('.').all(|part| !line.contains(part)), "{line}");
    let elsewhere = Request::get("/healthz?code=s3cret").body(Body::empty()).unwrap();
    let line = traced(&router, elsewhere).await;
    assert_has(&line, &["otel.name=\"GET /healthz\"", "status=200"]);
    assert!(!line.contains("s3cret") && !line.contains("outcome="), "{line}");
}
