//! Fetching, keeping and refreshing while the issuer is well.

use serde_json::json;
use verification_keys::{
    AllowedAlgorithms, Clock as _, SigningAlgorithm,
    issuer::{HttpHosts, Issuer},
    jwk_set::{JwkSetSource, KeyLookup},
    jws::{CompactJws, JwsError},
    metadata::Overrides,
    testing::TestKey,
};

use crate::issuer::{JWKS, Reply, ScriptedIssuer, Setting};

#[tokio::test]
async fn a_cold_cache_asks_the_issuer_once_for_any_number_of_tokens() {
    let key = TestKey::rsa_one();
    let setting = Setting::cold(ScriptedIssuer::with_keys([&key]).await);
    assert_eq!((setting.keys.is_ready(), setting.keys.version(), setting.keys.age()), (false, 0, None));
    setting.issuer.hold();
    let lookups: Vec<_> = (0..200)
        .map(|_| {
            let (keys, now) = (setting.keys.clone(), setting.clock.now());
            tokio::spawn(async move { keys.key("one", SigningAlgorithm::Rs256, now).await })
        })
        .collect();
    tokio::task::yield_now().await;
    setting.issuer.release();
    for lookup in lookups {
        assert!(matches!(lookup.await.unwrap(), KeyLookup::Found(found) if *found == key.public()));
    }
    assert_eq!(setting.fetches(), 1);
    assert!(setting.keys.is_ready());
}

