//! Asking the issuer: budget, caches, breaker, and what is sent.

use std::sync::atomic::Ordering;

use mcp_server::resource_server::{AssertionKey, IntrospectionMode, Proof, Secret};
use serde_json::json;
use verification_keys::testing::TestKey;

use crate::bench::{Bench, set_mode};
use crate::issuer::RESOURCE;
use crate::log;

async fn with_opaque_tokens() -> Bench {
    Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await
}

#[tokio::test]
async fn random_opaque_tokens_cannot_flood_the_issuer() {
    let bench = with_opaque_tokens().await;
    let mut busy = 0;
    for number in 0..100 {
        let answer = bench.call(&format!("random-{number}")).await;
        match answer.verdict() {
            (401, reason) => assert_eq!(reason, "token_inactive"),
            (503, reason) => {
                assert_eq!(reason, "introspection_busy");
                assert_eq!(answer.header("retry-after"), Some("1"));
                busy += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((bench.issuer.introspections(), busy), (10, 90));
    bench.advance(3);
    for number in 100..200 {
        bench.call(&format!("random-{number}")).await;
    }
    assert_eq!(bench.issuer.introspections(), 16);
}

#[tokio::test]
async fn random_jwts_cannot_flood_the_issuer() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, false)).await;
    bench.server.fetch_keys().await.unwrap();
    bench.issuer.publishes(500, &json!({}));
    bench.advance(31);
    let mut over = 0;
    for number in 0..100 {
        let stranger = TestKey::rsa_two().with_kid(&format!("kid-{number}"));
        let answer = bench.call(&stranger.access_token(&bench.claims(json!({"jti": number.to_string()})))).await;
        match answer.verdict() {
            (401, reason) if reason == "introspection_budget" => {
                over += 1;
                answer.assert_refused("introspection_budget", "over the budget");
            }
            other => assert_eq!(other, (401, "token_inactive".to_owned())),
        }
    }
    assert_eq!((bench.issuer.introspections(), over), (10, 90));
    assert!(bench.issuer.fetches() <= 3, "{}", bench.issuer.fetches());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_questions_in_flight() {
    let bench = with_opaque_tokens().await;
    let closed = bench.issuer.script.gate.write().await;
    let call = |number: usize| {
        let app = bench.app.clone();
        tokio::spawn(async move {
            use tower::ServiceExt as _;
            app.oneshot(Bench::request(Some(&format!("token-{number}")))).await.unwrap().status().as_u16()
        })
    };
    let calls: Vec<_> = (0..10).map(call).collect();
    while bench.issuer.introspections() < 4 || calls.iter().filter(|call| call.is_finished()).count() < 6 {
        tokio::task::yield_now().await;
    }
    drop(closed);
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [401, 401, 401, 401, 503, 503, 503, 503, 503, 503]);
    assert_eq!(bench.issuer.script.most_in_flight.load(Ordering::SeqCst), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_with_one_token_are_one_question() {
    let bench = with_opaque_tokens().await;
    bench.issuer.answers(200, &json!({"active": true, "aud": RESOURCE, "scope": "mcp:read"}));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let app = bench.app.clone();
            tokio::spawn(async move {
                use tower::ServiceExt as _;
                app.oneshot(Bench::request(Some("one-token"))).await.unwrap().status().as_u16()
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(bench.issuer.introspections(), 1);
}

#[tokio::test]
async fn a_good_answer_is_believed_for_the_cache_time_and_not_past_exp() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Always, false)).await;
    bench.issuer.answers(200, &json!({"active": true}));
    let token = bench.token(json!({}));
    assert_eq!(bench.verdict(&token).await.0, 200);
    bench.advance(29);
    assert_eq!(bench.verdict(&token).await.0, 200);
    assert_eq!(bench.issuer.introspections(), 1);
    bench.issuer.answers(200, &json!({"active": false}));
    bench.advance(1);
    assert_eq!(bench.verdict(&token).await, (401, "token_inactive".to_owned()));
    assert_eq!(bench.issuer.introspections(), 2);

    let opaque = with_opaque_tokens().await;
    opaque
        .issuer
        .answers(200, &json!({"active": true, "aud": RESOURCE, "scope": "mcp:read", "exp": opaque.now() + 10}));
    assert_eq!(opaque.verdict("short-lived").await.0, 200);
    opaque.advance(10);
    opaque.issuer.answers(200, &json!({"active": false}));
    assert_eq!(opaque.verdict("short-lived").await.0, 401);
    assert_eq!(opaque.issuer.introspections(), 2);
}

#[tokio::test]
async fn a_bad_answer_is_remembered_for_the_cache_time() {
    let bench = with_opaque_tokens().await;
    for _ in 0..50 {
        assert_eq!(bench.verdict("bad").await, (401, "token_inactive".to_owned()));
    }
    assert_eq!(bench.issuer.introspections(), 1);
    bench.advance(30);
    bench.issuer.answers(200, &json!({"active": true, "aud": RESOURCE, "scope": "mcp:read"}));
    assert_eq!(bench.verdict("bad").await.0, 200);
}

#[tokio::test]
async fn an_issuer_that_fails_is_left_alone_for_a_while() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Always, false)).await;
    bench.issuer.answers(500, &json!({}));
    let token = bench.token(json!({}));
    for _ in 0..20 {
        let answer = bench.call(&token).await;
        assert_eq!(answer.verdict(), (503, "introspection_unavailable".to_owned()));
        assert!(answer.header("retry-after").is_some() && answer.header("www-authenticate").is_none());
    }
    assert_eq!(bench.issuer.introspections(), 5);
    bench.issuer.answers(200, &json!({"active": true}));
    bench.advance(11);
    assert_eq!(bench.verdict(&token).await.0, 200);
    assert_eq!(bench.issuer.introspections(), 6);
}

