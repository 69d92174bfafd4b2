//! Tokens that name keys which are not there.

use verification_keys::{Clock as _, SigningAlgorithm, jwk_set::KeyLookup, testing::TestKey};

use crate::issuer::{JWKS, Reply, ScriptedIssuer, Setting};

async fn look_up(setting: &Setting, kid: &str) -> KeyLookup {
    setting.keys.key(kid, SigningAlgorithm::Rs256, setting.clock.now()).await
}

#[tokio::test]
async fn a_flood_of_unknown_kids_asks_the_issuer_once_per_cooldown() {
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    setting.advance(1);
    for second in 0..30 {
        for number in 0..300 {
            let verdict = look_up(&setting, &format!("{second}-{number}")).await;
            let first = (second, number) == (0, 0);
            let older = second > 0;
            assert_eq!(verdict == KeyLookup::UnknownInOlderSet, older, "{second} {number} {first}");
        }
        setting.advance(1);
    }
    assert_eq!(setting.fetches(), 2, "the first fetch and one for the flood");
    look_up(&setting, "one more").await;
    look_up(&setting, "and another").await;
    assert_eq!(setting.fetches(), 3, "the cooldown is over");
}

#[tokio::test]
async fn a_flood_on_a_cold_cache_asks_the_issuer_once() {
    let setting = Setting::cold(ScriptedIssuer::with_keys([&TestKey::rsa_one()]).await);
    let lookups: Vec<_> = (0..300)
        .map(|number| {
            let (keys, now) = (setting.keys.clone(), setting.clock.now());
            tokio::spawn(async move { keys.key(&number.to_string(), SigningAlgorithm::Rs256, now).await })
        })
        .collect();
    for lookup in lookups {
        assert_eq!(lookup.await.unwrap(), KeyLookup::UnknownInFreshSet);
    }
    setting.advance(10);
    assert_eq!(look_up(&setting, "another").await, KeyLookup::UnknownInOlderSet);
    assert_eq!(setting.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_at_once_and_by_one_fetch_for_all_who_wait() {
    let new = TestKey::rsa_two();
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    setting.advance(1);
    setting.issuer.answers(JWKS, Reply::keys([&TestKey::rsa_one(), &new]));
    setting.issuer.hold();
    let lookups: Vec<_> = (0..100)
        .map(|_| {
            let (keys, now) = (setting.keys.clone(), setting.clock.now());
            tokio::spawn(async move { keys.key("two", SigningAlgorithm::Rs256, now).await })
        })
        .collect();
    setting.until_fetched(2).await;
    setting.issuer.release();
    for lookup in lookups {
        assert!(matches!(lookup.await.unwrap(), KeyLookup::Found(found) if *found == new.public()));
    }
    assert_eq!(setting.fetches(), 2);
}

#[tokio::test]
async fn a_real_rotation_is_picked_up_in_the_middle_of_a_flood() {
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    setting.advance(1);
    look_up(&setting, "flood").await;
    setting.issuer.answers(JWKS, Reply::keys([&TestKey::rsa_one(), &TestKey::rsa_two()]));
    setting.advance(1);
    assert_eq!(look_up(&setting, "two").await, KeyLookup::UnknownInOlderSet, "the cooldown holds");
    assert_eq!(setting.fetches(), 2);
    setting.advance(29);
    look_up(&setting, "more flood").await;
    assert!(matches!(look_up(&setting, "two").await, KeyLookup::Found(_)));
    assert_eq!(setting.fetches(), 3);
}

#[tokio::test]
async fn the_same_unknown_kid_is_not_asked_for_again_for_a_while() {
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    setting.advance(1);
    assert_eq!(look_up(&setting, "x").await, KeyLookup::UnknownInFreshSet);
    setting.advance(60);
    assert_eq!(look_up(&setting, "x").await, KeyLookup::UnknownInOlderSet);
    assert_eq!(setting.fetches(), 2, "known as unknown, though the cooldown is over");
    setting.keys.refresh().await.unwrap();
    setting.advance(1);
    assert_eq!(look_up(&setting, "x").await, KeyLookup::UnknownInFreshSet);
    assert_eq!(setting.fetches(), 4, "a successful fetch empties what is known as unknown");
    setting.advance(300);
    look_up(&setting, "x").await;
    assert_eq!(setting.fetches(), 5, "and so does time");
}

#[tokio::test]
async fn a_set_fetched_after_the_token_arrived_says_no_for_good_without_a_fetch() {
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    let arrived = setting.clock.now();
    setting.advance(5);
    setting.keys.refresh().await.unwrap();
    let verdict = setting.keys.key("x", SigningAlgorithm::Rs256, arrived).await;
    assert_eq!(verdict, KeyLookup::UnknownInFreshSet);
    assert_eq!(setting.fetches(), 2);
}

#[tokio::test]
async fn a_refetch_that_fails_leaves_the_older_verdict_and_is_not_repeated_at_once() {
    let setting = Setting::warm([&TestKey::rsa_one()]).await;
    setting.advance(1);
    setting.issuer.answers(JWKS, Reply::new(500, ""));
    for number in 0..100 {
        assert_eq!(look_up(&setting, &number.to_string()).await, KeyLookup::UnknownInOlderSet);
    }
    assert_eq!(setting.fetches(), 2);
    assert!(setting.has(&TestKey::rsa_one()));
}
