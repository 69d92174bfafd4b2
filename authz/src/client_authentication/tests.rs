//! Every way to say who the client is, right and wrong, at the token endpoint.

mod private_key_jwt;

use crate::{routes, testing::*};
use axum::body::Body;
use http::{HeaderValue, header};
use serde_json::json;

/// What the endpoint says to `authorization` headers and body parameters: status, error, challenge.
async fn attempt(server: &Server, authorization: &[&str], body: &[(&str, &str)]) -> (u16, String, bool) {
    let form: Vec<_> = exchange("x").into_iter().chain(body.iter().copied()).collect();
    let mut request = post(routes::TOKEN, &form);
    for value in authorization {
        request.headers_mut().append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    let answer = server.send(request).await;
    let challenge = answer.header(header::WWW_AUTHENTICATE).is_some_and(|value| value.starts_with("Basic"));
    let (status, error) = answer.error();
    (status, error, challenge)
}

fn invalid_client(challenge: bool) -> (u16, String, bool) {
    (401, "invalid_client".to_owned(), challenge)
}

fn invalid_request() -> (u16, String, bool) {
    (400, "invalid_request".to_owned(), false)
}

/// The client is known; only the made-up code is refused.
fn authenticated() -> (u16, String, bool) {
    (400, "invalid_grant".to_owned(), false)
}

#[tokio::test]
async fn the_demo_client_may_use_basic_or_post() {
    let server = Server::start().await;
    assert_eq!(attempt(&server, &[&basic(CLIENT, SECRET)], &[]).await, authenticated());
    assert_eq!(attempt(&server, &[&basic(CLIENT, SECRET).replace("Basic", "bAsIc")], &[]).await, authenticated());
    assert_eq!(attempt(&server, &[], &[("client_id", CLIENT), ("client_secret", SECRET)]).await, authenticated());
    assert_eq!(attempt(&server, &[&basic(CLIENT, SECRET)], &[("client_id", CLIENT)]).await, authenticated());
}

#[tokio::test]
async fn identifier_and_secret_in_the_header_are_form_decoded() {
    let server = Server::start().await;
    assert_eq!(attempt(&server, &[&basic("simple%2Dmcp%2Dclient", SECRET)], &[]).await, authenticated());
}

#[tokio::test]
async fn a_wrong_secret_in_the_header_is_challenged() {
    let server = Server::start().await;
    let long = "x".repeat(20_000);
    for wrong in ["", "wrong", "simple-mcp-secret-12", "simple-mcp-secret-1234", "SIMPLE-MCP-SECRET-123", &long] {
        assert_eq!(attempt(&server, &[&basic(CLIENT, wrong)], &[]).await, invalid_client(true), "{wrong}");
    }
    assert_eq!(attempt(&server, &[&basic("nobody", SECRET)], &[]).await, invalid_client(true));
}

#[tokio::test]
async fn a_wrong_secret_in_the_body_is_not_challenged() {
    let server = Server::start().await;
    for wrong in ["wrong", "simple-mcp-secret-12", &"x".repeat(20_000)] {
        let body = [("client_id", CLIENT), ("client_secret", wrong)];
        assert_eq!(attempt(&server, &[], &body).await, invalid_client(false), "{wrong}");
    }
    assert_eq!(attempt(&server, &[], &[("client_id", "nobody")]).await, invalid_client(false));
}

#[tokio::test]
async fn a_confidential_client_has_to_show_its_secret() {
    let server = Server::start().await;
    assert_eq!(attempt(&server, &[], &[("client_id", CLIENT)]).await, invalid_client(false));
    assert_eq!(attempt(&server, &[], &[("client_id", CLIENT), ("client_secret", "")]).await, invalid_client(false));
    assert_eq!(attempt(&server, &[], &[]).await, invalid_client(false));
}

#[tokio::test]
async fn two_methods_at_once_are_an_invalid_request() {
    let server = Server::start().await;
    let right = basic(CLIENT, SECRET);
    assert_eq!(attempt(&server, &[&right], &[("client_secret", SECRET)]).await, invalid_request());
    let body = [("client_id", "other"), ("client_secret", "other")];
    assert_eq!(attempt(&server, &[&right], &body).await, invalid_request());
    assert_eq!(attempt(&server, &[&right], &[("client_id", "other")]).await, invalid_request());
    assert_eq!(attempt(&server, &[&right, &right], &[]).await, invalid_request());
    assert_eq!(attempt(&server, &[&right], &[("client_assertion", "x")]).await, invalid_request());
}

#[tokio::test]
async fn only_the_registered_method_counts() {
    let server = Server::start().await;
    for (method, other) in [("client_secret_basic", false), ("client_secret_post", true)] {
        let metadata = json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": method });
        let client = server.post_json(routes::REGISTER, &metadata).await.json();
        let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
        let in_header = attempt(&server, &[&basic(id, secret)], &[]).await;
        let in_body = attempt(&server, &[], &[("client_id", id), ("client_secret", secret)]).await;
        let (right, wrong) = if other { (in_body, in_header) } else { (in_header, in_body) };
        assert_eq!((right, wrong), (authenticated(), invalid_client(other)), "{method}");
    }
}

#[tokio::test]
async fn a_public_client_has_no_secret() {
    let server = Server::start().await;
    let metadata = json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none" });
    let client = server.post_json(routes::REGISTER, &metadata).await.json();
    assert!(client.get("client_secret").is_none());
    let id = client["client_id"].as_str().unwrap();
    assert_eq!(attempt(&server, &[], &[("client_id", id)]).await, authenticated());
    assert_eq!(attempt(&server, &[], &[("client_id", id), ("client_secret", "x")]).await, invalid_client(false));
    assert_eq!(attempt(&server, &[&basic(id, "x")], &[]).await, invalid_client(true));
}

#[tokio::test]
async fn junk_in_the_header_is_an_invalid_client() {
    let server = Server::start().await;
    for junk in
        ["Basic", "Basic !!!", "Basic YQ==", "Bearer x", "Digest username=\"a\"", "", "Basic Og==", "Basic /////w=="]
    {
        assert_eq!(attempt(&server, &[junk], &[]).await, invalid_client(true), "{junk:?}");
    }
    let mut request = post(routes::TOKEN, &exchange("x"));
    request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_bytes(b"Basic \xff\xfe").unwrap());
    assert_eq!(server.send(request.map(|body: Body| body)).await.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn client_assertions_are_not_supported() {
    let server = Server::start().await;
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    for assertion in ["eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJIUzI1NiJ9.e30.AAAA"] {
        let body = [("client_id", CLIENT), ("client_assertion_type", kind), ("client_assertion", assertion)];
        assert_eq!(attempt(&server, &[], &body).await, invalid_client(false));
    }
}
