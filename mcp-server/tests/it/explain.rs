//! `explain` says what the layer does, and names the check that is to blame.

use std::process::Stdio;

use mcp_server::explain::{Check, Explanation, Outcome};
use mcp_server::resource_server::{IntrospectionMode, Strictness};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use verification_keys::Clock as _;
use verification_keys::testing::TestKey;

use crate::bench::{Bench, set_mode, set_strictness};
use crate::issuer::{RESOURCE, ScriptedIssuer};

async fn explain(bench: &Bench, token: &str) -> Explanation {
    Explanation::of(token, &bench.options, &bench.server, bench.clock.now()).await
}

fn failed(explanation: &Explanation) -> Option<Check> {
    let failed: Vec<Check> =
        explanation.checks.iter().filter(|step| step.outcome == Outcome::Failed).map(|step| step.check).collect();
    assert!(failed.len() <= 1, "{failed:?}");
    failed.first().copied()
}

fn outcome(explanation: &Explanation, check: Check) -> Outcome {
    explanation.checks.iter().find(|step| step.check == check).unwrap().outcome
}

/// Bad tokens, and the check that each fails.
fn bad_tokens(bench: &Bench) -> Vec<(String, Check)> {
    let key = bench.issuer.key();
    let with_header = |header: Value| key.sign(header.to_string(), bench.claims(json!({})).to_string());
    let with_claims = |changes: Value| bench.token(changes);
    let now = bench.now();
    vec![
        (format!("{}.b.c", "a".repeat(20_000)), Check::Size),
        ("opaque".to_owned(), Check::Shape),
        ("a.b.c.d.e".to_owned(), Check::Shape),
        ("not base64.x.y".to_owned(), Check::Shape),
        ("e30.e30.".to_owned(), Check::Shape),
        (with_header(json!({"alg": "HS256", "kid": "one", "typ": "at+jwt"})), Check::Algorithm),
        (with_header(json!({"alg": "RS256", "kid": "one", "typ": "at+jwt", "crit": ["x"]})), Check::Critical),
        (with_claims(json!({"exp": "soon"})), Check::Claims),
        (with_claims(json!({"iss": null})), Check::Issuer),
        (with_claims(json!({"iss": "https://other.example"})), Check::Issuer),
        (with_header(json!({"alg": "RS256", "kid": "one", "typ": "JWT"})), Check::Type),
        (with_header(json!({"alg": "RS256", "typ": "at+jwt"})), Check::KeyId),
        (with_header(json!({"alg": "RS256", "typ": "at+jwt", "kid": "nobody's"})), Check::Key),
        (TestKey::rsa_two().with_kid("one").access_token(&bench.claims(json!({}))), Check::Signature),
        (with_claims(json!({"cnf": {"jkt": "x"}})), Check::Kind),
        (with_claims(json!({"sub": null})), Check::Required),
        (with_claims(json!({"exp": now - 120})), Check::Times),
        (with_claims(json!({"nbf": now + 120})), Check::Times),
        (with_claims(json!({"exp": now + 90_000})), Check::Lifetime),
        (with_claims(json!({"aud": null})), Check::Audience),
        (with_claims(json!({"aud": "https://other.example"})), Check::Audience),
        (with_claims(json!({"client_id": "stranger"})), Check::Client),
    ]
}

#[tokio::test]
async fn the_check_to_blame_is_named_and_the_reason_is_that_of_the_layer() {
    let bench = Bench::with(&set_strictness(Strictness::True, Some(&["client-1"]))).await;
    bench.server.fetch_keys().await.unwrap();
    for (token, check) in bad_tokens(&bench) {
        let explanation = explain(&bench, &token).await;
        let shown = explanation.to_string();
        assert_eq!(failed(&explanation), Some(check), "{shown}");
        let in_request = if token.contains(' ') { None } else { Some(bench.verdict(&token).await) };
        if let Some((status, reason)) = in_request {
            assert_eq!((explanation.status, explanation.reason), (status, Some(reason.as_str())), "{shown}");
        }
        let after_signature = check > Check::Signature;
        assert_eq!(explanation.signature_verified, after_signature, "{shown}");
        assert_eq!(shown.contains("anybody may have written"), !after_signature, "{shown}");
        for step in &explanation.checks {
            assert_eq!(step.outcome == Outcome::NotReached, step.check > check, "{:?} in {shown}", step.check);
        }
        assert!(shown.contains("what to do: "), "{shown}");
    }
}

fn unnamed(bench: &Bench) -> String {
    let header = json!({"alg": "RS256", "typ": "at+jwt"}).to_string();
    bench.issuer.key().sign(header, bench.claims(json!({})).to_string())
}

