//! The issuer's keys: floods, rotation, outages, withdrawal; and the tokens remembered under them.

use std::sync::atomic::Ordering;

use serde_json::json;
use verification_keys::testing::TestKey;

use crate::bench::Bench;

#[tokio::test]
async fn a_flood_of_unknown_keys_is_one_fetch_and_rotation_is_still_seen() {
    let bench = Bench::new().await;
    bench.server.fetch_keys().await.unwrap();
    bench.advance(31);
    for number in 0..300 {
        let stranger = TestKey::rsa_two().with_kid(&format!("kid-{number}"));
        let verdict = bench.verdict(&stranger.access_token(&bench.claims(json!({})))).await;
        assert_eq!(verdict, (401, "unknown_key".to_owned()));
    }
    assert_eq!(bench.issuer.fetches(), 2);
    bench.issuer.publishes_keys([bench.issuer.key(), &TestKey::rsa_two()]);
    bench.advance(31);
    assert_eq!(bench.verdict(&TestKey::rsa_two().access_token(&bench.claims(json!({})))).await.0, 200);
    assert_eq!((bench.issuer.fetches(), bench.issuer.introspections()), (3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_herd_on_cold_keys_is_one_fetch() {
    let bench = Bench::new().await;
    let token = bench.token(json!({}));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            use tower::ServiceExt as _;
            tokio::spawn(bench.app.clone().oneshot(Bench::request(Some(&token))))
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(bench.issuer.fetches(), 1);
}

#[tokio::test]
async fn an_issuer_that_is_down_stops_nothing_that_is_warm() {
    let bench = Bench::new().await;
    let known = bench.token(json!({}));
    assert_eq!(bench.verdict(&known).await.0, 200);
    bench.issuer.publishes(500, &json!({}));
    bench.advance(30 * 60);
    assert_eq!(bench.verdict(&known).await.0, 200);
    assert_eq!(bench.verdict(&bench.token(json!({"jti": "first-seen"}))).await.0, 200);
}

#[tokio::test]
async fn without_keys_nothing_is_accepted_until_they_are_there() {
    let bench = Bench::new().await;
    bench.issuer.publishes(500, &json!({}));
    assert!(bench.server.fetch_keys().await.is_err() && !bench.server.is_ready());
    let answer = bench.call(&bench.token(json!({}))).await;
    assert_eq!(answer.verdict(), (503, "keys_unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.header("www-authenticate"), None);
    bench.issuer.publishes_keys([bench.issuer.key()]);
    bench.advance(31);
    assert_eq!(bench.verdict(&bench.token(json!({}))).await.0, 200);
    assert!(bench.server.is_ready());
}

#[tokio::test]
async fn a_withdrawn_key_ends_what_was_verified_with_it() {
    let bench = Bench::new().await;
    let token = bench.token(json!({}));
    assert_eq!(bench.verdict(&token).await.0, 200);
    bench.issuer.publishes_keys([&TestKey::rsa_two()]);
    assert_eq!(bench.verdict(&token).await.0, 200);
    bench.server.fetch_keys().await.unwrap();
    assert_eq!(bench.verdict(&token).await, (401, "unknown_key".to_owned()));
    assert_eq!(bench.handled(), 2);
}

#[tokio::test]
async fn a_known_token_lives_no_longer_than_it_says() {
    let bench = Bench::new().await;
    let token = bench.token(json!({"exp": bench.now() + 100}));
    assert_eq!(bench.verdict(&token).await.0, 200);
    bench.advance(159);
    assert_eq!(bench.verdict(&token).await.0, 200);
    bench.advance(1);
    assert_eq!(bench.verdict(&token).await, (401, "token_expired".to_owned()));
}

#[tokio::test]
async fn hostile_keys_do_not_take_the_good_one_with_them() {
    let bench = Bench::new().await;
    let (good, other) = (bench.issuer.key().jwk(), TestKey::rsa_two());
    let with = |name: &str, value: serde_json::Value| {
        let mut jwk = other.jwk();
        jwk[name] = value;
        jwk
    };
    let hostile = [
        with("use", json!("enc")),
        with("alg", json!("HS256")),
        with("key_ops", json!(["encrypt"])),
        with("d", json!("AQAB")),
        with("e", json!("AQ")),
        json!({"kty": "oct", "kid": "two", "k": "c2VjcmV0"}),
        json!({"kty": "RSA", "kid": "two", "x5u": format!("{}/elsewhere", bench.issuer.url())}),
        json!({"kty": "RSA", "kid": "two", "jku": format!("{}/elsewhere", bench.issuer.url())}),
        json!("junk"),
        json!(null),
    ];
    for jwk in hostile {
        bench.issuer.publishes(200, &json!({"keys": [jwk, good]}));
        bench.server.fetch_keys().await.unwrap();
        bench.advance(31);
        let refused = bench.verdict(&other.access_token(&bench.claims(json!({})))).await;
        assert_eq!(refused, (401, "unknown_key".to_owned()), "{jwk}");
        assert_eq!(bench.verdict(&bench.token(json!({}))).await.0, 200, "{jwk}");
    }
    assert_eq!(bench.issuer.script.elsewhere.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn broken_key_sets_leave_the_old_keys_in_place() {
    let bench = Bench::new().await;
    assert_eq!(bench.verdict(&bench.token(json!({}))).await.0, 200);
    for (status, body) in [(200, json!("nonsense")), (200, json!({})), (302, json!({})), (200, json!({"keys": 1}))] {
        bench.issuer.publishes(status, &body);
        bench.advance(31);
        assert!(bench.server.fetch_keys().await.is_err());
        let token = bench.token(json!({"jti": bench.now().to_string()}));
        assert_eq!(bench.verdict(&token).await.0, 200, "{status} {body}");
    }
    assert_eq!(bench.issuer.script.introspections.load(Ordering::SeqCst), 0);
}
