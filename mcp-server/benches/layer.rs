//! What the layer costs: a token it knows, the same with the tool's scope read from the body and an audit log, one seen
//! for the first time, a forged one; beside one raw RSA-2048 verification by aws-lc in the same run. The goals: a known
//! token at most 6 µs with all of it (2 µs from the bearer token to the `AccessToken`), a first-seen one at most 1.25 times
//! the raw one, a forged one no more than a first-seen one.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a benchmark fails by panicking")]

#[path = "../../keys/verification/benches/cpu_time/mod.rs"]
mod cpu_time;
#[path = "../tests/it/issuer.rs"]
#[expect(dead_code, reason = "shared with the tests")]
mod issuer;

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cpu_time::CpuTime;
use criterion::{Criterion, criterion_group, criterion_main};
use issuer::{RESOURCE, ScriptedIssuer};
use mcp_server::resource_server::{
    AudienceRules, AuditLog, IssuerOptions, Preset, ResourceIdentifier, ResourceServer, ResourceServerOptions,
    ScopePolicy,
};
use tokio::runtime::Runtime;
use tower::{Layer as _, Service, service_fn};
use verification_keys::testing::TestKey;
use verification_keys::{Clock as _, HttpHosts, Issuer, SystemClock, http};

/// A call of 2025-11-25, whose headers do not name the tool.
const CALL: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_time","arguments":{"timezone":"UTC"}}}"#;

fn protected(issuer: &ScriptedIssuer, cached_tokens: u64, audit: Option<AuditLog>) -> ResourceServer {
    let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
    let name = Issuer::parse(issuer.url(), &HttpHosts::default()).unwrap();
    let trusted = IssuerOptions::new(name, Preset::AUTHZ, AudienceRules::strict(resource.clone()));
    let scopes = ScopePolicy::new("mcp:read").tool("get_time", "mcp:read");
    // With an audit log also a tool that the token may not call, so that the body has to be read for its scope.
    let scopes = if audit.is_some() { scopes.tool("delete_all", "mcp:admin") } else { scopes };
    let options = ResourceServerOptions::new(resource, trusted, scopes);
    let options = ResourceServerOptions { cached_tokens, audit, ..options };
    let client = http::client(&http::ClientOptions::default()).unwrap();
    ResourceServer::new(options, &client, Arc::new(SystemClock)).unwrap()
}

fn request(token: &str) -> Request {
    Request::post("/mcp")
        .header("host", "localhost:8001")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(CALL))
        .unwrap()
}

fn layer(criterion: &mut Criterion<CpuTime>) {
    let runtime = Runtime::new().unwrap();
    let issuer = runtime.block_on(ScriptedIssuer::start());
    let folder = tempfile::tempdir().unwrap();
    let audit = AuditLog::file(&folder.path().join("audit.jsonl")).unwrap();
    let (remembering, forgetful) = (protected(&issuer, 50_000, None), protected(&issuer, 0, None));
    let watched = protected(&issuer, 50_000, Some(audit));
    for server in [&remembering, &forgetful, &watched] {
        runtime.block_on(server.fetch_keys()).unwrap();
    }
    let good = issuer.sign(&issuer.claims(SystemClock.now().as_second()));
    // In the middle: a number greater than the modulus would be refused before any arithmetic.
    let (front, back) = good.split_at(good.len() - 100);
    let forged = format!("{front}{}{}", if back.starts_with('A') { 'B' } else { 'A' }, &back[1..]);
    let inner = service_fn(|request: Request| {
        let _ = black_box(request);
        std::future::ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    });
    let mut run = |name: &str, service: &mut dyn FnMut(Request) -> u16, token: &str, status: u16| {
        criterion.bench_function(name, |bench| {
            bench.iter_batched(
                || request(token),
                |request| assert_eq!(service(request), status),
                criterion::BatchSize::SmallInput,
            );
        });
    };
    let mut bare = inner;
    run("without the layer", &mut |request| status(&runtime, &mut bare, request), &good, 200);
    let mut known = remembering.layer().layer(inner);
    run("known token, whole layer", &mut |request| status(&runtime, &mut known, request), &good, 200);
    let mut audited = watched.layer().layer(inner);
    let scope_and_audit = "known token, whole layer, scope from the body, audit log";
    run(scope_and_audit, &mut |request| status(&runtime, &mut audited, request), &good, 200);
    let mut first = forgetful.layer().layer(inner);
    run("first-seen token, whole layer", &mut |request| status(&runtime, &mut first, request), &good, 200);
    run("forged token, whole layer", &mut |request| status(&runtime, &mut first, request), &forged, 401);
    assert_eq!((issuer.fetches(), issuer.introspections()), (3, 0), "no outgoing call for any of them");
    raw_verification(criterion, issuer.key(), &good);
}

fn status<S>(runtime: &Runtime, service: &mut S, request: Request) -> u16
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let Ok(response) = runtime.block_on(service.call(request));
    response.status().as_u16()
}

fn raw_verification(criterion: &mut Criterion<CpuTime>, key: &TestKey, token: &str) {
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key.jwk()[name].as_str().unwrap()).unwrap();
    let raw = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let (signing_input, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    criterion.bench_function("raw RSA-2048", |bench| {
        bench
            .iter(|| raw.verify(&RSA_PKCS1_2048_8192_SHA256, black_box(signing_input.as_bytes()), &signature).unwrap());
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = layer
}
criterion_main!(benches);
