//! What presets relax, through the real layer: types of tokens with the guard against ID tokens, and tokens without `kid`
//! (RFC 8725 §3.11, RFC 7515 §4.1.4).

use mcp_server::resource_server::{IssuerOptions, Preset, ResourceServerOptions};
use serde_json::{Value, json};
use verification_keys::testing::TestKey;

use crate::bench::Bench;

/// A bench whose one issuer is of this preset.
async fn of(preset: &'static Preset) -> Bench {
    Bench::with(&move |options: &mut ResourceServerOptions| options.issuers[0].preset = preset).await
}

/// Claims that each preset takes, with some changed.
fn claims(bench: &Bench, changes: &Value) -> Value {
    let mut all = json!({"azp": "client-1", "cid": "client-1", "appid": "client-1"});
    all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    bench.claims(all)
}

fn signed(bench: &Bench, typ: Option<&str>, payload: &Value) -> String {
    let mut header = json!({"alg": "RS256", "kid": "one"});
    if let Some(typ) = typ {
        header["typ"] = json!(typ);
    }
    bench.issuer.key().sign(header.to_string(), payload.to_string())
}

/// Each `typ` that the preset takes, none included.
fn accepted_types(preset: &Preset) -> Vec<Option<&'static str>> {
    preset.token_types.iter().copied().map(Some).chain(preset.untyped.then_some(None)).collect()
}

/// What ID tokens and others that are not for resources have in them.
fn other_tokens() -> Vec<Value> {
    vec![
        json!({"token_use": "id"}),
        json!({"token_use": "refresh_token"}),
        json!({"token_use": ["access"]}),
        json!({"typ": "ID"}),
        json!({"typ": "Refresh"}),
        json!({"typ": "Offline"}),
        json!({"typ": null}),
        json!({"nonce": "n-0S6_WzA2Mj"}),
        json!({"nonce": ""}),
        json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}),
        json!({"c_hash": "LDktKdoQak3Pk0cnXxCltA"}),
    ]
}

#[tokio::test]
async fn where_a_preset_relaxes_the_type_no_id_token_gets_in() {
    for preset in Preset::ALL {
        let bench = of(preset).await;
        for typ in accepted_types(preset) {
            let what = format!("{} {typ:?}", preset.name);
            let good = [json!({}), json!({"token_use": "access"}), json!({"typ": "Bearer"})];
            for changes in good {
                let token = signed(&bench, typ, &claims(&bench, &changes));
                assert_eq!(bench.verdict(&token).await, (200, "ok".to_owned()), "{what} {changes}");
            }
            for changes in other_tokens() {
                let mut payload = claims(&bench, &json!({}));
                payload.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
                let verdict = bench.verdict(&signed(&bench, typ, &payload)).await;
                // Where nothing but `at+jwt` is taken, that type has told already: RFC 9068 §2.1.
                let expected = if preset.is_strictly_typed() { (200, "ok") } else { (401, "not_an_access_token") };
                assert_eq!(verdict, (expected.0, expected.1.to_owned()), "{what} {changes}");
            }
        }
    }
}

#[tokio::test]
async fn no_preset_takes_a_type_that_is_not_its_own() {
    for preset in Preset::ALL {
        let bench = of(preset).await;
        let foreign =
            ["logout+jwt", "dpop+jwt", "secevent+jwt", "oauth-authz-req+jwt", "token-introspection+jwt", "JWS", ""];
        let usual = [Some("at+jwt"), Some("JWT"), None];
        let refused = foreign.map(Some).into_iter().chain(usual.into_iter().filter(|typ| !preset.accepts_type(*typ)));
        for typ in refused {
            let what = format!("{} {typ:?}", preset.name);
            let token = signed(&bench, typ, &claims(&bench, &json!({})));
            bench.call(&token).await.assert_refused("token_type_mismatch", &what);
        }
        assert_eq!(bench.handled(), 0, "{}", preset.name);
    }
}

fn unnamed(bench: &Bench) -> String {
    let header = json!({"alg": "RS256", "typ": "at+jwt"}).to_string();
    bench.issuer.key().sign(header, bench.claims(json!({})).to_string())
}

fn allowed(options: &mut ResourceServerOptions) {
    options.issuers[0].unnamed_keys = true;
}

#[tokio::test]
async fn a_token_without_kid_is_taken_by_no_preset_of_ours() {
    for preset in Preset::ALL.into_iter().filter(|preset| preset.accepts_type(Some("at+jwt"))) {
        let bench = of(preset).await;
        bench.call(&unnamed(&bench)).await.assert_refused("key_id_missing", preset.name);
        assert_eq!(bench.issuer.fetches(), 0, "{}: refused before keys are looked at", preset.name);
    }
    assert!(Preset::ALL.iter().all(|preset| !preset.unnamed_keys));
}