#[tokio::test]
async fn a_token_without_kid_is_explained_by_the_only_key() {
    let bench = Bench::with(&|options| options.issuers[0].unnamed_keys = true).await;
    let mut nameless = bench.issuer.key().jwk();
    nameless.as_object_mut().unwrap().remove("kid");
    bench.issuer.publishes(200, &json!({"keys": [nameless]}));
    let explanation = explain(&bench, &unnamed(&bench)).await;
    assert!(explanation.is_accepted() && explanation.signature_verified, "{explanation}");
    let shown = explanation.to_string();
    assert!(shown.contains("the only key of the issuer for the algorithm"), "{shown}");
    let two = Bench::with(&|options| options.issuers[0].unnamed_keys = true).await;
    two.issuer.publishes_keys([&TestKey::rsa_one(), &TestKey::rsa_two()]);
    let explanation = explain(&two, &unnamed(&two)).await;
    assert_eq!((failed(&explanation), explanation.signature_verified), (Some(Check::KeyId), false));
    assert!(explanation.to_string().contains("or none if one key fits"), "{explanation}");
}

#[tokio::test]
async fn a_good_token_passes_every_check() {
    let bench = Bench::new().await;
    let explanation = explain(&bench, &bench.token(json!({}))).await;
    assert!(explanation.is_accepted() && explanation.signature_verified);
    assert_eq!((failed(&explanation), explanation.scopes.as_deref()), (None, Some("mcp:read")));
    assert_eq!(outcome(&explanation, Check::Signature), Outcome::Passed);
    assert_eq!(outcome(&explanation, Check::Introspection), Outcome::NotNeeded);
    assert!(explanation.to_string().contains("accepted, scopes: mcp:read"));
}

#[tokio::test]
async fn a_mismatch_shows_expected_and_presented_and_the_setting() {
    let bench = Bench::new().await;
    let explanation = explain(&bench, &bench.token(json!({"aud": "http://localhost:8001/mcp/"}))).await;
    let step = explanation.checks.iter().find(|step| step.check == Check::Audience).unwrap();
    assert_eq!((step.expected.as_str(), step.presented.as_deref()), (RESOURCE, Some("http://localhost:8001/mcp/")));
    assert_eq!(explanation.settings, ["MCP_RESOURCE_PUBLIC_URL"]);
    let description = explanation.description.unwrap();
    assert!(description.ends_with("expected http://localhost:8001/mcp, presented http://localhost:8001/mcp/"));
}

#[tokio::test]
async fn what_a_forged_token_says_is_shown_as_unverified() {
    let bench = Bench::new().await;
    let forged = TestKey::rsa_two().with_kid("one").access_token(&bench.claims(json!({"aud": "https://mine.example"})));
    let explanation = explain(&bench, &forged).await;
    let step = explanation.checks.iter().find(|step| step.check == Check::Audience).unwrap();
    assert_eq!(step.outcome, Outcome::NotReached);
    assert_eq!(step.presented.as_deref(), Some("https://mine.example"));
    assert!(!explanation.signature_verified);
    // The answer to a request quotes nothing of it.
    assert!(!explanation.description.unwrap().contains("mine.example"));
}

#[tokio::test]
async fn what_strict_mode_would_say_is_told() {
    let bench = Bench::with(&set_strictness(Strictness::Observe, None)).await;
    let explanation = explain(&bench, &bench.token(json!({"aud": "https://other.example"}))).await;
    assert!(explanation.is_accepted());
    assert_eq!(explanation.would_refuse, Some("audience_mismatch"));
    assert!(explanation.to_string().contains("MCP_RESOURCE_OAUTH_STRICT=true would refuse it: audience_mismatch"));
}

#[tokio::test]
async fn a_token_that_only_the_issuer_can_judge_is_not_called_verified() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await;
    bench.issuer.answers(200, &json!({"active": true, "aud": RESOURCE, "scope": "mcp:read"}));
    let explanation = explain(&bench, "opaque").await;
    assert!(explanation.is_accepted() && !explanation.signature_verified);
    assert_eq!(outcome(&explanation, Check::Audience), Outcome::NotNeeded);
    assert_eq!(outcome(&explanation, Check::Introspection), Outcome::Passed);
    bench.issuer.answers(200, &json!({"active": false}));
    let inactive = explain(&bench, "opaque-2").await;
    assert_eq!((failed(&inactive), inactive.reason), (Some(Check::Introspection), Some("token_inactive")));
}

/// The process itself, with a token on standard input.
async fn run(issuer: &ScriptedIssuer, args: &[&str], stdin: &str) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mcp-server"))
        .args(args)
        .args(["--auth-server", issuer.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A process that has ended, for a wrong setting, reads nothing.
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).await.ok();
    let output = child.wait_with_output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn the_exit_code_is_0_for_accepted_1_for_refused_2_for_no_token() {
    let issuer = ScriptedIssuer::start().await;
    let good = issuer.sign(&issuer.claims(verification_keys::SystemClock.now().as_second()));
    let (code, text) = run(&issuer, &["explain"], &format!("Bearer {good}\n")).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(!text.contains(&good));
    let (code, text) = run(&issuer, &["explain", "--json", "-"], "opaque").await;
    assert_eq!(code, Some(1));
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["verdict"], &json["reason"]), (&json!("refused"), &json!("opaque_token")));
    assert_eq!(json["checks"].as_array().unwrap().len(), Check::ALL.len());
    assert_eq!(run(&issuer, &["explain"], "").await.0, Some(2));
    assert_eq!(run(&issuer, &["explain", "--oauth-strict", "maybe"], &good).await.0, Some(2));
}
