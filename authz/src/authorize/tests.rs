//! The authorization endpoint as a browser and an attacker see it.

mod out_of_band;
mod private_use;

use crate::{
    authorize::{DecisionError, deny},
    domain::{CodeSecret, PENDING_LIFETIME},
    protocol::Nonce,
    routes,
    testing::*,
};
use axum::body::Body;
use http::{Request, StatusCode, header};
use std::time::Duration;
use url::Url;

const UNTRUSTED: StatusCode = StatusCode::BAD_REQUEST;

async fn ask(server: &Server, changes: &[(&str, &str)]) -> Answer {
    server.get(&format!("/oauth2/authorize?{}", encode(&request_with(changes)))).await
}

/// The request is refused at the client's redirect URI, with the code, the state and the issuer.
async fn assert_refused(server: &Server, changes: &[(&str, &str)], code: &str) {
    let target = ask(server, changes).await.location();
    assert!(target.as_str().starts_with(&format!("{REDIRECT_URI}?")), "{changes:?}: {target}");
    assert_eq!(target.parameter("error").as_deref(), Some(code), "{changes:?}");
    assert_description(&target.parameter("error_description").unwrap());
    assert_eq!(target.parameter("state").as_deref(), Some("xyz"), "{changes:?}");
    assert_eq!(target.parameter("iss").as_deref(), Some(ISSUER), "{changes:?}");
    assert_eq!(target.parameter("code"), None);
}

