//! The layer as a library: routes of one's own, several layers in one process, bodies of refusals.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum::{Router, middleware};
use mcp_server::resource_server::{
    AccessToken, Reason, RefusalBody, ResourceServer, ResourceServerOptions, ScopePolicy,
};
use mcp_server::testing::TestIssuer;
use serde_json::json;
use tower::ServiceExt as _;

use crate::bench::Answered;

const URL: &str = "https://api.example";

async fn send(app: &Router, method: &str, path: &str, token: Option<&str>) -> Answered {
    let mut request = Request::builder().method(method).uri(format!("{URL}{path}"));
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    Answered::read(app.clone().oneshot(request.body(Body::from("not json")).unwrap()).await.unwrap()).await
}

fn notes(protected: &ResourceServer) -> Router {
    Router::new()
        .route("/read", get(|| async { "notes" }).layer(protected.require_scope("notes:read")))
        .route("/write", post(|| async { "written" }).layer(protected.require_scope("notes:read notes:write")))
        .route("/any", post(|| async { "anything" }))
        .layer(protected.http_layer())
}

#[tokio::test]
async fn each_route_needs_its_scopes() {
    let issuer = TestIssuer::start().await.unwrap();
    let scopes = ScopePolicy::new("notes:read").tool("a_tool", "elsewhere").implies("admin", "notes:write");
    let app = notes(&issuer.resource_server(URL, scopes).unwrap());
    let rows = [
        ("GET", "/read", "notes:read", 200),
        ("GET", "/read", "notes:write", 403),
        ("POST", "/write", "notes:write notes:read", 200),
        ("POST", "/write", "admin notes:read", 200),
        ("POST", "/write", "notes:read", 403),
        // The body of a plain route is nobody's business.
        ("POST", "/any", "", 200),
    ];
    for (method, path, scopes, status) in rows {
        let answer = send(&app, method, path, Some(&issuer.token(URL, scopes))).await;
        assert_eq!(answer.status, status, "{method} {path} {scopes}");
        if status == 403 {
            assert_eq!(answer.verdict().1, "insufficient_scope");
            let challenge = answer.header("www-authenticate").unwrap();
            let all = if path == "/read" { "scope=\"notes:read\"" } else { "scope=\"notes:read notes:write\"" };
            assert!(challenge.contains(all), "{challenge}");
        }
    }
    assert_eq!(send(&app, "GET", "/read", None).await.verdict(), (401, "missing_token".to_owned()));
}

#[tokio::test]
async fn a_route_outside_the_layer_is_closed() {
    let issuer = TestIssuer::start().await.unwrap();
    let protected = issuer.resource_server(URL, ScopePolicy::new("notes:read")).unwrap();
    let handled = |_: AccessToken| async { "never" };
    let app: Router = Router::new()
        .route("/scoped", get(|| async { "never" }).layer(protected.require_scope("")))
        .route("/handler", get(handled));
    let token = issuer.token(URL, "notes:read");
    assert_eq!(send(&app, "GET", "/scoped", Some(&token)).await.verdict(), (401, "missing_token".to_owned()));
    assert_eq!(send(&app, "GET", "/handler", Some(&token)).await.status, 500);
}

#[tokio::test]
async fn two_layers_in_one_process_share_nothing() {
    let (first, second) = (TestIssuer::start().await.unwrap(), TestIssuer::start().await.unwrap());
    let hello = |protected: &ResourceServer| {
        Router::new().route(
            "/",
            get(|token: AccessToken| async move { token.issuer().to_owned() }).layer(protected.http_layer()),
        )
    };
    let one = hello(&first.resource_server(URL, ScopePolicy::new("one")).unwrap());
    let two = hello(&second.resource_server(URL, ScopePolicy::new("two")).unwrap());
    for (issuer, other, app, wrong) in [(&first, &second, &one, &two), (&second, &first, &two, &one)] {
        let token = issuer.token(URL, "any");
        let answer = send(app, "GET", "/", Some(&token)).await;
        assert_eq!((answer.status.as_u16(), &answer.body), (200, &json!(issuer.url())));
        // Known to the one, and still nothing to the other.
        assert_eq!(send(wrong, "GET", "/", Some(&token)).await.verdict(), (401, "issuer_unknown".to_owned()));
        other.clock().advance(std::time::Duration::from_hours(2));
        assert_eq!(send(app, "GET", "/", Some(&token)).await.status, 200, "the clock of the other");
        other.clock().set(issuer_now(issuer));
    }
    let both = ResourceServerOptions::for_issuers(URL, &[first.url(), second.url()], ScopePolicy::new("x"));
    let both = hello(&both.unwrap().build_with_clock(first.clock()).unwrap());
    for issuer in [&first, &second] {
        assert_eq!(send(&both, "GET", "/", Some(&issuer.token(URL, ""))).await.status, 200);
    }
}

fn issuer_now(issuer: &TestIssuer) -> jiff::Timestamp {
    mcp_server::resource_server::Clock::now(&*issuer.clock())
}

#[tokio::test]
async fn a_refusal_body_of_ones_own_leaves_status_and_challenge_alone() {
    let issuer = TestIssuer::start().await.unwrap();
    let page = RefusalBody::new(|refusal, request_id| {
        let (reason, id) = (refusal.reason().code(), request_id.unwrap_or("none"));
        let mut headers = HeaderMap::new();
        for name in ["www-authenticate", "cache-control", "x-page"] {
            headers.insert(name, "page".parse().unwrap());
        }
        (headers, Html(format!("<p>{reason} {id}"))).into_response()
    });
    let scopes = ScopePolicy::new("notes:read");
    let mut options = ResourceServerOptions::for_issuers(URL, &[issuer.url()], scopes).unwrap().with_refusal_body(page);
    options.request_id = |parts| parts.extensions.get::<&str>().map(ToString::to_string);
    let app = notes(&options.build_with_clock(issuer.clock()).unwrap());
    let app = app.layer(middleware::from_fn(|mut request: Request, next: middleware::Next| {
        request.extensions_mut().insert("id-1");
        next.run(request)
    }));
    for (token, status, reason) in [
        (None, 401, Reason::MissingToken),
        (Some("a.b.c".to_owned()), 401, Reason::TokenMalformed),
        (Some(issuer.token(URL, "")), 403, Reason::InsufficientScope),
    ] {
        let answer = send(&app, "GET", "/read", token.as_deref()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.body, json!(format!("<p>{} id-1", reason.code())));
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer "));
        assert_eq!((answer.header("cache-control"), answer.header("x-page")), (Some("no-store"), Some("page")));
    }
    let mut elsewhere = Request::get("https://evil.example/read").body(Body::empty()).unwrap();
    elsewhere.extensions_mut().insert("id-2");
    let answer = Answered::read(app.oneshot(elsewhere).await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.header("www-authenticate")), (403, None));
}
