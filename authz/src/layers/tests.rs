//! Rate limits, the audit log and the metrics of a server in use.

use crate::{
    domain::{ClientAuthentication, ClientKeys, RegisteredClient},
    operations::{OperationsConfig, TrustedProxies},
    outgoing::{AllowedAddresses, testing::*},
    protocol::GrantType,
    routes,
    testing::*,
};
use axum::{body::Body, extract::ConnectInfo};
use http::{HeaderValue, Request, StatusCode, header};
use serde_json::{Value, json};
use serving::AuditTarget;
use std::{net::SocketAddr, time::Duration};
use verification_keys::testing::TestKey;

async fn limited(proxies: &[&str]) -> Server {
    let proxies: Vec<_> = proxies.iter().map(|one| (*one).to_owned()).collect();
    let trusted_proxies = TrustedProxies::parse(&proxies).unwrap();
    operated(OperationsConfig { rate_limits: true, trusted_proxies, ..OperationsConfig::default() }).await
}

async fn operated(operations: OperationsConfig) -> Server {
    Server::with(Options { operations, ..Options::default() }).await
}

/// Sends `request` as if from `address`.
async fn send_from(server: &Server, address: &str, mut request: Request<Body>) -> Answer {
    let peer: SocketAddr = format!("{address}:40000").parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    server.send(request).await
}

fn registration() -> Request<Body> {
    let request = Request::post(routes::REGISTER).header(header::HOST, "localhost:9000");
    let request = request.header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(json!({ "redirect_uris": [REDIRECT_URI] }).to_string())).unwrap()
}

/// How many of `request` are answered before the first 429, which is returned.
async fn until_refused(server: &Server, address: &str, request: impl Fn() -> Request<Body>) -> (usize, Answer) {
    for answered in 0..1000 {
        let answer = send_from(server, address, request()).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return (answered, answer);
        }
    }
    panic!("no 429");
}

#[tokio::test]
async fn a_registration_flood_is_429_with_retry_after_for_its_address_alone() {
    let server = limited(&[]).await;
    let (answered, answer) = until_refused(&server, "192.0.2.1", registration).await;
    assert_eq!(answered, 100);
    assert_eq!(answer.error(), (429, "temporarily_unavailable".to_owned()));
    assert_eq!(answer.header(header::RETRY_AFTER), Some("1"));
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), Some("*"), "a script can read it");
    assert_eq!(send_from(&server, "192.0.2.2", registration()).await.status, StatusCode::CREATED);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(send_from(&server, "192.0.2.1", registration()).await.status, StatusCode::CREATED);
    assert_eq!(send_from(&server, "192.0.2.1", registration()).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_flood_of_new_metadata_documents_is_a_429_page_and_known_clients_still_sign_in() {
    let server = limited(&[]).await;
    let authorize = |query: String| {
        let request = Request::get(format!("{}?{query}", routes::AUTHORIZE)).header(header::HOST, "localhost:9000");
        request.body(Body::empty()).unwrap()
    };
    let unknown = || authorize(encode(&[("client_id", "https://app.example/client.json")]));
    let (answered, answer) = until_refused(&server, "192.0.2.1", unknown).await;
    assert_eq!((answered, answer.header(header::RETRY_AFTER)), (100, Some("2")));
    assert!(answer.body.contains("busy"), "{}", answer.body);
    let known = authorize(encode(&AUTHORIZATION_REQUEST));
    assert_eq!(send_from(&server, "192.0.2.1", known).await.location().path(), "/login");
    assert_eq!(send_from(&server, "192.0.2.2", unknown()).await.status, StatusCode::BAD_REQUEST, "looked up");
}

#[tokio::test]
async fn a_flood_of_metadata_documents_at_the_token_endpoint_makes_no_more_calls_than_one_to_sign_in() {
    let site = Site::start().await;
    site.answers("502 Bad Gateway", "", "");
    let outgoing = Some(site.outgoing(Names::of([(HOST, &["127.0.0.1"])]), AllowedAddresses::PublicAndLoopback));
    let operations = OperationsConfig { rate_limits: true, ..OperationsConfig::default() };
    let server = Server::with(Options { operations, outgoing, ..Options::default() }).await;
    for number in 0..150 {
        let id = site.url(&format!("/{number}.json"));
        let request = post(routes::TOKEN, &with(&exchange("guessed"), &[("client_id", &id)]));
        let answer = send_from(&server, "192.0.2.1", request).await;
        assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()), "{number}");
    }
    assert_eq!(site.requests(), 100);
}

