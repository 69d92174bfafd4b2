//! Several issuers: each token is judged by its own, with its own keys and rules.

use std::sync::Arc;

use mcp_server::resource_server::{
    AudienceRules, IntrospectionMode, InvalidOptions, IssuerOptions, Preset, ResourceIdentifier, ResourceServer,
    ResourceServerOptions, ScopePolicy, Strictness,
};
use serde_json::json;
use verification_keys::testing::{ManualClock, TestKey};
use verification_keys::{HttpHosts, Issuer, http};

use crate::bench::{Bench, introspection, set_mode};
use crate::issuer::{RESOURCE, ScriptedIssuer};

fn options(issuer: &ScriptedIssuer) -> IssuerOptions {
    let name = Issuer::parse(issuer.url(), &HttpHosts::default()).unwrap();
    let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
    IssuerOptions::new(name, Preset::AUTHZ, AudienceRules::strict(resource))
}

#[tokio::test]
async fn each_token_is_judged_by_its_own_issuer() {
    let second = ScriptedIssuer::start().await;
    second.publishes_keys([&TestKey::rsa_two().with_kid("one")]);
    let mut other = options(&second);
    other.audience.strictness = Strictness::False;
    let bench = Bench::with(&|options| options.issuers.push(other.clone())).await;
    let lenient = bench.claims(json!({"iss": second.url(), "aud": "https://other.example"}));
    let signed_by_second = |claims| TestKey::rsa_two().with_kid("one").access_token(claims);
    assert_eq!(bench.verdict(&bench.token(json!({}))).await.0, 200);
    assert_eq!(bench.verdict(&signed_by_second(&lenient)).await.0, 200);
    // The key of one does not speak for the other, nor do its rules.
    bench.call(&bench.issuer.sign(&lenient)).await.assert_refused("signature_invalid", "first key, second issuer");
    let mixed = signed_by_second(&bench.claims(json!({})));
    bench.call(&mixed).await.assert_refused("signature_invalid", "second key, first issuer");
    let strict = bench.token(json!({"aud": "https://other.example"}));
    bench.call(&strict).await.assert_refused("audience_mismatch", "second rules, first issuer");
    assert_eq!((bench.issuer.fetches(), second.fetches()), (1, 1));
}

#[tokio::test]
async fn an_opaque_token_goes_to_the_one_issuer_that_has_such() {
    let second = ScriptedIssuer::start().await;
    let mut other = options(&second);
    other.introspection = introspection(IntrospectionMode::Fallback);
    other.opaque_tokens = true;
    let first = set_mode(IntrospectionMode::Fallback, false);
    let both = |options: &mut ResourceServerOptions| {
        first(options);
        options.issuers.push(other.clone());
    };
    let bench = Bench::with(&both).await;
    second.answers(200, &json!({"active": true, "aud": RESOURCE, "scope": "mcp:read"}));
    assert_eq!(bench.verdict("opaque").await.0, 200);
    assert_eq!((bench.issuer.introspections(), second.introspections()), (0, 1));
}

#[tokio::test]
async fn two_issuers_with_opaque_tokens_are_refused_at_the_start() {
    let issuer = ScriptedIssuer::start().await;
    let mut opaque = options(&issuer);
    opaque.opaque_tokens = true;
    let build = |issuers| {
        let resource = ResourceIdentifier::parse(RESOURCE).unwrap();
        let mut all = ResourceServerOptions::new(resource, opaque.clone(), ScopePolicy::new("mcp:read"));
        all.issuers = issuers;
        let client = http::client(&http::ClientOptions::default()).unwrap();
        ResourceServer::new(all, &client, Arc::new(ManualClock::at(jiff::Timestamp::UNIX_EPOCH))).map(|_| ())
    };
    verification_keys::install_crypto_providers();
    let two = build(vec![opaque.clone(), opaque.clone()]);
    assert!(matches!(two, Err(InvalidOptions::SeveralOpaqueIssuers)), "{two:?}");
    let none = build(Vec::new());
    assert!(matches!(none, Err(InvalidOptions::NoIssuer)), "{none:?}");
}
