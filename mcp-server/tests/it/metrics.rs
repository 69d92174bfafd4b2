//! What a scrape tells of a resource server that has been used.

use axum::body::Body;
use axum::extract::Request;
use mcp_server::resource_server::{IntrospectionMode, Reason, Strictness};
use mcp_server::routes;
use serde_json::json;
use tower::ServiceExt as _;

use crate::bench::{Answered, Bench, set_mode, set_strictness};
use crate::issuer::RESOURCE;

impl Bench {
    fn counted(&self, line: &str) -> Option<String> {
        let text = self.server.metrics();
        let found = text.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        found.map(ToOwned::to_owned)
    }

    fn assert_counted(&self, line: &str, value: &str) {
        assert_eq!(self.counted(line).as_deref(), Some(value), "{line}\n{}", self.server.metrics());
    }
}

fn verdict(decision: &str, reason: &str) -> String {
    format!("mcp_resource_verdicts_total{{decision=\"{decision}\",reason=\"{reason}\"}}")
}

#[tokio::test]
async fn verdicts_and_cache_are_counted() {
    let bench = Bench::new().await;
    let token = bench.token(json!({}));
    for _ in 0..3 {
        assert_eq!(bench.verdict(&token).await.0, 200);
    }
    bench.verdict(&bench.token(json!({"aud": "https://other.example"}))).await;
    bench.send(Bench::request(None)).await;
    bench.assert_counted(&verdict("accepted", ""), "3");
    bench.assert_counted(&verdict("refused", "audience_mismatch"), "1");
    bench.assert_counted(&verdict("refused", "missing_token"), "1");
    bench.assert_counted("mcp_resource_token_cache_hits_total", "2");
    bench.assert_counted("mcp_resource_token_cache_misses_total", "2");
    bench.assert_counted("mcp_resource_token_cache_size", "1");
    bench.assert_counted("mcp_resource_verification_seconds_count", "2");
}

#[tokio::test]
async fn every_reason_is_there_from_the_start() {
    let bench = Bench::new().await;
    for reason in Reason::ALL {
        bench.assert_counted(&verdict("refused", reason.code()), "0");
    }
    assert!(bench.server.metrics().ends_with("# EOF\n"));
}

#[tokio::test]
async fn what_strict_mode_would_refuse_is_counted_by_issuer() {
    let bench = Bench::with(&set_strictness(Strictness::Observe, None)).await;
    assert_eq!(bench.verdict(&bench.token(json!({"aud": null}))).await.0, 200);
    let issuer = bench.issuer.url();
    let line = format!("mcp_resource_would_refuse_total{{issuer=\"{issuer}\",reason=\"audience_missing\"}}");
    bench.assert_counted(&line, "1");
}

#[tokio::test]
async fn the_age_of_the_keys_and_their_fetches_are_told() {
    let bench = Bench::new().await;
    let issuer = bench.issuer.url().to_owned();
    let age = format!("mcp_resource_key_age_seconds{{issuer=\"{issuer}\"}}");
    let fetches = |outcome| format!("mcp_resource_key_fetches_total{{issuer=\"{issuer}\",outcome=\"{outcome}\"}}");
    assert_eq!(bench.counted(&age), None);
    bench.server.fetch_keys().await.unwrap();
    bench.advance(90);
    bench.assert_counted(&age, "90");
    bench.assert_counted(&fetches("succeeded"), "1");
    bench.issuer.publishes(500, &json!({}));
    bench.server.fetch_keys().await.unwrap_err();
    bench.assert_counted(&fetches("succeeded"), "1");
    bench.assert_counted(&fetches("failed"), "1");
}

#[tokio::test]
async fn introspections_are_counted_by_outcome() {
    let bench = Bench::with(&set_mode(IntrospectionMode::Fallback, true)).await;
    let issuer = bench.issuer.url().to_owned();
    let asked = |outcome| format!("mcp_resource_introspections_total{{issuer=\"{issuer}\",outcome=\"{outcome}\"}}");
    bench.verdict("opaque-1").await;
    bench.verdict("opaque-1").await;
    bench.issuer.answers(200, &json!({"active": true, "aud": RESOURCE}));
    bench.verdict("opaque-2").await;
    bench.issuer.answers(500, &json!({}));
    for number in 3..20 {
        bench.verdict(&format!("opaque-{number}")).await;
    }
    bench.assert_counted(&asked("refused"), "1");
    bench.assert_counted(&asked("remembered"), "1");
    bench.assert_counted(&asked("active"), "1");
    bench.assert_counted(&asked("failed"), "5");
    bench.assert_counted(&asked("breaker_open"), "12");
}

#[tokio::test]
async fn the_metrics_have_a_route_of_their_own() {
    let bench = Bench::new().await;
    let get = || Request::get("/metrics").body(Body::empty()).unwrap();
    assert_eq!(bench.send(get()).await.status, 404);
    let answer = Answered::read(routes::metrics(&bench.server).oneshot(get()).await.unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(answer.body.as_str().unwrap().contains("# TYPE mcp_resource_verdicts counter"));
}
