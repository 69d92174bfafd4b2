//! Host, Origin, CORS, sizes and metadata, in front of the token.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use serde_json::json;

use crate::bench::Bench;

const FOREIGN: [&str; 9] = [
    "evil.example",
    "localhost.evil.example",
    "evil.localhost",
    "127.0.0.1.nip.io",
    "0.0.0.0",
    "192.168.0.1:8001",
    "169.254.169.254",
    "localhost@evil.example",
    "[::2]",
];

#[tokio::test]
async fn a_foreign_host_is_refused_with_and_without_a_token() {
    let bench = Bench::new().await;
    let good = bench.token(json!({}));
    for host in FOREIGN {
        for token in [None, Some(good.as_str())] {
            let mut request = Bench::request(token);
            request.headers_mut().insert(header::HOST, HeaderValue::from_static(host));
            let answer = bench.send(request).await;
            assert_eq!(answer.verdict(), (403, "host_not_allowed".to_owned()), "{host}");
            assert_eq!(answer.header("www-authenticate"), None);
            assert!(!answer.body.to_string().contains(host), "{host} reflected");
        }
    }
    let mut none = Bench::request(Some(&good));
    none.headers_mut().remove(header::HOST);
    assert_eq!(bench.send(none).await.status, 403);
    let mut two = Bench::request(Some(&good));
    two.headers_mut().append(header::HOST, HeaderValue::from_static("localhost:8001"));
    assert_eq!(bench.send(two).await.status, 403);
    let mut absolute = Bench::request(Some(&good));
    *absolute.uri_mut() = "http://evil.example/mcp".parse().unwrap();
    assert_eq!(bench.send(absolute).await.status, 403);
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn a_foreign_origin_is_refused_with_and_without_a_token() {
    let bench = Bench::new().await;
    let good = bench.token(json!({}));
    let schemes = FOREIGN.map(|host| format!("http://{host}"));
    for origin in schemes.iter().map(String::as_str).chain(["null", "file://", "https://evil.example"]) {
        for token in [None, Some(good.as_str())] {
            let mut request = Bench::request(token);
            request.headers_mut().insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
            let answer = bench.send(request).await;
            assert_eq!(answer.verdict(), (403, "origin_not_allowed".to_owned()), "{origin}");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{origin}");
        }
    }
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn an_allowed_origin_may_read_answers_and_refusals() {
    let bench = Bench::with(&|options| options.allowed_origins = vec!["https://app.example".to_owned()]).await;
    let good = bench.token(json!({}));
    for origin in ["http://localhost:3000", "https://app.example"] {
        for (token, status) in [(None, 401), (Some(good.as_str()), 200), (Some("bad"), 401)] {
            let mut request = Bench::request(token);
            request.headers_mut().insert(header::ORIGIN, HeaderValue::from_static(origin));
            let answer = bench.send(request).await;
            assert_eq!(answer.status.as_u16(), status, "{origin}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(origin));
            let exposed = answer.header("access-control-expose-headers").unwrap();
            assert!(exposed.contains("www-authenticate") && exposed.contains("mcp-"), "{exposed}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}

#[tokio::test]
async fn a_preflight_needs_no_token() {
    let bench = Bench::new().await;
    let preflight = |origin: &str| {
        Request::options("/mcp")
            .header(header::HOST, "localhost:8001")
            .header(header::ORIGIN, origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,mcp-method")
            .body(Body::empty())
            .unwrap()
    };
    let answer = bench.send(preflight("http://localhost:3000")).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert!(answer.header("access-control-allow-methods").unwrap().contains("POST"));
    assert_eq!(bench.send(preflight("https://evil.example")).await.status, 403);
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn forwarded_headers_change_nothing() {
    let bench = Bench::new().await;
    let mut request = Bench::request(None);
    for name in ["x-forwarded-host", "x-forwarded-proto", "forwarded", "x-original-url"] {
        request.headers_mut().insert(name, HeaderValue::from_static("evil.example"));
    }
    let answer = bench.send(request).await;
    assert_eq!(answer.status, 401);
    assert!(!format!("{:?}{}", answer.headers, answer.body).contains("evil.example"));
}

#[tokio::test]
async fn a_large_body_is_refused_before_and_after_the_token() {
    let bench = Bench::with(&|options| options.max_body_bytes = 1000).await;
    let mut announced = Bench::request(None);
    announced.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("20000000"));
    assert_eq!(bench.send(announced).await.verdict(), (413, "body_too_large".to_owned()));
    // Unannounced, and read because the token may not call every tool.
    let mut chunked = Bench::request(Some(&bench.token(json!({}))));
    *chunked.body_mut() = Body::from("x".repeat(2000));
    assert_eq!(bench.send(chunked).await.verdict(), (413, "body_too_large".to_owned()));
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn a_body_that_cannot_be_told_is_refused_when_it_matters() {
    let bench = Bench::new().await;
    let deep = "[".repeat(100_000);
    for body in ["not json", "[]", &deep, r#"{"method":"tools/call","method":"x"}"#] {
        let mut request = Bench::request(Some(&bench.token(json!({}))));
        *request.body_mut() = Body::from(body.to_owned());
        assert_eq!(bench.send(request).await.verdict(), (400, "body_malformed".to_owned()));
    }
}

#[tokio::test]
async fn the_metadata_is_public_at_both_places() {
    let bench = Bench::new().await;
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        let request = Request::get(path).header(header::ORIGIN, "https://anywhere.example");
        let answer = bench.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let expected = json!({
            "resource": "http://localhost:8001/mcp",
            "authorization_servers": [bench.issuer.url()],
            "scopes_supported": ["mcp:read"],
            "bearer_methods_supported": ["header"],
        });
        assert_eq!(answer.body, expected);
    }
}

#[tokio::test]
async fn another_spelling_of_the_path_is_no_way_around() {
    let bench = Bench::new().await;
    for path in ["//mcp", "/%6dcp", "/mcp;x", "/mcp/", "/MCP", "/./mcp", "/mcp/../mcp", "/mcp%2f"] {
        let request = Request::post(path).header(header::HOST, "localhost:8001").body(Body::empty()).unwrap();
        let status = bench.send(request).await.status.as_u16();
        assert!([401, 404, 405].contains(&status), "{path}: {status}");
    }
    assert_eq!(bench.handled(), 0);
}
