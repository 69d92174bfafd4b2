//! Assertions of a stand-in identity provider on loopback, right and wrong.

use crate::{domain::ClientAuthentication, domain::RegisteredClient, protocol::GrantType, routes, testing::*};
use axum::{Json, Router, routing::get};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use verification_keys::testing::{TestKey, jwk_set};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const AGENT: &str = "agent";

/// A server that trusts one issuer, and the issuer.
struct World {
    server: Server,
    issuer: String,
    key: TestKey,
}

impl World {
    async fn new() -> Self {
        let key = TestKey::rsa_one();
        let issuer = identity_provider(&key).await;
        let options = Options { assertion_issuers: vec![issuer.clone()], ..Options::default() };
        let server = Server::with(options).await;
        server.add_client(AGENT, &[GrantType::JwtBearer]).await;
        Self { server, issuer, key }
    }

    fn claims(&self, changes: &Value) -> Value {
        let mut claims = json!({
            "iss": self.issuer, "sub": "ann@corp.example", "aud": ISSUER, "client_id": AGENT, "jti": "1",
            "iat": NOW.as_second(), "exp": NOW.as_second() + 300, "resource": RESOURCE, "scope": "mcp:read",
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn assertion(&self, changes: &Value) -> String {
        self.signed("oauth-id-jag+jwt", &self.key, changes)
    }

    fn signed(&self, token_type: &str, key: &TestKey, changes: &Value) -> String {
        let header = json!({ "typ": token_type, "alg": key.algorithm().as_str(), "kid": key.kid() });
        key.sign(header.to_string(), self.claims(changes).to_string())
    }

    async fn present(&self, assertion: &str) -> Answer {
        self.present_with(assertion, &[]).await
    }

    async fn present_with(&self, assertion: &str, changes: &[(&str, &str)]) -> Answer {
        let form = with(&[("grant_type", GRANT_TYPE), ("assertion", assertion)], changes);
        self.server.post_as((AGENT, SECRET), routes::TOKEN, &form).await
    }
}

/// Publishes its metadata and key on loopback; the issuer identifier.
async fn identity_provider(key: &TestKey) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let metadata = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/jwks") });
    let keys = jwk_set([key]);
    let router = Router::new()
        .route("/.well-known/oauth-authorization-server", get(move || async move { Json(metadata) }))
        .route("/jwks", get(move || async move { Json(keys) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    issuer
}

fn refused(word: &str) -> (u16, String) {
    (400, word.to_owned())
}

#[tokio::test]
async fn an_assertion_becomes_a_token_for_the_person_and_its_resource() {
    let world = World::new().await;
    let answer = world.present(&world.assertion(&json!({}))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let response = answer.json();
    assert_eq!((response.get("refresh_token"), &response["scope"]), (None, &json!("mcp:read")));
    let first = claims(&response);
    assert_eq!((&first["aud"], &first["client_id"]), (&json!(RESOURCE), &json!(AGENT)));
    let subject = first["sub"].as_str().unwrap();
    assert!(subject.starts_with("f_") && subject.len() == 24 && !subject.contains("ann"));
    assert!(world.server.is_active(&response).await);
    let again = claims(&world.present(&world.assertion(&json!({ "jti": "2" }))).await.json());
    assert_eq!((&again["sub"], &again["grant_id"]), (&first["sub"], &first["grant_id"]), "the same person");
    let bob = json!({ "jti": "3", "sub": "bob@corp.example" });
    assert_ne!(claims(&world.present(&world.assertion(&bob)).await.json())["sub"], first["sub"]);
}

#[tokio::test]
async fn an_assertion_is_taken_once_across_a_restart_and_a_refused_one_is_not_used_up() {
    let world = World::new().await;
    let assertion = world.assertion(&json!({}));
    let wider = world.present_with(&assertion, &[("scope", "mcp:admin")]).await;
    assert_eq!(wider.error(), refused("invalid_scope"));
    assert_eq!(world.present(&assertion).await.status, StatusCode::OK);
    assert_eq!(world.present(&assertion).await.error(), refused("invalid_grant"));
    let options = Options { assertion_issuers: vec![world.issuer.clone()], ..Options::default() };
    let world = World { server: world.server.restart_with(options).await, ..world };
    assert_eq!(world.present(&assertion).await.error(), refused("invalid_grant"));
    assert_eq!(world.present(&world.assertion(&json!({ "jti": "2" }))).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_parallel_uses_exactly_one_succeeds() {
    let world = std::sync::Arc::new(World::new().await);
    let assertion = world.assertion(&json!({}));
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (world, assertion) = (world.clone(), assertion.clone());
            tokio::spawn(async move { world.present(&assertion).await.status })
        })
        .collect();
    let mut succeeded = 0;
    for attempt in attempts {
        succeeded += usize::from(attempt.await.unwrap() == StatusCode::OK);
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn every_claim_has_to_be_right() {
    let world = World::new().await;
    let now = NOW.as_second();
    for wrong in [
        json!({ "iss": "http://127.0.0.1:1" }),
        json!({ "iss": ISSUER }),
        json!({ "iss": null }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
        json!({ "aud": null }),
        json!({ "aud": format!("{ISSUER}/") }),
        json!({ "aud": format!("{ISSUER}/oauth2/token") }),
        json!({ "aud": [ISSUER, "https://other.example"] }),
        json!({ "client_id": "somebody-else" }),
        json!({ "client_id": null }),
        json!({ "jti": null }),
        json!({ "exp": null }),
        json!({ "iat": null }),
        json!({ "exp": now - 60 }),
        json!({ "exp": "soon" }),
        json!({ "exp": now + 25 * 3600 }),
        json!({ "iat": now + 61 }),
        json!({ "nbf": now + 61 }),
        json!({ "cnf": { "jkt": "x" } }),
        json!({ "resource": "https://other.example/mcp" }),
        json!({ "resource": 1 }),
        json!({ "scope": "a\"b" }),
    ] {
        assert_eq!(world.present(&world.assertion(&wrong)).await.error(), refused("invalid_grant"), "{wrong}");
    }
    for right in [json!({ "aud": [ISSUER] }), json!({ "exp": now - 59, "jti": "2" }), json!({ "nbf": now, "jti": "3" })]
    {
        assert_eq!(world.present(&world.assertion(&right)).await.status, StatusCode::OK, "{right}");
    }
}

#[tokio::test]
async fn type_key_and_signature_have_to_be_right() {
    let world = World::new().await;
    for other_type in ["JWT", "at+jwt", "client-authentication+jwt"] {
        let assertion = world.signed(other_type, &world.key, &json!({}));
        assert_eq!(world.present(&assertion).await.error(), refused("invalid_grant"), "{other_type}");
    }
    let named_alike = TestKey::rsa_two().with_kid("one");
    for key in [TestKey::rsa_two(), named_alike, TestKey::p256()] {
        let assertion = world.signed("oauth-id-jag+jwt", &key, &json!({}));
        assert_eq!(world.present(&assertion).await.error(), refused("invalid_grant"));
    }
    let none = format!(
        "{}.{}.",
        URL_SAFE_NO_PAD.encode(r#"{"typ":"oauth-id-jag+jwt","alg":"none","kid":"one"}"#),
        URL_SAFE_NO_PAD.encode(world.claims(&json!({})).to_string()),
    );
    let ours =
        world.server.services.keys.sign("oauth-id-jag+jwt", &world.claims(&json!({ "iss": ISSUER })), NOW).unwrap();
    for hostile in [none, ours, "x".to_owned(), "a.b.c".to_owned(), "x".repeat(100_000)] {
        assert_eq!(world.present(&hostile).await.error(), refused("invalid_grant"));
    }
    assert_eq!(world.present("").await.error(), refused("invalid_request"));
    let typed = world.signed("application/oauth-id-jag+jwt", &world.key, &json!({}));
    assert_eq!(world.present(&typed).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_token_is_for_the_resource_of_the_assertion() {
    let world = World::new().await;
    let one = world.assertion(&json!({}));
    assert_eq!(world.present_with(&one, &[("resource", OTHER_RESOURCE)]).await.error(), refused("invalid_target"));
    assert_eq!(claims(&world.present_with(&one, &[("resource", RESOURCE)]).await.json())["aud"], RESOURCE);
    let both = world.assertion(&json!({ "resource": [RESOURCE, OTHER_RESOURCE], "jti": "2" }));
    assert_eq!(world.present(&both).await.error(), refused("invalid_target"), "one token, one audience");
    let other = world.present_with(&both, &[("resource", OTHER_RESOURCE)]).await.json();
    assert_eq!(claims(&other)["aud"], OTHER_RESOURCE);
    let mut without = world.claims(&json!({ "jti": "3" }));
    without.as_object_mut().unwrap().remove("resource");
    let header = json!({ "typ": "oauth-id-jag+jwt", "alg": "RS256", "kid": "one" });
    let without = world.key.sign(header.to_string(), without.to_string());
    assert_eq!(world.present(&without).await.error(), refused("invalid_target"), "there are two");
    let named = world.present_with(&without, &[("resource", RESOURCE)]).await.json();
    assert_eq!(claims(&named)["aud"], RESOURCE);
}

#[tokio::test]
async fn the_scope_is_what_issuer_client_and_resource_all_allow() {
    let world = World::new().await;
    let wide = world.assertion(&json!({ "scope": "mcp:read mcp:write files:read", "jti": "2" }));
    assert_eq!(world.present(&wide).await.json()["scope"], "mcp:read mcp:write");
    let narrow = world.assertion(&json!({ "scope": "mcp:read mcp:write", "jti": "3" }));
    assert_eq!(world.present_with(&narrow, &[("scope", "mcp:write")]).await.json()["scope"], "mcp:write");
    let more = world.present_with(&world.assertion(&json!({ "jti": "4" })), &[("scope", "mcp:write")]).await;
    assert_eq!(more.error(), refused("invalid_scope"));
    let none = world.assertion(&json!({ "scope": "files:read", "jti": "5" }));
    assert_eq!(world.present(&none).await.error(), refused("invalid_scope"));
}

#[tokio::test]
async fn only_a_confidential_client_that_may_presents_assertions() {
    let world = World::new().await;
    let assertion = world.assertion(&json!({}));
    let form = [("grant_type", GRANT_TYPE), ("assertion", assertion.as_str())];
    let answer = world.server.post_as((CLIENT, SECRET), routes::TOKEN, &form).await;
    assert_eq!(answer.error(), refused("unauthorized_client"));
    let agent = world.server.add_client("public-agent", &[GrantType::JwtBearer]).await;
    let public = RegisteredClient { authentication: ClientAuthentication::Public, ..agent };
    world.server.services.store.put_client(&public).await.unwrap();
    let named = with(&form, &[("client_id", "public-agent")]);
    assert_eq!(world.server.post(routes::TOKEN, &named).await.error(), refused("unauthorized_client"));
    assert_eq!(world.server.post(routes::TOKEN, &form).await.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn a_server_that_trusts_nobody_has_no_such_grant() {
    let world = World::new().await;
    let with_issuer = world.server.get(routes::METADATA).await.json();
    assert!(with_issuer["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT_TYPE)));
    let profiles = json!(["urn:ietf:params:oauth:grant-profile:id-jag"]);
    assert_eq!(with_issuer["authorization_grant_profiles_supported"], profiles);
    let server = Server::start().await;
    server.add_client(AGENT, &[GrantType::JwtBearer]).await;
    let form = [("grant_type", GRANT_TYPE), ("assertion", "x")];
    let answer = server.post_as((AGENT, SECRET), routes::TOKEN, &form).await;
    assert_eq!(answer.error(), refused("unsupported_grant_type"));
    let without = server.get(routes::METADATA).await.json();
    assert!(!without["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT_TYPE)));
    assert_eq!(without.get("authorization_grant_profiles_supported"), None);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_503_and_the_assertion_is_good_later() {
    let world = World::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let options = Options { assertion_issuers: vec![gone.clone()], ..Options::default() };
    let world = World { server: Server::with(options).await, issuer: gone, ..world };
    world.server.add_client(AGENT, &[GrantType::JwtBearer]).await;
    let answer = world.present(&world.assertion(&json!({}))).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()));
}

#[tokio::test]
async fn a_late_replay_is_too_old_anyway() {
    let world = World::new().await;
    let assertion = world.assertion(&json!({}));
    assert_eq!(world.present(&assertion).await.status, StatusCode::OK);
    world.server.clock.advance(Duration::from_secs(359));
    assert_eq!(world.present(&assertion).await.error(), refused("invalid_grant"));
    world.server.clock.advance(Duration::from_secs(1));
    assert_eq!(world.present(&assertion).await.error(), refused("invalid_grant"));
}