#[tokio::test]
async fn a_flood_of_clients_with_keys_at_an_address_makes_no_more_calls_than_one_of_documents() {
    let site = Site::start().await;
    site.answers("502 Bad Gateway", "", "");
    let outgoing = Some(site.outgoing(Names::of([(HOST, &["127.0.0.1"])]), AllowedAddresses::PublicAndLoopback));
    let operations = OperationsConfig { rate_limits: true, ..OperationsConfig::default() };
    let server = Server::with(Options { operations, outgoing, ..Options::default() }).await;
    let key = TestKey::p256();
    for number in 0..120 {
        let id = format!("robot-{number}");
        let client = server.add_client(&id, &[GrantType::ClientCredentials]).await;
        let keys = ClientKeys::At(site.url(&format!("/{number}")).parse().unwrap());
        let client = RegisteredClient { authentication: ClientAuthentication::PrivateKey { keys }, ..client };
        server.services.store.put_client(&client).await.unwrap();
        let claims = json!({ "iss": id, "sub": id, "aud": ISSUER, "exp": NOW.as_second() + 60, "jti": "one" });
        let assertion = key.sign(r#"{"alg":"ES256","kid":"p"}"#, claims.to_string());
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion.as_str()),
        ];
        for _ in 0..2 {
            let answer = send_from(&server, "192.0.2.1", post(routes::TOKEN, &form)).await;
            assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()), "{number}");
        }
    }
    assert_eq!(site.requests(), 100);
}

#[tokio::test]
async fn a_flood_of_device_requests_is_429_with_retry_after() {
    let server = limited(&[]).await;
    let request = || post(routes::DEVICE_AUTHORIZATION, &[("client_id", CLIENT)]);
    let (answered, answer) = until_refused(&server, "192.0.2.1", request).await;
    assert_eq!((answered, answer.error()), (100, (429, "temporarily_unavailable".to_owned())));
    assert_eq!(answer.header(header::RETRY_AFTER), Some("1"));
}

#[tokio::test]
async fn a_login_flood_is_a_429_page_with_retry_after() {
    let server = limited(&[]).await;
    let form = || post(routes::LOGIN, &[("username", "demo_user"), ("password", "wrong")]);
    let (answered, answer) = until_refused(&server, "192.0.2.1", form).await;
    assert_eq!((answered, answer.header(header::RETRY_AFTER)), (100, Some("1")));
    assert!(answer.body.contains("Too many attempts"), "{}", answer.body);
    let page = Request::get(routes::LOGIN).header(header::HOST, "localhost:9000").body(Body::empty()).unwrap();
    assert_eq!(send_from(&server, "192.0.2.1", page).await.status, StatusCode::OK, "looking at the page is free");
}

#[tokio::test]
async fn refused_token_requests_close_the_endpoint_for_their_address_and_good_ones_do_not() {
    let server = limited(&[]).await;
    let guess = || post(routes::TOKEN, &with(&exchange("guessed"), &[("client_id", CLIENT)]));
    let (answered, answer) = until_refused(&server, "192.0.2.1", guess).await;
    assert_eq!((answered, answer.error()), (301, (429, "temporarily_unavailable".to_owned())));
    assert_eq!(answer.header(header::RETRY_AFTER), Some("1"));
    for _ in 0..5 {
        server.token(RESOURCE).await;
    }
}

