//! An issuer that fails: what is known stays, for a while; what is not known is not believed.

use serde_json::json;
use verification_keys::{
    http::CallError,
    jwk_set::{FetchError, JwkSetError, KeyLookup},
    testing::{TestKey, jwk_set},
};

use crate::issuer::{JWKS, Reply, ScriptedIssuer, Setting, many_keys};

/// Lets the issuer answer `reply`, in which the second key may be, and returns the error; the first key stays.
async fn failure(reply: Reply) -> String {
    let (held, offered) = (TestKey::rsa_one(), TestKey::rsa_two());
    let setting = Setting::warm([&held]).await;
    setting.issuer.answers(JWKS, reply);
    let error = setting.keys.refresh().await.unwrap_err();
    assert!(setting.has(&held) && setting.keys.holds(&held.public()));
    assert!(!setting.has(&offered));
    assert_eq!((setting.keys.version(), setting.fetches()), (1, 2));
    match &*error {
        FetchError::Call(CallError::NoAnswer(_)) => "no answer".to_owned(),
        other => other.to_string(),
    }
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_changes_nothing() {
    let no_set = FetchError::JwkSet(JwkSetError::NotAJwkSet).to_string();
    let good = jwk_set([&TestKey::rsa_two()]);
    for body in
        ["", "<html><body>sorry</body></html>", "{\"keys\":[", "null", "[]", "{}", "{\"keys\":{}}", "\u{1f}\u{8b}"]
    {
        assert_eq!(failure(Reply::new(200, body)).await, no_set, "{body:?}");
    }
    assert_eq!(failure(Reply::json(&json!([good]))).await, no_set);
    assert_eq!(failure(Reply::new(200, format!("{good}{good}"))).await, no_set);
}

#[tokio::test]
async fn any_status_but_200_changes_nothing() {
    let good = jwk_set([&TestKey::rsa_two()]).to_string();
    for status in [201, 203, 304, 400, 401, 403, 404, 429, 500, 502, 503] {
        let expected = FetchError::Status(status).to_string();
        assert_eq!(failure(Reply::new(status, good.clone())).await, expected, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (held, offered) = (TestKey::rsa_one(), TestKey::rsa_two());
    let setting = Setting::warm([&held]).await;
    setting.issuer.answers("/elsewhere", Reply::keys([&offered]));
    for status in [301, 302, 303, 307, 308] {
        setting.issuer.answers(JWKS, Reply::new(status, "").with("location", "/elsewhere"));
        let error = setting.keys.refresh().await.unwrap_err();
        assert!(matches!(*error, FetchError::Status(found) if found == status));
    }
    assert_eq!(setting.issuer.count("/elsewhere"), 0);
    assert!(setting.has(&held) && !setting.has(&offered));
}

#[tokio::test]
async fn an_answer_that_breaks_off_changes_nothing() {
    let good = jwk_set([&TestKey::rsa_two()]).to_string();
    assert_eq!(failure(Reply::broken_off(good.clone())).await, "no answer");
    assert_eq!(failure(Reply::broken_off(&good.as_bytes()[..40])).await, "no answer");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    const TOO_LONG: &str = "the key set could not be read";
    assert_eq!(failure(Reply::blank(50 * 1024 * 1024)).await, TOO_LONG);
    assert_eq!(failure(Reply::json(&many_keys(20_000))).await, TOO_LONG);
    assert_eq!(failure(Reply::new(200, vec![b' '; 256 * 1024 + 1])).await, TOO_LONG);
}

#[tokio::test]
async fn a_set_of_too_many_keys_is_refused_as_a_whole() {
    let mut keys = many_keys(100);
    keys["keys"].as_array_mut().unwrap().push(TestKey::rsa_two().jwk());
    assert_eq!(failure(Reply::json(&keys)).await, FetchError::JwkSet(JwkSetError::TooManyKeys).to_string());
}

#[tokio::test]
async fn one_bad_key_does_not_take_the_good_ones_with_it() {
    let good = TestKey::rsa_one();
    let issuer = ScriptedIssuer::start().await;
    let hostile = [
        json!({"kty": "oct", "kid": "one", "k": "AAAA"}),
        json!({"kty": "RSA", "kid": "one", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "one", "e": "AQ", "n": good.jwk()["n"]}),
        json!(null),
        good.jwk(),
    ];
    issuer.answers(JWKS, Reply::json(&json!({ "keys": hostile })));
    let setting = Setting::cold(issuer);
    assert!(matches!(setting.look_up(&good).await, KeyLookup::Found(found) if *found == good.public()));
}

#[tokio::test]
async fn the_last_good_keys_serve_for_an_hour_after_their_time_and_no_longer() {
    let key = TestKey::rsa_one();
    let setting = Setting::warm([&key]).await;
    setting.issuer.answers(JWKS, Reply::new(503, ""));
    setting.keys.refresh().await.unwrap_err();
    // Ten minutes fresh, then an hour on trust: asked for every minute, nobody is refused.
    for _ in 0..69 {
        setting.advance(60);
        assert!(matches!(setting.look_up(&key).await, KeyLookup::Found(_)));
        assert!(setting.keys.holds(&key.public()) && setting.keys.is_ready());
    }
    setting.advance(59);
    assert!(matches!(setting.look_up(&key).await, KeyLookup::Found(_)));
    setting.advance(1);
    assert_eq!(setting.look_up(&key).await, KeyLookup::NoKeys);
    assert!(!setting.has(&key) && !setting.keys.holds(&key.public()) && !setting.keys.is_ready());
    setting.issuer.answers(JWKS, Reply::keys([&key]));
    setting.advance(10);
    assert!(matches!(setting.look_up(&key).await, KeyLookup::Found(_)));
}

#[tokio::test]
async fn a_failing_issuer_is_asked_at_most_once_per_retry_time() {
    let key = TestKey::rsa_one();
    let setting = Setting::cold(ScriptedIssuer::start().await);
    for _ in 0..100 {
        assert_eq!(setting.look_up(&key).await, KeyLookup::NoKeys);
    }
    assert_eq!(setting.fetches(), 1);
    setting.advance(9);
    assert_eq!(setting.look_up(&key).await, KeyLookup::NoKeys);
    assert_eq!(setting.fetches(), 1);
    setting.issuer.answers(JWKS, Reply::keys([&key]));
    setting.advance(1);
    assert!(matches!(setting.look_up(&key).await, KeyLookup::Found(_)), "back within the retry time");
    assert_eq!(setting.fetches(), 2);
}

#[tokio::test]
async fn an_issuer_that_hangs_holds_up_nobody_who_has_a_key() {
    let key = TestKey::rsa_one();
    let setting = Setting::warm([&key]).await;
    setting.issuer.answers(JWKS, Reply::hanging());
    setting.advance(500);
    assert!(setting.has(&key), "the refresh is due");
    setting.until_fetched(2).await;
    setting.advance(100);
    assert!(matches!(setting.look_up(&key).await, KeyLookup::Found(_)), "the keys' time is up");
    assert_eq!(setting.fetches(), 2);
}

#[tokio::test]
async fn an_issuer_that_is_not_there_is_no_answer() {
    let key = TestKey::rsa_one();
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{gone}/jwks").parse().unwrap();
    let source = verification_keys::jwk_set::JwkSetSource::Url(url);
    let setting = Setting::with_source(ScriptedIssuer::start().await, source);
    assert_eq!(setting.look_up(&key).await, KeyLookup::NoKeys);
    let error = setting.keys.refresh().await.unwrap_err();
    assert!(matches!(*error, FetchError::Call(CallError::NoAnswer(_))));
}
