//! An issuer that fails in every way there is, seen through the real layer: the exact answers, and how often the issuer
//! is asked (the rows of the threat model about its keys).

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mcp_server::resource_server::IntrospectionMode;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use verification_keys::testing::{TestKey, jwk_set};

use crate::bench::{Bench, set_mode};
use crate::issuer::{Fault, RESOURCE, ScriptedIssuer};

/// How long calls to the issuer take at most in these tests.
const SHORT: Duration = Duration::from_millis(200);

/// 20 MiB of white space around the stranger's key, in 20 kB.
const BOMB: &[u8] = include_bytes!("data/bomb.json.gz");

/// A token that nobody signed, under a `kid` that nobody has: it never comes to the signature.
fn stray(bench: &Bench, kid: &str) -> String {
    let token = TestKey::ed25519().with_kid(kid).access_token(&bench.claims(json!({"jti": kid})));
    let (signing_input, _) = token.rsplit_once('.').unwrap();
    format!("{signing_input}.AAAA")
}

/// Warm keys, a token known, and calls to the issuer that end soon.
async fn warm() -> (Bench, String) {
    let bench = Bench::patient_for(SHORT, ScriptedIssuer::start().await, &|_| {});
    let known = bench.token(json!({}));
    assert_eq!(bench.verdict(&known).await.0, 200);
    assert_eq!(bench.issuer.fetches(), 1);
    bench.advance(31);
    (bench, known)
}