#[tokio::test]
async fn a_preset_that_allows_it_is_heard() {
    let lenient: &'static Preset = Box::leak(Box::new(Preset { unnamed_keys: true, ..*Preset::GENERIC }));
    let bench = Bench::with(&|options| {
        let issuer = &options.issuers[0];
        let (name, audience) = (issuer.issuer.clone(), issuer.audience.clone());
        options.issuers[0] = IssuerOptions::new(name, lenient, audience);
    })
    .await;
    assert_eq!(bench.verdict(&unnamed(&bench)).await, (200, "ok".to_owned()));
}

#[tokio::test]
async fn a_token_without_kid_needs_exactly_one_key_that_fits() {
    let (ours, other, elliptic) = (TestKey::rsa_one(), TestKey::rsa_two(), TestKey::p256());
    let rows: [(&str, Vec<&TestKey>, (u16, &str)); 6] = [
        ("one key", vec![&ours], (200, "ok")),
        ("one of its type", vec![&elliptic, &ours], (200, "ok")),
        ("two of its type", vec![&ours, &other], (401, "key_id_missing")),
        ("none of its type", vec![&elliptic], (401, "key_id_missing")),
        ("none at all", vec![], (401, "key_id_missing")),
        ("one, of somebody else", vec![&other], (401, "signature_invalid")),
    ];
    for (what, keys, (status, reason)) in rows {
        let bench = Bench::with(&allowed).await;
        bench.issuer.publishes_keys(keys);
        assert_eq!(bench.verdict(&unnamed(&bench)).await, (status, reason.to_owned()), "{what}");
    }
}

#[tokio::test]
async fn a_key_without_a_name_is_replaced_without_an_outage() {
    let bench = Bench::with(&allowed).await;
    bench.issuer.publishes_keys([&TestKey::rsa_two()]);
    bench.call(&unnamed(&bench)).await.assert_refused("signature_invalid", "before the rotation");
    bench.advance(31);
    bench.issuer.publishes_keys([&TestKey::rsa_one()]);
    assert_eq!(bench.verdict(&unnamed(&bench)).await, (200, "ok".to_owned()));
    // The key that was replaced ends as any other.
    let header = json!({"alg": "RS256", "typ": "at+jwt"}).to_string();
    let older = TestKey::rsa_two().sign(header, bench.claims(json!({"jti": "older"})).to_string());
    bench.call(&older).await.assert_refused("signature_invalid", "the key before");
}

#[tokio::test]
async fn forgeries_without_kid_have_the_keys_fetched_once_in_30_seconds() {
    let bench = Bench::with(&allowed).await;
    assert_eq!(bench.verdict(&unnamed(&bench)).await, (200, "ok".to_owned()));
    let header = json!({"alg": "RS256", "typ": "at+jwt"}).to_string();
    let forged = |number: usize| {
        let payload = bench.claims(json!({"jti": format!("forged-{number}")})).to_string();
        TestKey::rsa_two().sign(&header, payload)
    };
    bench.advance(31);
    let before = bench.issuer.fetches();
    for number in 0..200 {
        bench.call(&forged(number)).await.assert_refused("signature_invalid", "forged");
    }
    assert_eq!(bench.issuer.fetches() - before, 1);
    // Whoever names a known key has none fetched.
    bench.advance(31);
    let named = TestKey::rsa_two().with_kid("one").access_token(&bench.claims(json!({})));
    bench.call(&named).await.assert_refused("signature_invalid", "forged under a known kid");
    assert_eq!(bench.issuer.fetches() - before, 1);
}

#[tokio::test]
async fn without_keys_there_is_no_verdict_on_a_token_without_kid() {
    let bench = Bench::with(&allowed).await;
    bench.issuer.publishes(500, &Value::Null);
    assert_eq!(bench.verdict(&unnamed(&bench)).await, (503, "keys_unavailable".to_owned()));
}

#[tokio::test]
async fn leave_for_a_missing_kid_is_none_for_a_wrong_one() {
    let bench = Bench::with(&allowed).await;
    let wrong = TestKey::rsa_one().with_kid("another").access_token(&bench.claims(json!({})));
    bench.call(&wrong).await.assert_refused("unknown_key", "another kid");
    let empty = TestKey::rsa_one().with_kid("").access_token(&bench.claims(json!({})));
    bench.call(&empty).await.assert_refused("unknown_key", "an empty kid");
}

#[tokio::test]
async fn leave_for_one_issuer_is_none_for_another() {
    let strict = Bench::new().await;
    let named = strict.options.issuers[0].clone();
    let bench = Bench::with(&move |options| {
        allowed(options);
        options.issuers.push(named.clone());
    })
    .await;
    assert_eq!(bench.verdict(&unnamed(&bench)).await, (200, "ok".to_owned()));
    bench.call(&unnamed(&strict)).await.assert_refused("key_id_missing", "the issuer without leave");
}
