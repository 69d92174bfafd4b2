//! For how long the issuer's word is taken.

use verification_keys::testing::TestKey;

use crate::issuer::{JWKS, Reply, ScriptedIssuer, Setting};

/// For how many seconds keys served with these headers are used without being fetched again.
async fn fresh_for(headers: &[(&'static str, &str)]) -> u64 {
    let key = TestKey::rsa_one();
    let issuer = ScriptedIssuer::start().await;
    let reply = headers.iter().fold(Reply::keys([&key]), |reply, (name, value)| reply.with(name, *value));
    issuer.answers(JWKS, reply);
    let setting = Setting::cold(issuer);
    setting.keys.refresh().await.unwrap();
    // Down from now on, so that only what was fetched counts.
    setting.issuer.hold();
    let mut seconds = 0;
    while setting.has(&key) {
        setting.advance(20);
        seconds += 20;
        assert!(seconds <= 100_000);
    }
    seconds
}

#[tokio::test]
async fn keys_are_fresh_for_as_long_as_the_issuer_says() {
    assert_eq!(fresh_for(&[("cache-control", "public, max-age=1200")]).await, 1_200);
    assert_eq!(fresh_for(&[("cache-control", "max-age=1200"), ("age", "200")]).await, 1_000);
}

#[tokio::test]
async fn keys_are_fresh_for_ten_minutes_when_the_issuer_does_not_say() {
    assert_eq!(fresh_for(&[]).await, 600);
    assert_eq!(fresh_for(&[("cache-control", "nonsense")]).await, 600);
}

#[tokio::test]
async fn keys_are_fresh_for_a_minute_at_least_and_a_day_at_most() {
    for short in ["no-store", "no-cache", "max-age=0", "max-age=59"] {
        assert_eq!(fresh_for(&[("cache-control", short)]).await, 60, "{short}");
    }
    for long in ["max-age=86401", "max-age=31536000", "max-age=999999999999999999999"] {
        assert_eq!(fresh_for(&[("cache-control", long)]).await, 86_400, "{long}");
    }
}