#[tokio::test]
async fn a_warm_cache_answers_without_waiting_or_asking() {
    let key = TestKey::rsa_one();
    let setting = Setting::warm([&key]).await;
    for _ in 0..1_000 {
        assert!(setting.has(&key));
        assert!(matches!(setting.look_up(&key).await, KeyLookup::Found(_)));
    }
    assert!(!setting.has(&TestKey::rsa_two()));
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn bad_signatures_under_a_known_kid_ask_for_nothing() {
    let key = TestKey::rsa_one();
    let setting = Setting::warm([&key]).await;
    for number in 0..100 {
        let forged = TestKey::rsa_two().with_kid("one").access_token(&json!({ "n": number }));
        let jws = CompactJws::parse(&forged, &AllowedAlgorithms::default()).unwrap();
        let found = setting.keys.cached_key("one", jws.header().algorithm).unwrap();
        assert_eq!(jws.verify(&found), Err(JwsError::SignatureInvalid));
    }
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn a_known_kid_with_another_algorithm_asks_for_nothing() {
    let key = TestKey::rsa_one();
    let setting = Setting::warm([&key]).await;
    for algorithm in [SigningAlgorithm::Ps256, SigningAlgorithm::Es256, SigningAlgorithm::EdDsa] {
        let found = setting.keys.key("one", algorithm, setting.clock.now()).await;
        assert!(matches!(found, KeyLookup::Found(found) if !found.is_for(algorithm)));
    }
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn keys_are_refreshed_in_the_background_before_their_time_is_up() {
    let key = TestKey::rsa_one();
    let setting = Setting::warm([&key]).await;
    setting.advance(479);
    assert!(setting.has(&key));
    setting.issuer.hold();
    setting.advance(1);
    for _ in 0..100 {
        assert!(setting.has(&key), "nobody waits for the refresh");
    }
    setting.issuer.answers(JWKS, Reply::keys([&key, &TestKey::rsa_two()]));
    setting.issuer.release();
    setting.keys.refresh().await.unwrap();
    assert_eq!(setting.fetches(), 2);
    assert_eq!(setting.keys.age(), Some(std::time::Duration::ZERO));
}

#[tokio::test]
async fn keys_whose_time_is_up_are_fetched_before_they_are_used() {
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    let patient = verification_keys::jwk_set::RemoteOptions::default();
    let clock = std::sync::Arc::clone(&setting.clock) as std::sync::Arc<dyn verification_keys::Clock>;
    let source = JwkSetSource::Url(setting.issuer.url(JWKS));
    let keys = verification_keys::jwk_set::RemoteJwkSet::new(source, crate::issuer::client(), clock, patient);
    keys.refresh().await.unwrap();
    setting.issuer.answers(JWKS, Reply::keys([&TestKey::rsa_two()]));
    setting.advance(600);
    assert_eq!(keys.cached_key("one", SigningAlgorithm::Rs256), None);
    let old = keys.key("one", SigningAlgorithm::Rs256, setting.clock.now()).await;
    assert_eq!(old, KeyLookup::UnknownInFreshSet);
    assert!(keys.cached_key("two", SigningAlgorithm::Rs256).is_some());
    assert_eq!(setting.fetches(), 3);
}

#[tokio::test]
async fn a_withdrawn_key_ends_at_the_next_refresh() {
    let (withdrawn, kept) = (TestKey::rsa_one(), TestKey::rsa_two());
    let setting = Setting::warm([&withdrawn, &kept]).await;
    let version = setting.keys.version();
    setting.keys.refresh().await.unwrap();
    assert_eq!(setting.keys.version(), version, "the same keys are no new version");
    assert!(setting.keys.holds(&withdrawn.public()));
    setting.issuer.answers(JWKS, Reply::keys([&kept]));
    setting.keys.refresh().await.unwrap();
    assert_ne!(setting.keys.version(), version);
    assert!(!setting.keys.holds(&withdrawn.public()));
    assert!(setting.keys.holds(&kept.public()));
    assert!(!setting.has(&withdrawn));
}

#[tokio::test]
async fn another_key_under_the_same_kid_replaces_the_first() {
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    let replacement = TestKey::rsa_two().with_kid("one");
    setting.issuer.answers(JWKS, Reply::keys([&replacement]));
    setting.keys.refresh().await.unwrap();
    assert!(!setting.keys.holds(&TestKey::rsa_one().public()));
    assert!(setting.keys.holds(&replacement.public()));
}

#[tokio::test]
async fn an_issuer_may_withdraw_every_key() {
    let key = TestKey::rsa_one();
    let setting = Setting::warm([&key]).await;
    setting.issuer.answers(JWKS, Reply::json(&json!({"keys": []})));
    setting.keys.refresh().await.unwrap();
    assert!(!setting.has(&key) && !setting.keys.holds(&key.public()));
    assert_eq!(setting.look_up(&key).await, KeyLookup::UnknownInFreshSet);
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_end_the_fetch_for_the_others() {
    let key = TestKey::rsa_one();
    let setting = Setting::cold(ScriptedIssuer::with_keys([&key]).await);
    setting.issuer.hold();
    let (keys, now) = (setting.keys.clone(), setting.clock.now());
    let impatient = tokio::spawn(async move { keys.key("one", SigningAlgorithm::Rs256, now).await });
    setting.until_fetched(1).await;
    impatient.abort();
    assert!(impatient.await.unwrap_err().is_cancelled());
    setting.issuer.release();
    assert!(matches!(setting.look_up(&key).await, KeyLookup::Found(_)));
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn a_token_without_a_kid_is_for_the_only_key_that_fits() {
    let setting = Setting::cold(ScriptedIssuer::with_keys([&TestKey::rsa_one(), &TestKey::p256()]).await);
    assert_eq!(*setting.keys.only_key(SigningAlgorithm::Rs256).await.unwrap(), TestKey::rsa_one().public());
    assert_eq!(setting.keys.only_key(SigningAlgorithm::EdDsa).await, None);
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn the_only_key_is_fetched_anew_at_most_once_in_30_seconds() {
    let (old, new) = (TestKey::rsa_one(), TestKey::rsa_two());
    let setting = Setting::warm([&old]).await;
    let fetched = setting.fetches();
    setting.issuer.answers(JWKS, Reply::keys([&new]));
    setting.advance(31);
    assert_eq!(*setting.keys.only_key_after_refetch(SigningAlgorithm::Rs256).await.unwrap(), new.public());
    for _ in 0..100 {
        assert_eq!(setting.keys.only_key_after_refetch(SigningAlgorithm::Rs256).await, None, "within the cooldown");
    }
    assert_eq!(setting.fetches() - fetched, 1);
    setting.issuer.answers(JWKS, Reply::keys([&old, &new]));
    setting.advance(31);
    assert_eq!(setting.keys.only_key_after_refetch(SigningAlgorithm::Rs256).await, None, "two fit by now");
    assert_eq!(setting.fetches() - fetched, 2);
}

#[tokio::test]
async fn metadata_says_where_the_keys_are_and_is_asked_once() {
    const METADATA: &str = "/.well-known/oauth-authorization-server";
    let key = TestKey::rsa_one();
    let issuer = ScriptedIssuer::with_keys([&key]).await;
    let document = |jwks: &str| json!({"issuer": issuer.origin(), "jwks_uri": issuer.url(jwks).as_str()});
    issuer.answers(METADATA, Reply::json(&document(JWKS)));
    let parsed = Issuer::parse(issuer.origin(), &HttpHosts::default()).unwrap();
    let source = JwkSetSource::Issuer { issuer: parsed, overrides: Overrides::default() };
    let setting = Setting::with_source(issuer.clone(), source);
    assert!(setting.keys.metadata().is_none());
    setting.keys.refresh().await.unwrap();
    setting.keys.refresh().await.unwrap();
    assert_eq!((issuer.count(METADATA), issuer.count(JWKS)), (1, 2));
    assert_eq!(setting.keys.metadata().unwrap().jwks_uri, issuer.url(JWKS));

    // The keys move: the old place fails, and the next fetch asks where they are now.
    issuer.answers(METADATA, Reply::json(&document("/moved")));
    issuer.answers("/moved", Reply::keys([&key]));
    issuer.answers(JWKS, Reply::new(404, ""));
    setting.keys.refresh().await.unwrap_err();
    setting.keys.refresh().await.unwrap();
    assert_eq!((issuer.count(METADATA), issuer.count("/moved")), (2, 1));
}