/// The request ends on a page: no redirect, nothing of the request on it.
fn assert_page(answer: &Answer, hostile: &str) {
    assert_eq!(answer.status, UNTRUSTED, "{hostile:?}");
    assert_eq!(answer.header(header::LOCATION), None, "{hostile:?}");
    assert!(hostile.len() < 4 || !answer.body.contains(hostile), "{hostile:?}");
    assert!(answer.header(header::CONTENT_SECURITY_POLICY).unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[tokio::test]
async fn sends_a_browser_without_a_session_to_the_login_page_with_a_new_session() {
    let server = Server::start().await;
    let answer = ask(&server, &[]).await;
    let target = answer.location();
    assert_eq!((target.path(), target.parameter("request").unwrap().len()), ("/login", 43));
    let cookie = answer.header(header::SET_COOKIE).unwrap();
    assert!(cookie.starts_with("portcullis_authz=") && cookie.contains("HttpOnly"), "{cookie}");
    assert!(cookie.contains("SameSite=Lax"), "{cookie}");
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[tokio::test]
async fn sends_a_signed_in_browser_to_the_consent_page_and_keeps_its_session() {
    let server = Server::start().await;
    let (cookie, _) = server.signed_in().await;
    let answer = server.authorize(&cookie, &AUTHORIZATION_REQUEST).await;
    assert_eq!(answer.location().path(), "/consent");
    assert_eq!(answer.header(header::SET_COOKIE), None);
}

#[tokio::test]
async fn a_posted_request_is_answered_like_one_in_the_query() {
    let server = Server::start().await;
    let answer = server.post("/oauth2/authorize", &request_with(&[("state", "a&b #ä")])).await;
    assert_eq!(answer.header(header::SET_COOKIE), None, "the browser may have a session that it did not send");
    let again = answer.location();
    assert_eq!((again.path(), again.parameter("state").as_deref()), ("/oauth2/authorize", Some("a&b #ä")));
    assert_eq!(server.get(&format!("{}?{}", again.path(), again.query().unwrap())).await.location().path(), "/login");
    let json = server.post_json("/oauth2/authorize", &serde_json::json!({})).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn an_unknown_or_hostile_client_id_ends_on_a_page_without_reflection() {
    let server = Server::start().await;
    let long = "x".repeat(5000);
    for hostile in [
        "nobody",
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        "https://evil.example/client.json",
        "a\r\nb: c",
        "mcp-server",
        &long,
    ] {
        assert_page(&ask(&server, &[("client_id", hostile)]).await, hostile);
    }
    assert_page(&ask(&server, &[("client_id", "")]).await, "");
    let twice = format!("/oauth2/authorize?{}&client_id=x", encode(&AUTHORIZATION_REQUEST));
    assert_page(&server.get(&twice).await, "");
}

#[tokio::test]
async fn a_redirect_uri_that_is_not_registered_ends_on_a_page() {
    let server = Server::start().await;
    for hostile in [
        "http://localhost:3030/callback/",
        "http://localhost:3030/callback/../evil",
        "http://localhost:3030/callback%2f..",
        "http://localhost:3030/callback?x=1",
        "http://localhost:3030/callback#x",
        "http://localhost:3030/Callback",
        "http://localhost:3030/callbackevil",
        "http://localhost:3030//callback",
        "http://localhost:3030/%63allback",
        "http://LOCALHOST:3030/callback",
        "HTTP://localhost:3030/callback",
        "http://localhost.:3030/callback",
        "http://localhost.evil.example:3030/callback",
        "http://evil.example/callback",
        "http://127.0.0.1:3030/callback",
        "http://[::1]:3030/callback",
        "http://127.1:3030/callback",
        "http://user@localhost:3030/callback",
        "http://localhost:3030@evil.example/callback",
        "http://localhost:3030\\@evil.example/callback",
        "https://localhost:3030/callback",
        "//localhost:3030/callback",
        "/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://localhost:3030/callback\r\nSet-Cookie: a=b",
        "http://localhost:3030/callback\0",
        "http://localhost:3030/callback%0d%0a",
        "http://localhost:99999/callback",
        " http://localhost:3030/callback",
        "http://localhost:3030/callback ",
    ] {
        assert_page(&ask(&server, &[("redirect_uri", hostile)]).await, hostile);
    }
    let twice = format!("/oauth2/authorize?{}&redirect_uri={REDIRECT_URI}", encode(&AUTHORIZATION_REQUEST));
    assert_page(&server.get(&twice).await, "");
}

#[tokio::test]
async fn the_port_of_a_loopback_redirect_may_vary_and_is_kept() {
    let server = Server::start().await;
    let pending = server.pending(&request_with(&[("redirect_uri", "http://localhost:49152/callback")])).await;
    assert_eq!(pending.redirect_uri.as_str(), "http://localhost:49152/callback");
}

#[tokio::test]
async fn the_only_registered_redirect_uri_may_be_left_out() {
    let server = Server::start().await;
    let pending = server.pending(&request_with(&[("redirect_uri", "")])).await;
    assert_eq!(pending.redirect_uri.as_str(), REDIRECT_URI);
    let metadata = serde_json::json!({ "redirect_uris": ["https://app.example/a", "https://app.example/b"] });
    let client = server.post_json(routes::REGISTER, &metadata).await.json()["client_id"].as_str().unwrap().to_owned();
    assert_page(&ask(&server, &[("client_id", &client), ("redirect_uri", "")]).await, "app.example");
}

#[tokio::test]
async fn only_the_code_response_type_is_supported() {
    let server = Server::start().await;
    for word in ["none", "token", "id_token", "code token", "code id_token", "id_token token", "CODE", "code "] {
        assert_refused(&server, &[("response_type", word)], "unsupported_response_type").await;
    }
    assert_refused(&server, &[("response_type", "")], "invalid_request").await;
    for mode in ["fragment", "form_post"] {
        assert_refused(&server, &[("response_mode", mode)], "invalid_request").await;
    }
}

#[tokio::test]
async fn pkce_with_s256_is_required_of_everyone() {
    let server = Server::start().await;
    let (short, long) = ("a".repeat(42), "a".repeat(129));
    for changes in [
        &[("code_challenge", ""), ("code_challenge_method", "")][..],
        &[("code_challenge", "")],
        &[("code_challenge_method", "")],
        &[("code_challenge_method", "plain")],
        &[("code_challenge_method", "s256")],
        &[("code_challenge", &short)],
        &[("code_challenge", &long)],
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM")],
        &[("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c=")],
    ] {
        assert_refused(&server, changes, "invalid_request").await;
    }
}

#[tokio::test]
async fn a_resource_that_is_not_known_byte_for_byte_is_an_invalid_target() {
    let server = Server::start().await;
    for hostile in [
        "http://localhost:8001/mcp/",
        "http://localhost:8001/mcp#x",
        "http://localhost:8001/mcpx",
        "http://localhost:8001",
        "http://evil.example/mcp",
        "mcp",
        "*",
    ] {
        assert_refused(&server, &[("resource", hostile)], "invalid_target").await;
    }
    let two = [("resource", RESOURCE), ("resource", OTHER_RESOURCE)];
    assert_refused(&server, &two, "invalid_target").await;
}

#[tokio::test]
async fn an_invalid_target_names_the_known_ones_and_the_setting() {
    let server = Server::start().await;
    let description =
        ask(&server, &[("resource", "http://x.example")]).await.location().parameter("error_description").unwrap();
    for part in [RESOURCE, OTHER_RESOURCE, "MCP_AUTH_RESOURCES"] {
        assert!(description.contains(part), "{description}");
    }
    assert!(!description.contains("x.example"));
}

#[tokio::test]
async fn an_absent_resource_is_the_only_one_there_is_else_invalid() {
    let server = Server::start().await;
    assert_refused(&server, &[("resource", "")], "invalid_target").await;
    let server = Server::with(Options { resources: vec![RESOURCE], ..Options::default() }).await;
    assert_eq!(server.pending(&request_with(&[("resource", "")])).await.resource.as_str(), RESOURCE);
}

#[tokio::test]
async fn an_unknown_or_malformed_scope_is_invalid_and_an_absent_one_the_default() {
    let server = Server::start().await;
    for hostile in ["admin", "mcp:read admin", "mcp:read  mcp:write", "a\"b", "mcp:read\n", "ä", &"x ".repeat(500)] {
        assert_refused(&server, &[("scope", hostile)], "invalid_scope").await;
    }
    assert_eq!(server.pending(&AUTHORIZATION_REQUEST).await.scope.to_string(), "mcp:read mcp:write");
    assert_eq!(server.pending(&request_with(&[("scope", "mcp:read")])).await.scope.to_string(), "mcp:read");
}

#[tokio::test]
async fn repeated_parameters_are_refused_before_any_login_form() {
    let server = Server::start().await;
    for name in ["response_type", "code_challenge", "code_challenge_method", "scope", "unknown", "prompt"] {
        let query = format!("{}&{name}=a&{name}=a", encode(&AUTHORIZATION_REQUEST));
        let target = server.get(&format!("/oauth2/authorize?{query}")).await.location();
        assert_eq!(target.parameter("error").as_deref(), Some("invalid_request"), "{name}");
    }
    // Of two states neither is the client's.
    let query = format!("{}&state=other", encode(&AUTHORIZATION_REQUEST));
    let target = server.get(&format!("/oauth2/authorize?{query}")).await.location();
    assert_eq!((target.parameter("error").as_deref(), target.parameter("state")), (Some("invalid_request"), None));
}

#[tokio::test]
async fn unknown_parameters_are_ignored() {
    let server = Server::start().await;
    let changes = [("login_hint", "<b>"), ("nonce", "n"), ("prompt", "consent"), ("audience", "x")];
    assert_eq!(ask(&server, &changes).await.location().path(), "/login");
}

#[tokio::test]
async fn request_objects_are_not_supported_and_not_fetched() {
    let server = Server::start().await;
    assert_refused(&server, &[("request", "eyJhbGciOiJub25lIn0..")], "request_not_supported").await;
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let uri = format!("http://{}/x", canary.local_addr().unwrap());
    assert_refused(&server, &[("request_uri", &uri)], "request_uri_not_supported").await;
    assert_eq!(canary.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody connected");
}

#[tokio::test]
async fn prompt_none_shows_no_page() {
    let server = Server::start().await;
    assert_refused(&server, &[("prompt", "none")], "login_required").await;
    let (cookie, _) = server.signed_in().await;
    let target = server.authorize(&cookie, &request_with(&[("prompt", "none")])).await.location();
    assert_eq!(target.parameter("error").as_deref(), Some("consent_required"));
}

#[tokio::test]
async fn state_is_returned_byte_for_byte_with_one_code_and_the_issuer() {
    let server = Server::start().await;
    let long = "s".repeat(4096);
    for state in ["a\r\nSet-Cookie: x=y", "a&code=evil#frag?x=1", "%20+ äöü\u{1f980}\u{1}", "xyz", &long] {
        let pending = server.pending(&request_with(&[("state", state)])).await;
        let target = server.approve(&pending).await.unwrap();
        assert_eq!(target.parameter("state").as_deref(), Some(state));
        assert_eq!(target.parameter("iss").as_deref(), Some(ISSUER));
        assert_eq!(target.parameter("code").unwrap().len(), 43);
        assert_eq!(target.fragment(), None);
    }
    for refused in [&"s".repeat(4097), "a\0b"] {
        let target = ask(&server, &[("state", refused)]).await.location();
        assert_eq!((target.parameter("error").as_deref(), target.parameter("state")), (Some("invalid_request"), None));
    }
    let pending = server.pending(&request_with(&[("state", "")])).await;
    let target = server.approve(&pending).await.unwrap();
    assert_eq!(target.parameter("state"), None);
}

#[tokio::test]
async fn the_code_knows_the_nonce_and_how_and_when_the_person_signed_in() {
    let server = Server::start().await;
    for (nonce, expected) in [("n-0S6_WzA2Mj", Some("n-0S6_WzA2Mj")), ("", None)] {
        let code = CodeSecret::parse(&server.code(&request_with(&[("nonce", nonce)])).await).unwrap();
        let code = server.services.store.code(&code.hash()).await.unwrap().unwrap();
        assert_eq!(code.nonce.as_ref().map(Nonce::as_str), expected);
        assert_eq!(code.grant.authentication, Some(server.person().await.authentication));
    }
    let target = ask(&server, &[("nonce", &"n".repeat(1025))]).await.location();
    assert_eq!(target.parameter("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn parameters_that_are_not_text_end_on_a_page() {
    let server = Server::start().await;
    for query in ["client_id=%ff", "state=%ff%fe", &"a=1&".repeat(100)] {
        let answer = server.get(&format!("/oauth2/authorize?{query}")).await;
        assert_page(&answer, "");
    }
    assert_page(&server.post("/oauth2/authorize", &[("state", &"x".repeat(300_000))]).await, "");
}

#[tokio::test]
async fn denying_tells_the_client_once() {
    let server = Server::start().await;
    let pending = server.pending(&AUTHORIZATION_REQUEST).await;
    let target = Url::parse(&deny(&server.services, &pending).await.unwrap().location()).unwrap();
    assert_eq!(target.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(target.parameter("state").as_deref(), Some("xyz"));
    assert_eq!(target.parameter("iss").as_deref(), Some(ISSUER));
    assert!(matches!(deny(&server.services, &pending).await, Err(DecisionError::AlreadyDecided)));
}

#[tokio::test]
async fn a_replayed_consent_gives_no_second_code() {
    let server = Server::start().await;
    let pending = server.pending(&AUTHORIZATION_REQUEST).await;
    assert!(server.approve(&pending).await.is_ok());
    assert!(matches!(server.approve(&pending).await, Err(DecisionError::AlreadyDecided)));
}

#[tokio::test]
async fn a_decision_after_ten_minutes_is_too_late() {
    let server = Server::start().await;
    let pending = server.pending(&AUTHORIZATION_REQUEST).await;
    server.clock.advance(Duration::try_from(PENDING_LIFETIME).unwrap());
    assert!(matches!(server.approve(&pending).await, Err(DecisionError::AlreadyDecided)));
}

#[tokio::test]
async fn a_restart_between_request_and_decision_changes_nothing() {
    let server = Server::start().await;
    let pending = server.pending(&AUTHORIZATION_REQUEST).await;
    let server = server.restart().await;
    assert!(server.approve(&pending).await.is_ok());
}

#[tokio::test]
async fn there_is_no_cors_at_the_authorization_endpoint() {
    let server = Server::start().await;
    let request = Request::get(format!("/oauth2/authorize?{}", encode(&AUTHORIZATION_REQUEST)))
        .header(header::HOST, "localhost:9000")
        .header(header::ORIGIN, "https://evil.example");
    let answer = server.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), None);
}
