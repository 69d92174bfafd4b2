//! The metadata shim from the outside, in front of a scripted issuer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use mcp_server::explain::{Check, Explanation};
use mcp_server::resource_server::{ResourceServerOptions, ShimClient, ShimOptions, ShimRedirectUri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::bench::{Answered, Bench};
use crate::issuer::ScriptedIssuer;

const DOCUMENT: &str = "/.well-known/oauth-authorization-server";
const ORIGIN: &str = "http://localhost:8001";
const FORM: &str = "application/x-www-form-urlencoded";

fn shimmed(shim: ShimOptions) -> impl Fn(&mut ResourceServerOptions) {
    move |options| options.issuers[0].shim = Some(shim.clone())
}

fn one_client() -> ShimOptions {
    let redirect_uris = vec![ShimRedirectUri::parse("http://localhost:3030/callback").unwrap()];
    ShimOptions { client: Some(ShimClient { client_id: "app-1".to_owned(), redirect_uris }), ..ShimOptions::default() }
}

async fn behind(shim: ShimOptions) -> Bench {
    let bench = Bench::with(&shimmed(shim)).await;
    bench.issuer.says_of_itself("authorization_endpoint", json!(format!("{}/authorize", bench.issuer.url())));
    bench.issuer.says_of_itself("token_endpoint", json!(format!("{}/token", bench.issuer.url())));
    bench
}

impl Bench {
    async fn get(&self, path: &str) -> Answered {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, content_type: &str, body: impl Into<Body>) -> Answered {
        let request = Request::post(path).header("content-type", content_type).body(body.into()).unwrap();
        self.send(request).await
    }
}

#[tokio::test]
async fn clients_are_sent_to_a_document_whose_issuer_is_the_very_string_that_they_were_given() {
    let bench = behind(ShimOptions::default()).await;
    let resource = bench.get("/.well-known/oauth-protected-resource/mcp").await;
    assert_eq!(resource.body["authorization_servers"], json!([ORIGIN]));
    for path in [DOCUMENT, "/.well-known/oauth-authorization-server/mcp"] {
        let answer = bench.get(path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert_eq!(answer.body["issuer"], ORIGIN);
        assert_eq!(answer.body["authorization_endpoint"], format!("{}/authorize", bench.issuer.url()));
        assert_eq!(answer.body["token_endpoint"], format!("{}/token", bench.issuer.url()));
        assert_eq!(answer.body["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(answer.body["scopes_supported"], json!(["mcp:read"]));
        assert!(answer.body.get("registration_endpoint").is_none() && answer.body.get("jwks_uri").is_none());
    }
    // The trusted issuer stays the real one.
    assert_eq!(bench.verdict(&bench.token(json!({}))).await, (200, "ok".to_owned()));
    let ours = bench.token(json!({"iss": ORIGIN}));
    assert_eq!(bench.verdict(&ours).await, (401, "issuer_unknown".to_owned()));
}

#[tokio::test]
async fn without_a_shim_none_of_its_routes_is_there() {
    let bench = Bench::new().await;
    for path in [DOCUMENT, "/oauth2/authorize?resource=x"] {
        assert_eq!(bench.get(path).await.status, 404, "{path}");
    }
    let quiet = behind(ShimOptions::default()).await;
    assert_eq!(quiet.get("/oauth2/authorize").await.status, 404);
    for path in ["/oauth2/register", "/oauth2/token"] {
        assert_eq!(quiet.post(path, FORM, "a=b").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_is_503_with_a_pause_and_its_last_document_serves_for_an_hour() {
    let bench = behind(ShimOptions::default()).await;
    assert_eq!(bench.get(DOCUMENT).await.status, 200);
    bench.issuer.stop();
    bench.advance(59 * 60);
    assert_eq!(bench.get(DOCUMENT).await.status, 200);
    bench.advance(2 * 60);
    let answer = bench.get(DOCUMENT).await;
    assert_eq!((answer.status.as_u16(), answer.body["error"].as_str()), (503, Some("temporarily_unavailable")));
    assert_eq!(answer.header("retry-after"), Some("10"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// A bench whose issuer has its metadata at a place of its own: `good` answers, and then `then`, or none at all.
async fn with_metadata(good: usize, then: Option<u16>) -> (Bench, Arc<AtomicUsize>) {
    let issuer = ScriptedIssuer::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}/metadata", listener.local_addr().unwrap());
    let (asked, url) = (Arc::new(AtomicUsize::new(0)), issuer.url().to_owned());
    let document = json!({"issuer": url, "authorization_endpoint": url, "token_endpoint": url}).to_string();
    let counted = Arc::clone(&asked);
    let answer = move || {
        let before = counted.fetch_add(1, Ordering::SeqCst);
        let document = document.clone();
        async move {
            match then {
                _ if before < good => (StatusCode::OK, document),
                Some(status) => (StatusCode::from_u16(status).unwrap(), String::new()),
                None => std::future::pending().await,
            }
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/metadata", get(answer))).await.unwrap() });
    let bench = Bench::on(issuer, &|options| {
        options.issuers[0].places.metadata = Some(place.parse().unwrap());
        options.issuers[0].shim = Some(ShimOptions::default());
    });
    (bench, asked)
}

#[tokio::test]
async fn while_one_waits_for_an_issuer_that_hangs_the_others_get_the_last_document() {
    let (bench, asked) = with_metadata(1, None).await;
    assert_eq!(bench.get(DOCUMENT).await.status, 200);
    bench.advance(10 * 60);
    tokio::select! {
        biased;
        _ = bench.get(DOCUMENT) => panic!("this one asks"),
        answer = bench.get(DOCUMENT) => assert_eq!(answer.status, 200),
    }
    assert!(asked.load(Ordering::SeqCst) <= 2);
}

#[tokio::test]
async fn a_flood_asks_an_issuer_that_fails_once_in_ten_seconds() {
    let (bench, asked) = with_metadata(0, Some(500)).await;
    for seconds in [0, 9, 1] {
        bench.advance(seconds);
        for _ in 0..100 {
            assert_eq!(bench.get(DOCUMENT).await.status, 503);
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_issuer_that_begins_to_send_iss_is_not_hidden_any_longer() {
    let bench = behind(ShimOptions::default()).await;
    assert_eq!(bench.get(DOCUMENT).await.status, 200);
    bench.issuer.says_of_itself("authorization_response_iss_parameter_supported", json!(true));
    bench.advance(10 * 60);
    assert_eq!(bench.get(DOCUMENT).await.status, 503);
    assert!(bench.server.check_shim().await.unwrap_err().is_final());
}

#[tokio::test]
async fn the_document_of_another_issuer_is_not_used() {
    let bench = behind(ShimOptions::default()).await;
    bench.issuer.says_of_itself("issuer", json!("https://evil.example"));
    assert_eq!(bench.get(DOCUMENT).await.status, 503);
    assert!(!bench.server.check_shim().await.unwrap_err().is_final());
}

#[tokio::test]
async fn registration_is_answered_with_the_configured_client() {
    let bench = behind(one_client()).await;
    let document = bench.get(DOCUMENT).await.body;
    assert_eq!(document["registration_endpoint"], format!("{ORIGIN}/oauth2/register"));
    assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["none", "client_secret_basic"]));
    let register =
        |uri: &str| bench.post("/oauth2/register", "application/json", json!({"redirect_uris": [uri]}).to_string());
    let answer = register("http://localhost:45678/callback").await;
    assert_eq!(answer.status, 201);
    assert_eq!((answer.body["client_id"].as_str(), answer.header("cache-control")), (Some("app-1"), Some("no-store")));
    assert!(answer.body.get("client_secret").is_none());
    let answer = register("https://evil.example/callback").await;
    assert_eq!((answer.status.as_u16(), answer.body["error"].as_str()), (400, Some("invalid_redirect_uri")));
    let long = bench.post("/oauth2/register", "application/json", " ".repeat(65 * 1024)).await;
    assert_eq!(long.status, 413);
}

#[tokio::test]
async fn the_browser_is_sent_on_without_resource_and_with_the_audience() {
    let audience = Some("https://api.example".to_owned());
    let bench = behind(ShimOptions { drop_resource: true, add_audience: audience, client: None }).await;
    let answer = bench.get("/oauth2/authorize?response_type=code&resource=http%3A%2F%2Fm&state=s").await;
    assert_eq!(answer.status, 302);
    let expected =
        format!("{}/authorize?response_type=code&state=s&audience=https%3A%2F%2Fapi.example", bench.issuer.url());
    assert_eq!(answer.header("location"), Some(expected.as_str()));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(bench.post("/oauth2/authorize", FORM, "a=b").await.status, 405);
}

type Seen = Arc<Mutex<Vec<(Option<String>, String)>>>;

/// A token endpoint that notes what it gets.
async fn token_endpoint(status: u16, body: &'static str) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let answer = move |headers: HeaderMap, form: String| {
        let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        noted.lock().unwrap().push((authorization, form));
        std::future::ready((StatusCode::from_u16(status).unwrap(), [("set-cookie", "a=b")], body))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/token", post(answer))).await.unwrap() });
    (url, seen)
}

async fn passing_to(status: u16, body: &'static str) -> (Bench, Seen) {
    let (url, seen) = token_endpoint(status, body).await;
    let bench = behind(ShimOptions { drop_resource: true, ..ShimOptions::default() }).await;
    bench.issuer.says_of_itself("token_endpoint", json!(url));
    (bench, seen)
}

#[tokio::test]
async fn a_token_request_is_passed_on_without_resource_and_its_answer_back() {
    let (bench, seen) = passing_to(200, r#"{"access_token":"t"}"#).await;
    let body = "grant_type=authorization_code&code=c%2B&resource=http%3A%2F%2Fm&code_verifier=v";
    let request = Request::post("/oauth2/token").header("content-type", FORM).header("authorization", "Basic eDp5");
    let answer = bench.send(request.body(Body::from(body)).unwrap()).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &json!({"access_token": "t"})));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(answer.header("set-cookie").is_none(), "nothing but the answer itself comes back");
    let expected =
        (Some("Basic eDp5".to_owned()), "grant_type=authorization_code&code=c%2B&code_verifier=v".to_owned());
    assert_eq!(*seen.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_refusal_of_the_token_endpoint_comes_back_and_anything_else_is_503() {
    let (bench, _) = passing_to(400, r#"{"error":"invalid_grant"}"#).await;
    let answer = bench.post("/oauth2/token", FORM, "grant_type=refresh_token").await;
    assert_eq!((answer.status.as_u16(), answer.body["error"].as_str()), (400, Some("invalid_grant")));
    for (status, body) in [(500, r#"{"error":"x"}"#), (302, ""), (200, "<html>"), (200, "[]")] {
        let (bench, _) = passing_to(status, body).await;
        let answer = bench.post("/oauth2/token", FORM, "grant_type=refresh_token").await;
        assert_eq!(answer.status, 503, "{status} {body}");
        assert_eq!(answer.header("retry-after"), Some("10"));
    }
    let answer = bench.post("/oauth2/token", "application/json", "{}").await;
    assert_eq!((answer.status.as_u16(), answer.body["error"].as_str()), (400, Some("invalid_request")));
}

#[tokio::test]
async fn the_server_does_not_start_with_a_shim_that_clients_would_refuse() {
    let bench = behind(ShimOptions::default()).await;
    bench.issuer.says_of_itself("authorization_response_iss_parameter_supported", json!(true));
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mcp-server"))
        .args(["--metadata-shim", "on", "--auth-server", bench.issuer.url(), "--preset", "generic"])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("MCP_RESOURCE_METADATA_SHIM: the issuer puts iss into its answers (RFC 9207)"), "{told}");
    assert!(told.contains("Fix: set MCP_RESOURCE_METADATA_SHIM=off"), "{told}");
}

#[tokio::test]
async fn explain_says_that_the_shim_issues_nothing() {
    let bench = behind(ShimOptions::default()).await;
    let token = bench.token(json!({"iss": ORIGIN}));
    let now = verification_keys::Clock::now(&*bench.clock);
    let explanation = Explanation::of(&token, &bench.options, &bench.server, now).await;
    assert_eq!(explanation.reason, Some("issuer_unknown"));
    let told = explanation.checks.iter().find(|step| step.check == Check::Issuer).unwrap();
    let expected = format!("{} (not {ORIGIN}: the metadata shim issues nothing)", bench.issuer.url());
    assert_eq!(told.expected, expected);
}

#[tokio::test]
async fn one_of_several_issuers_has_the_shim() {
    let other = ScriptedIssuer::start().await;
    let bench = Bench::with(&|options| {
        let mut second = options.issuers[0].clone();
        second.issuer =
            verification_keys::Issuer::parse(other.url(), &verification_keys::HttpHosts::default()).unwrap();
        options.issuers.push(second);
        options.issuers[0].shim = Some(ShimOptions::default());
    })
    .await;
    let resource: Value = bench.get("/.well-known/oauth-protected-resource").await.body;
    assert_eq!(resource["authorization_servers"], json!([ORIGIN, other.url()]));
}