#[tokio::test]
async fn the_issuer_may_say_when_to_come_back() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Always, false)).await;
    bench.issuer.answers(429, &json!({}));
    bench.issuer.wants_a_pause_of("17");
    assert_eq!(bench.call(&bench.token(json!({}))).await.header("retry-after"), Some("17"));
}

#[tokio::test]
async fn an_issuer_that_is_gone_is_503_and_never_200() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Always, true)).await;
    bench.server.fetch_keys().await.unwrap();
    bench.issuer.stop();
    tokio::task::yield_now().await;
    for token in [bench.token(json!({})), "opaque".to_owned()] {
        assert_eq!(bench.verdict(&token).await, (503, "introspection_unavailable".to_owned()));
    }
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn the_server_authenticates_itself_by_basic_or_post() {
    let basic = with_opaque_tokens().await;
    basic.verdict("opaque").await;
    let asked = basic.issuer.script.asked.lock().unwrap().remove(0);
    // base64 of mcp-server:mcp-server-secret-123
    assert_eq!(asked.0.as_deref(), Some("Basic bWNwLXNlcnZlcjptY3Atc2VydmVyLXNlY3JldC0xMjM="));
    assert_eq!(asked.1, "token=opaque&token_type_hint=access_token");

    let mode = set_mode(IntrospectionMode::Fallback, true);
    let post = |options: &mut mcp_server::resource_server::ResourceServerOptions| {
        mode(options);
        options.issuers[0].introspection.credentials.as_mut().unwrap().proof = Proof::Post(Secret::new("s3cret"));
    };
    let post = Bench::with(&post).await;
    post.verdict("opaque").await;
    let asked = post.issuer.script.asked.lock().unwrap().remove(0);
    assert_eq!(asked.0, None);
    assert!(asked.1.ends_with("&client_id=mcp-server&client_secret=s3cret"), "{}", asked.1);
}

#[tokio::test]
async fn the_server_authenticates_itself_by_private_key_jwt_with_the_issuer_as_audience_and_a_new_jti_each_time() {
    const KEY: &str = include_str!("../../src/resource_server/introspect/testdata/rsa.pem");
    let mode = set_mode(IntrospectionMode::Fallback, true);
    let with_key = |options: &mut mcp_server::resource_server::ResourceServerOptions| {
        mode(options);
        #[expect(clippy::disallowed_methods, reason = "a test is the edge that makes the generator")]
        let random = std::sync::Arc::new(ring::rand::SystemRandom::new());
        let key = AssertionKey::from_pem(KEY.as_bytes(), Some("k1".to_owned()), random).unwrap();
        options.issuers[0].introspection.credentials.as_mut().unwrap().proof = Proof::PrivateKeyJwt(key);
    };
    let bench = Bench::with(&with_key).await;
    bench.verdict("opaque-1").await;
    bench.verdict("opaque-2").await;
    let mut token_ids = Vec::new();
    for (authorization, form) in std::mem::take(&mut *bench.issuer.script.asked.lock().unwrap()) {
        assert_eq!(authorization, None);
        let form: std::collections::HashMap<_, _> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert!(!form.contains_key("client_secret"));
        let claims = form["client_assertion"].split('.').nth(1).unwrap();
        let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        let audience = bench.token(json!({})).split('.').nth(1).map(|body| {
            let body = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, body).unwrap();
            serde_json::from_slice::<serde_json::Value>(&body).unwrap()["iss"].clone()
        });
        assert_eq!(Some(claims["aud"].clone()), audience);
        assert_eq!((&claims["iss"], &claims["sub"]), (&json!("mcp-server"), &json!("mcp-server")));
        token_ids.push(claims["jti"].clone());
    }
    assert_eq!(token_ids.len(), 2);
    assert_ne!(token_ids[0], token_ids[1]);
}

#[tokio::test]
async fn a_token_is_sent_only_to_the_issuer_that_it_names() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Always, false)).await;
    bench.issuer.publishes(500, &json!({}));
    let foreign = bench.token(json!({"iss": "https://other.example"}));
    bench.call(&foreign).await.assert_refused("issuer_unknown", "another issuer");
    assert_eq!(bench.issuer.introspections(), 0);
}

#[tokio::test]
async fn a_confirmation_narrows_scopes_and_never_widens_them() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Always, false)).await;
    bench.issuer.answers(200, &json!({"active": true, "scope": "mcp:read mcp:write"}));
    assert_eq!(bench.call(&bench.token(json!({}))).await.body["scopes"], "mcp:read");
    bench.issuer.answers(200, &json!({"active": true, "scope": "mcp:write"}));
    let narrowed = bench.token(json!({"jti": "other", "scope": "mcp:read mcp:write"}));
    assert_eq!(bench.verdict(&narrowed).await, (403, "insufficient_scope".to_owned()));
}

#[tokio::test]
async fn neither_a_token_nor_our_secret_is_logged_when_the_issuer_is_asked() {
    let bench = with_opaque_tokens().await;
    log::start();
    assert_eq!(bench.verdict("opaque-marker").await.1, "token_inactive");
    bench.issuer.answers(500, &json!({"error": "opaque-marker-2"}));
    assert_eq!(bench.verdict("opaque-marker-2").await.0, 503);
    let written = log::written();
    assert!(written.contains("introspection failed"), "{written}");
    for secret in ["opaque-marker", "secret-123", "bWNwLXNlcnZlcjptY3Atc2VydmVy"] {
        assert!(!written.contains(secret), "{secret}");
    }
}
