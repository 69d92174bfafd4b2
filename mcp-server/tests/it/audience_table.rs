//! The strictness table, every cell through the real layer.

use mcp_server::resource_server::Strictness;
use serde_json::{Value, json};

use crate::bench::{Bench, set_strictness};
use crate::issuer::RESOURCE;

const OK: Cell = (200, "ok");
const MISMATCH: Cell = (401, "audience_mismatch");
const MISSING: Cell = (401, "audience_missing");
const MALFORMED: Cell = (401, "claims_malformed");
const CLIENT: Cell = (401, "client_not_allowed");

type Cell = (u16, &'static str);

/// `aud`, then: true, observe, false without a list, client in the list, client not in the list; and
/// whether `observe` counts it.
fn rows() -> Vec<(Value, [Cell; 5], bool)> {
    let ours = [OK, OK, OK, OK, CLIENT];
    let another = [MISMATCH, OK, OK, OK, CLIENT];
    let absent = [MISSING, OK, OK, OK, CLIENT];
    let malformed = [MALFORMED; 5];
    vec![
        (json!(RESOURCE), ours, false),
        (json!([RESOURCE]), ours, false),
        (json!([RESOURCE, "https://other.example"]), ours, false),
        (json!(["https://other.example", RESOURCE]), ours, false),
        (json!("HTTP://LOCALHOST:8001/mcp"), ours, false),
        (json!("api://default"), ours, false),
        (json!(["api://default"]), ours, false),
        (json!("API://default"), another, true),
        (json!("https://other.example"), another, true),
        (json!(["https://other.example"]), another, true),
        (json!(format!("{RESOURCE}/")), another, true),
        (json!("http://localhost:8001"), another, true),
        (json!(format!("{RESOURCE}?x")), another, true),
        (json!(format!("{RESOURCE}#x")), another, true),
        (json!(format!("{RESOURCE}, https://other.example")), another, true),
        (json!("client-1"), another, true),
        (json!("*"), another, true),
        (Value::Null, absent, true),
        (json!(""), absent, true),
        (json!([]), absent, true),
        (json!(42), malformed, false),
        (json!(true), malformed, false),
        (json!({"aud": RESOURCE}), malformed, false),
        (json!([RESOURCE, 42]), malformed, false),
        (json!([[RESOURCE]]), malformed, false),
        (json!([null]), malformed, false),
    ]
}

#[tokio::test]
async fn every_cell_of_the_strictness_table() {
    let columns: [(Strictness, Option<&[&str]>); 5] = [
        (Strictness::True, None),
        (Strictness::Observe, None),
        (Strictness::False, None),
        (Strictness::False, Some(&["client-1", "client-2"])),
        (Strictness::False, Some(&["client-2"])),
    ];
    for (column, (strictness, clients)) in columns.into_iter().enumerate() {
        let bench = Bench::with(&set_strictness(strictness, clients)).await;
        let mut counted = 0;
        for (audience, cells, observed) in rows() {
            let token = bench.token(json!({"aud": audience}));
            let (status, reason) = cells[column];
            assert_eq!(bench.verdict(&token).await, (status, reason.to_owned()), "column {column}, aud {audience}");
            counted += u64::from(observed && strictness == Strictness::Observe);
            assert_eq!(bench.server.observed(), counted, "column {column}, aud {audience}");
        }
        assert_eq!((bench.issuer.fetches(), bench.issuer.introspections()), (1, 0), "column {column}");
    }
}

#[tokio::test]
async fn an_audience_that_resembles_ours_is_another() {
    let bench = Bench::with(&set_strictness(Strictness::True, None)).await;
    let issuer = bench.issuer.url().to_owned();
    for other in [
        format!("{RESOURCE}x"),
        format!("x{RESOURCE}"),
        format!("{RESOURCE}/tools"),
        format!("{RESOURCE} "),
        RESOURCE.replace("localhost", "localhost.evil.example"),
        RESOURCE.replace("localhost", "evil.example@localhost"),
        RESOURCE.replace("localhost", "127.0.0.1"),
        RESOURCE.replace("8001", "8002"),
        RESOURCE.replace("http:", "https:"),
        RESOURCE.replace("/mcp", "/MCP"),
        RESOURCE.replace("/mcp", "/%6dcp"),
        RESOURCE.replace("/mcp", "/x/../mcp"),
        issuer,
    ] {
        bench.call(&bench.token(json!({"aud": other}))).await.assert_refused("audience_mismatch", &other);
        bench.call(&bench.token(json!({"aud": [other]}))).await.assert_refused("audience_mismatch", &other);
    }
    assert_eq!(bench.handled(), 0);
}

#[tokio::test]
async fn an_explicit_null_is_no_audience_of_the_right_type() {
    let bench = Bench::with(&set_strictness(Strictness::False, None)).await;
    let claims = bench.claims(json!({})).to_string();
    let payload = claims.replace(&format!("\"{RESOURCE}\""), "null");
    let token = bench.issuer.key().sign(r#"{"typ":"at+jwt","alg":"RS256","kid":"one"}"#, payload);
    bench.call(&token).await.assert_refused("claims_malformed", "aud: null");
}

#[tokio::test]
async fn the_client_list_applies_in_every_column() {
    for strictness in [Strictness::True, Strictness::Observe, Strictness::False] {
        let bench = Bench::with(&set_strictness(strictness, Some(&["client-2"]))).await;
        bench.call(&bench.token(json!({}))).await.assert_refused("client_not_allowed", strictness.as_str());
        assert_eq!(bench.verdict(&bench.token(json!({"client_id": "client-2"}))).await.0, 200);
    }
}

#[tokio::test]
async fn the_refusal_shows_expected_and_presented() {
    let bench = Bench::new().await;
    let answer = bench.call(&bench.token(json!({"aud": "http://localhost:8001/"}))).await;
    let description = answer.body["error_description"].as_str().unwrap();
    assert!(
        description.contains("expected http://localhost:8001/mcp, presented http://localhost:8001/"),
        "{description}"
    );
}
