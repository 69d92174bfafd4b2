//! The introspection table, every cell through the real layer; the issuer would answer `active` each time.

use mcp_server::resource_server::IntrospectionMode;
use serde_json::json;
use verification_keys::SigningAlgorithm;
use verification_keys::testing::TestKey;

use crate::bench::{Bench, START, set_mode};
use crate::issuer::{RESOURCE, ScriptedIssuer};

/// What can be said locally.
#[derive(Clone, Copy, Debug)]
enum Local {
    Good,
    No(Defect),
    OpaqueMarked,
    OpaqueUnmarked,
    UnknownInFreshKeys,
    UnknownInOlderKeys,
    RefetchFailed,
    NoKeys,
}

#[derive(Clone, Copy, Debug)]
enum Defect {
    Signature,
    Issuer,
    Audience,
    Lifetime,
    Type,
    Algorithm,
    Claims,
}

/// Status, reason, introspections.
type Cell = (u16, &'static str, usize);

const MODES: [IntrospectionMode; 3] =
    [IntrospectionMode::Never, IntrospectionMode::Fallback, IntrospectionMode::Always];

fn rows() -> Vec<(Local, [Cell; 3])> {
    let no = |reason| [(401, reason, 0); 3];
    let asked = |never: Cell| [never, (200, "ok", 1), (200, "ok", 1)];
    vec![
        (Local::Good, [(200, "ok", 0), (200, "ok", 0), (200, "ok", 1)]),
        (Local::No(Defect::Signature), no("signature_invalid")),
        (Local::No(Defect::Issuer), no("issuer_unknown")),
        (Local::No(Defect::Audience), no("audience_mismatch")),
        (Local::No(Defect::Lifetime), no("token_expired")),
        (Local::No(Defect::Type), no("token_type_mismatch")),
        (Local::No(Defect::Algorithm), no("algorithm_not_allowed")),
        (Local::No(Defect::Claims), no("claims_malformed")),
        (Local::OpaqueMarked, asked((401, "opaque_token", 0))),
        (Local::OpaqueUnmarked, no("opaque_token")),
        (Local::UnknownInFreshKeys, no("unknown_key")),
        (Local::UnknownInOlderKeys, asked((401, "unknown_key", 0))),
        (Local::RefetchFailed, asked((401, "unknown_key", 0))),
        (Local::NoKeys, asked((503, "keys_unavailable", 0))),
    ]
}

#[tokio::test]
async fn every_cell_of_the_introspection_table() {
    for (local, cells) in rows() {
        for (mode, (status, reason, introspections)) in MODES.into_iter().zip(cells) {
            let issuer = ScriptedIssuer::start().await;
            issuer.answers(200, &json!({"active": true, "sub": "user-1", "aud": RESOURCE, "scope": "mcp:read"}));
            let bench = Bench::on(issuer, &set_mode(mode, matches!(local, Local::OpaqueMarked)));
            let token = prepare(&bench, local).await;
            let before = bench.issuer.introspections();
            let answer = bench.call(&token).await;
            let what = format!("{local:?}, {}", mode.as_str());
            assert_eq!(answer.verdict(), (status, reason.to_owned()), "{what}");
            assert_eq!(bench.issuer.introspections() - before, introspections, "{what}");
            assert_eq!(answer.header("retry-after").is_some(), status == 503, "{what}");
        }
    }
}

/// Brings the keys into the state of the row, and makes its token.
async fn prepare(bench: &Bench, local: Local) -> String {
    let stranger = |kid| TestKey::rsa_two().with_kid(kid).access_token(&bench.claims(json!({})));
    match local {
        Local::Good => bench.token(json!({})),
        Local::No(defect) => defective(bench, defect),
        Local::OpaqueMarked | Local::OpaqueUnmarked => "an-opaque-token".to_owned(),
        Local::UnknownInFreshKeys => {
            bench.server.fetch_keys().await.unwrap();
            bench.advance(31);
            stranger("new")
        }
        Local::UnknownInOlderKeys => {
            bench.server.fetch_keys().await.unwrap();
            bench.advance(31);
            // Uses up the one refetch of the next 30 seconds.
            assert_eq!(bench.verdict(&stranger("another")).await.1, "unknown_key");
            bench.advance(1);
            stranger("new")
        }
        Local::RefetchFailed => {
            bench.server.fetch_keys().await.unwrap();
            bench.advance(31);
            bench.issuer.publishes(500, &json!({}));
            stranger("new")
        }
        Local::NoKeys => {
            bench.issuer.publishes(500, &json!({}));
            bench.token(json!({}))
        }
    }
}

fn defective(bench: &Bench, defect: Defect) -> String {
    match defect {
        Defect::Signature => TestKey::rsa_two().with_kid("one").access_token(&bench.claims(json!({}))),
        Defect::Issuer => bench.token(json!({"iss": "https://other.example"})),
        Defect::Audience => bench.token(json!({"aud": "https://other.example"})),
        Defect::Lifetime => bench.token(json!({"iat": START - 7200, "exp": START - 3600})),
        Defect::Type => {
            let header = r#"{"typ":"JWT","alg":"RS256","kid":"one"}"#;
            bench.issuer.key().sign(header, bench.claims(json!({})).to_string())
        }
        Defect::Algorithm => {
            TestKey::rsa_one().with_algorithm(SigningAlgorithm::Ps256).access_token(&bench.claims(json!({})))
        }
        Defect::Claims => bench.token(json!({"exp": "tomorrow"})),
    }
}

#[tokio::test]
async fn always_has_the_last_word_on_a_good_token() {
    let rows = [
        (200, json!({"active": true}), (200, "ok")),
        (200, json!({"active": false}), (401, "token_inactive")),
        (500, json!({}), (503, "introspection_unavailable")),
        (429, json!({}), (503, "introspection_unavailable")),
        (401, json!({"error": "invalid_client"}), (503, "introspection_unavailable")),
        (400, json!({"error": "unsupported_token_type"}), (503, "introspection_unavailable")),
        (200, json!("nonsense"), (503, "introspection_unavailable")),
    ];
    for (status, answer, (expected, reason)) in rows {
        let bench = Bench::with(&set_mode(IntrospectionMode::Always, false)).await;
        bench.issuer.answers(status, &answer);
        let answered = bench.call(&bench.token(json!({}))).await;
        assert_eq!(answered.verdict(), (expected, reason.to_owned()), "{status} {answer}");
        assert_eq!(answered.header("retry-after").is_some(), expected == 503, "{status} {answer}");
        assert_eq!(bench.issuer.introspections(), 1);
    }
}

#[tokio::test]
async fn an_answer_is_held_to_the_rules_of_a_token() {
    let other_issuer = json!({"iss": "https://other.example"});
    let rows = [
        (json!({}), "ok"),
        (json!({"iss": null}), "ok"),
        (other_issuer, "issuer_unknown"),
        (json!({"aud": "https://other.example"}), "audience_mismatch"),
        (json!({"aud": null}), "audience_missing"),
        (json!({"aud": 42}), "claims_malformed"),
        (json!({"exp": START - 61}), "token_expired"),
        (json!({"nbf": START + 61}), "token_not_yet_valid"),
        (json!({"cnf": {"jkt": "x"}}), "sender_constrained"),
        (json!({"active": false}), "token_inactive"),
    ];
    for (changes, reason) in rows {
        let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await;
        let mut answer = bench.claims(changes.clone());
        if answer.get("active").is_none() {
            answer["active"] = json!(true);
        }
        bench.issuer.answers(200, &answer);
        let verdict = bench.verdict("an-opaque-token").await;
        assert_eq!(verdict, (if reason == "ok" { 200 } else { 401 }, reason.to_owned()), "{changes}");
        // Good or bad, it is not asked about again.
        assert_eq!(bench.verdict("an-opaque-token").await, verdict, "{changes}");
        assert_eq!(bench.issuer.introspections(), 1, "{changes}");
    }
}

#[tokio::test]
async fn the_answer_says_what_an_opaque_token_allows() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await;
    bench.issuer.answers(200, &json!({"active": true, "aud": RESOURCE, "scope": "other"}));
    let answer = bench.call("an-opaque-token").await;
    assert_eq!(answer.verdict(), (403, "insufficient_scope".to_owned()));
}