#[tokio::test]
async fn introspection_counts_the_failures_of_each_resource_server() {
    let server = limited(&[]).await;
    let token = server.token(RESOURCE).await;
    for _ in 0..400 {
        let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", &token)]).await;
        assert_eq!((answer.status, &answer.json()["active"]), (StatusCode::OK, &json!(true)));
    }
    for number in 0..=300 {
        let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", "garbage")]).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "active": false })), "{number}");
    }
    let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", &token)]).await;
    assert_eq!(answer.error(), (429, "temporarily_unavailable".to_owned()));
    assert_eq!(answer.header(header::RETRY_AFTER), Some("1"));
    let other = server.post_as((CLIENT, SECRET), routes::INTROSPECT, &[("token", &token)]).await;
    assert_eq!(other.json(), json!({ "active": false }), "another client has a count of its own");
}

#[tokio::test]
async fn a_forwarded_address_counts_only_behind_a_trusted_proxy() {
    let forwarded = |address: &'static str| {
        move || {
            let mut request = registration();
            request.headers_mut().insert("x-forwarded-for", HeaderValue::from_static(address));
            request
        }
    };
    let server = limited(&[]).await;
    until_refused(&server, "192.0.2.1", forwarded("203.0.113.1")).await;
    let answer = send_from(&server, "192.0.2.1", forwarded("203.0.113.2")()).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "anybody can send the header");
    let server = limited(&["192.0.2.0/24"]).await;
    until_refused(&server, "192.0.2.1", forwarded("203.0.113.1")).await;
    let answer = send_from(&server, "192.0.2.1", forwarded("203.0.113.2")()).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn switched_off_nothing_is_limited() {
    let server = Server::start().await;
    for _ in 0..200 {
        assert_eq!(send_from(&server, "192.0.2.1", registration()).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn each_decision_is_an_audit_entry_with_who_what_and_why_and_without_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let server =
        operated(OperationsConfig { audit: AuditTarget::File(path.clone()), ..OperationsConfig::default() }).await;
    let token = server.token(RESOURCE).await;
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    server.post_as((CLIENT, "guessed-secret"), routes::TOKEN, &exchange(&code)).await;
    send_from(&server, "192.0.2.1", registration()).await;
    server.get(routes::METADATA).await;
    let text = std::fs::read_to_string(&path).unwrap();
    for secret in [token.as_str(), code.as_str(), SECRET, "guessed-secret", VERIFIER] {
        assert!(!text.contains(secret));
    }
    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let issued = entries.iter().find(|entry| entry["decision"] == "accepted" && entry["scope"] != Value::Null).unwrap();
    let subject = server.subject().await;
    for (member, expected) in [
        ("operation", "POST /oauth2/token"),
        ("client_id", CLIENT),
        ("subject", subject.as_str()),
        ("resource", RESOURCE),
        ("scope", "mcp:read mcp:write"),
    ] {
        assert_eq!(issued[member], expected);
    }
    let refused = entries.iter().find(|entry| entry["decision"] == "refused").unwrap();
    assert_eq!((&refused["reason"], &refused["status"]), (&json!("invalid_client"), &json!(401)));
    let registered = entries.last().unwrap();
    assert_eq!((&registered["operation"], &registered["address"]), (&json!("POST /register"), &json!("192.0.2.1")));
    assert_eq!(entries.len(), 3, "looking at the metadata is none: {text}");
}

#[tokio::test]
async fn requests_are_counted_by_route_whatever_their_path() {
    let server = Server::start().await;
    server.get(routes::METADATA).await;
    for number in 0..3 {
        server.get(&format!("/nowhere/{number}")).await;
    }
    server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange("guessed")).await;
    let text = server.services.operations.metrics.text();
    for line in [
        r#"mcp_auth_requests_total{route="/.well-known/oauth-authorization-server",method="GET",status="200"} 1"#,
        r#"mcp_auth_requests_total{route="none",method="GET",status="404"} 3"#,
        r#"mcp_auth_refusals_total{route="/oauth2/token",reason="invalid_grant"} 1"#,
    ] {
        assert!(text.lines().any(|other| other == line), "{line} in {text}");
    }
}