/// A token of a key that only a set which must not be believed offers.
fn strangers_token(bench: &Bench) -> String {
    TestKey::rsa_two().access_token(&bench.claims(json!({})))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_ten_thousand_unknown_kids_is_one_fetch_and_no_more_questions_than_the_budget() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, false)).await;
    bench.server.fetch_keys().await.unwrap();
    bench.advance(31);
    let (mut seen, mut number) = (std::collections::BTreeMap::new(), 0);
    for _second in 0..30 {
        for _ in 0..334 {
            let (status, reason) = bench.verdict(&stray(&bench, &format!("kid-{number}"))).await;
            assert_eq!(status, 401, "{reason}");
            *seen.entry(reason).or_insert(0) += 1;
            number += 1;
        }
        bench.advance(1);
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["introspection_budget", "token_inactive", "unknown_key"]);
    assert_eq!(bench.issuer.fetches(), 2, "the first, and one for the flood");
    // A burst of 10 and 2 a second.
    assert!(bench.issuer.introspections() <= 10 + 2 * 30, "{}", bench.issuer.introspections());
    assert_eq!(bench.handled(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_callers_with_unknown_kids_are_one_fetch_and_a_rotation_is_seen_within_the_cooldown() {
    let bench = Bench::new().await;
    bench.server.fetch_keys().await.unwrap();
    bench.advance(31);
    let callers: Vec<_> = (0..16)
        .map(|caller| {
            let tokens: Vec<_> = (0..19).map(|number| stray(&bench, &format!("{caller}-{number}"))).collect();
            let app = bench.app.clone();
            tokio::spawn(async move {
                use tower::ServiceExt as _;
                for token in tokens {
                    assert_eq!(app.clone().oneshot(Bench::request(Some(&token))).await.unwrap().status(), 401);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert_eq!(bench.issuer.fetches(), 2);
    bench.issuer.publishes_keys([bench.issuer.key(), &TestKey::rsa_two()]);
    let mut waited = 0;
    while bench.verdict(&strangers_token(&bench)).await.0 != 200 {
        bench.verdict(&stray(&bench, &format!("more-{waited}"))).await;
        bench.advance(1);
        waited += 1;
        assert!(waited <= 40, "the new key is not seen");
    }
    assert_eq!(bench.issuer.fetches(), 3);
}

#[tokio::test]
async fn a_flood_of_bad_signatures_under_a_known_kid_asks_for_nothing() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await;
    bench.server.fetch_keys().await.unwrap();
    bench.advance(31);
    let good = bench.token(json!({}));
    let (signing_input, signature) = good.rsplit_once('.').unwrap();
    for number in 0..2_000 {
        // Another signature each time, over the claims of a good token.
        let forged = format!("{signing_input}.{number:04}{}", signature.get(4..).unwrap());
        assert_eq!(bench.verdict(&forged).await, (401, "signature_invalid".to_owned()));
    }
    assert_eq!((bench.issuer.fetches(), bench.issuer.introspections(), bench.handled()), (1, 0, 0));
}

#[tokio::test]
async fn a_flood_of_opaque_strings_stays_within_the_budget_or_asks_nobody() {
    let unmarked = Bench::with(&set_mode(IntrospectionMode::Fallback, false)).await;
    let marked = Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await;
    for second in 0..30 {
        for number in 0..334 {
            let token = format!("opaque-{second}-{number}");
            assert_eq!(unmarked.verdict(&token).await, (401, "opaque_token".to_owned()));
            let verdict = marked.verdict(&token).await;
            assert!([401, 503].contains(&verdict.0), "{verdict:?}");
        }
        marked.advance(1);
    }
    assert_eq!((unmarked.issuer.fetches(), unmarked.issuer.introspections()), (0, 0));
    assert!(marked.issuer.introspections() <= 10 + 2 * 30, "{}", marked.issuer.introspections());
    assert_eq!(marked.handled(), 0);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_changes_nothing() {
    let good = jwk_set([&TestKey::rsa_two()]).to_string();
    let many: Vec<Value> = (0..20_000).map(|number| json!({"kty": "oct", "kid": number.to_string()})).collect();
    let mut many_and_good = json!({ "keys": many });
    many_and_good["keys"].as_array_mut().unwrap().push(TestKey::rsa_two().jwk());
    let says = |status, body: &str| Fault::Says(status, &[], body.as_bytes().to_vec());
    let faults = [
        ("500", says(500, &good)),
        ("HTML", says(200, "<html><body>sorry</body></html>")),
        ("broken", says(200, "{\"keys\":[")),
        ("another shape", says(200, "[]")),
        ("another shape", says(200, "{\"keys\":{}}")),
        ("cut off", says(200, good.get(..good.len() - 3).unwrap())),
        ("20,000 keys", says(200, &many_and_good.to_string())),
        ("deep", says(200, &format!("{{\"keys\":[{}", "[".repeat(100_000)))),
        ("50 MB", Fault::Blank(50 << 20)),
        ("gzip", Fault::Says(200, &[("content-encoding", "gzip")], BOMB.to_vec())),
        ("redirect", Fault::Says(302, &[("location", "/elsewhere")], good.clone().into_bytes())),
        ("redirect", Fault::Says(307, &[("location", "/elsewhere")], Vec::new())),
        ("drip", Fault::Drip),
        ("hang", Fault::Hang),
    ];
    for (what, fault) in faults {
        let (bench, known) = warm().await;
        bench.issuer.fails(fault);
        let began = Instant::now();
        assert_eq!(bench.verdict(&strangers_token(&bench)).await, (401, "unknown_key".to_owned()), "{what}");
        assert!(began.elapsed() < Duration::from_secs(12), "{what}");
        let began = Instant::now();
        assert_eq!(bench.verdict(&known).await.0, 200, "{what}");
        assert_eq!(bench.verdict(&bench.token(json!({"jti": "first-seen"}))).await.0, 200, "{what}");
        assert!(began.elapsed() < Duration::from_secs(1), "{what}");
        assert_eq!((bench.issuer.fetches(), bench.issuer.introspections()), (2, 0), "{what}");
        assert_eq!(bench.issuer.script.elsewhere.load(Ordering::SeqCst), 0, "{what}");
        bench.issuer.recovers();
        bench.issuer.publishes_keys([bench.issuer.key(), &TestKey::rsa_two()]);
        bench.advance(31);
        assert_eq!(bench.verdict(&strangers_token(&bench)).await.0, 200, "{what}");
    }
}

#[tokio::test]
async fn an_issuer_that_hangs_while_its_keys_age_holds_nobody_up() {
    let (bench, known) = warm().await;
    bench.issuer.fails(Fault::Hang);
    for _minute in 0..30 {
        bench.advance(60);
        let began = Instant::now();
        assert_eq!(bench.verdict(&known).await.0, 200);
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    assert!(bench.issuer.fetches() <= 1 + 30, "{}", bench.issuer.fetches());
}

#[tokio::test]
async fn metadata_of_another_issuer_or_with_keys_in_a_wrong_place_is_never_used() {
    let elsewhere = ScriptedIssuer::start().await;
    let other_origin = json!(format!("{}/elsewhere", elsewhere.url()));
    let ours = ScriptedIssuer::start().await;
    let slash = json!(format!("{}/", ours.url()));
    let changes = [
        ("issuer", slash),
        ("issuer", json!("https://issuer.example")),
        ("issuer", Value::Null),
        ("jwks_uri", Value::Null),
        ("jwks_uri", other_origin),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("jwks_uri", json!("https://127.0.0.1.nip.io/jwks")),
    ];
    drop(ours);
    for (member, value) in changes {
        let issuer = ScriptedIssuer::start().await;
        let wrong = match (&value, member) {
            (Value::String(text), "issuer") if text.ends_with('/') => json!(format!("{}/", issuer.url())),
            _ => value,
        };
        issuer.says_of_itself(member, wrong.clone());
        let bench = Bench::on(issuer, &|_| {});
        assert!(bench.server.fetch_keys().await.is_err(), "{member} {wrong}");
        for token in [bench.token(json!({})), strangers_token(&bench)] {
            let answer = bench.call(&token).await;
            assert_eq!(answer.verdict(), (503, "keys_unavailable".to_owned()), "{member} {wrong}");
            assert_eq!(answer.header("retry-after"), Some("5"));
        }
        assert_eq!((bench.issuer.fetches(), bench.handled()), (0, 0), "{member} {wrong}");
        assert_eq!(elsewhere.script.elsewhere.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn an_issuer_that_is_gone_stops_nothing_that_is_warm_and_answers_soon_what_is_not() {
    let (bench, known) = warm().await;
    bench.issuer.stop();
    tokio::task::yield_now().await;
    for minute in 0..30 {
        assert_eq!(bench.verdict(&known).await.0, 200, "minute {minute}");
        let first_seen = bench.token(json!({"jti": format!("minute-{minute}")}));
        assert_eq!(bench.verdict(&first_seen).await.0, 200, "minute {minute}");
        let began = Instant::now();
        assert_eq!(bench.verdict(&strangers_token(&bench)).await, (401, "unknown_key".to_owned()));
        assert!(began.elapsed() < Duration::from_secs(5));
        bench.advance(60);
    }
}

#[tokio::test]
async fn an_issuer_that_starts_later_is_found_and_nothing_is_accepted_before() {
    // Bound and not listening: the port is kept, and connections are refused.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let stand_in = ScriptedIssuer::start().await;
    let bench = Bench::on(stand_in, &|options| {
        let name = format!("http://{address}");
        let issuer = verification_keys::Issuer::parse(&name, &verification_keys::HttpHosts::default()).unwrap();
        let rules = options.issuers[0].audience.clone();
        let preset = mcp_server::resource_server::Preset::AUTHZ;
        options.issuers[0] = mcp_server::resource_server::IssuerOptions::new(issuer, preset, rules);
    });
    let token = bench.token(json!({"iss": format!("http://{address}")}));
    for _ in 0..3 {
        let began = Instant::now();
        assert_eq!(bench.verdict(&token).await, (503, "keys_unavailable".to_owned()));
        assert!(began.elapsed() < Duration::from_secs(5) && !bench.server.is_ready());
    }
    let late = ScriptedIssuer::on(socket.listen(64).unwrap());
    let mut waited = 0;
    while bench.verdict(&token).await.0 != 200 {
        bench.advance(1);
        waited += 1;
        assert!(waited < 60, "not found again");
    }
    assert_eq!((late.fetches(), bench.handled()), (1, 1));
}

#[tokio::test]
async fn a_withdrawn_key_ends_when_the_keys_time_is_up_without_a_word_from_anybody() {
    let bench = Bench::new().await;
    let token = bench.token(json!({}));
    assert_eq!(bench.verdict(&token).await.0, 200);
    bench.issuer.publishes_keys([&TestKey::rsa_two()]);
    bench.advance(479);
    assert_eq!(bench.verdict(&token).await.0, 200, "the keys are fresh");
    assert_eq!(bench.issuer.fetches(), 1);
    bench.advance(121);
    assert_eq!(bench.verdict(&token).await, (401, "unknown_key".to_owned()), "max-age is over");
    assert_eq!(bench.verdict(&strangers_token(&bench)).await.0, 200);
    assert_eq!(bench.issuer.fetches(), 2);
}

#[tokio::test]
async fn more_hostile_keys_beside_a_good_one() {
    let bench = Bench::new().await;
    let (good, other) = (bench.issuer.key().jwk(), TestKey::rsa_two());
    let with = |changes: Value| {
        let mut jwk = other.jwk();
        for (name, value) in changes.as_object().unwrap() {
            jwk[name] = value.clone();
        }
        jwk
    };
    // A modulus of 1024 bits is half of one of 2048.
    let half = other.jwk()["n"].as_str().unwrap().get(..171).map(|half| format!("{half}A"));
    let hostile = [
        (with(json!({"alg": "PS256"})), "algorithm_not_allowed"),
        (with(json!({ "n": half })), "unknown_key"),
        (with(json!({"kid": "one", "kty": "oct", "k": "c2VjcmV0"})), "unknown_key"),
        (with(json!({"kid": {"a": 1}})), "unknown_key"),
        (with(json!({"key_ops": ["sign"]})), "unknown_key"),
        (json!([[[]]]), "unknown_key"),
    ];
    for (jwk, reason) in hostile {
        bench.issuer.publishes(200, &json!({"keys": [jwk, good, jwk]}));
        bench.server.fetch_keys().await.unwrap();
        bench.advance(31);
        assert_eq!(bench.verdict(&strangers_token(&bench)).await, (401, reason.to_owned()), "{jwk}");
        assert_eq!(bench.verdict(&bench.token(json!({}))).await.0, 200, "{jwk}");
    }
    // Two good keys of one name: each verifies its own, whichever comes first.
    let namesake = TestKey::rsa_two().with_kid("one");
    for keys in [[good.clone(), namesake.jwk()], [namesake.jwk(), good.clone()]] {
        bench.issuer.publishes(200, &json!({ "keys": keys }));
        bench.server.fetch_keys().await.unwrap();
        let jti = json!({"jti": bench.now().to_string()});
        assert_eq!(bench.verdict(&bench.token(&jti)).await.0, 200);
        assert_eq!(bench.verdict(&namesake.access_token(&bench.claims(&jti))).await.0, 200);
        bench.advance(31);
    }
}

#[tokio::test]
async fn an_introspection_endpoint_that_fails_is_503_and_never_200() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await;
    let answers = [
        (500, json!({"active": true})),
        (302, json!({"active": true})),
        (200, json!("active")),
        (200, json!({"active": "true"})),
        (200, json!({"active": true, "padding": "x".repeat(70_000)})),
    ];
    for (number, (status, answer)) in answers.into_iter().enumerate() {
        bench.issuer.answers(status, &answer);
        let refused = bench.call(&format!("opaque-{number}")).await;
        assert_eq!(refused.verdict(), (503, "introspection_unavailable".to_owned()), "{status}");
        assert!(refused.header("retry-after").is_some());
    }
    // Five failures in a row: the issuer is left alone, then asked again.
    bench.issuer.answers(200, &json!({"active": true, "aud": RESOURCE, "scope": "mcp:read"}));
    assert_eq!(bench.verdict("opaque-good").await.0, 503);
    assert_eq!(bench.issuer.introspections(), 5);
    bench.advance(11);
    assert_eq!(bench.verdict("opaque-good").await.0, 200);
}
