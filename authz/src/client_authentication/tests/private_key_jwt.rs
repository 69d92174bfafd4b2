//! `private_key_jwt`: every rule of RFC 7523 §3 and rfc7523bis, both ways.

use super::*;
use crate::outgoing::{AllowedAddresses, testing::*};
use serde_json::Value;
use std::time::Duration;
use verification_keys::testing::{TestKey, jwk_set};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A client that registered `keys`.
async fn registered(server: &Server, keys: (&str, Value)) -> String {
    let metadata = json!({
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "private_key_jwt",
        keys.0: keys.1,
    });
    let answer = server.post_json(routes::REGISTER, &metadata).await;
    assert_eq!(answer.status, http::StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.json()[keys.0], keys.1);
    assert!(answer.json().get("client_secret").is_none());
    answer.json()["client_id"].as_str().unwrap().to_owned()
}

async fn with_keys() -> (Server, String) {
    let server = Server::start().await;
    let id = registered(&server, ("jwks", jwk_set([&TestKey::rsa_one(), &TestKey::p256()]))).await;
    (server, id)
}

/// Right claims of `client`, some of them changed; `null` leaves one out.
fn claims(client: &str, changes: &Value) -> Value {
    let now = NOW.as_second();
    let mut claims = json!({
        "iss": client, "sub": client, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": "one",
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    claims
}

fn signed(key: &TestKey, claims: &Value) -> String {
    let header = json!({ "alg": key.algorithm().as_str(), "kid": key.kid() });
    key.sign(header.to_string(), claims.to_string())
}

async fn present(server: &Server, assertion: &str) -> (u16, String, bool) {
    attempt(server, &[], &[("client_assertion_type", TYPE), ("client_assertion", assertion)]).await
}

fn unavailable() -> (u16, String, bool) {
    (503, "temporarily_unavailable".to_owned(), false)
}

#[tokio::test]
async fn an_assertion_signed_by_a_registered_key_authenticates_with_or_without_client_id() {
    let (server, id) = with_keys().await;
    let first = signed(&TestKey::rsa_one(), &claims(&id, &json!({})));
    assert_eq!(present(&server, &first).await, authenticated());
    let second = signed(&TestKey::p256(), &claims(&id, &json!({ "jti": "two", "aud": [ISSUER] })));
    let form = [("client_assertion_type", TYPE), ("client_assertion", second.as_str()), ("client_id", id.as_str())];
    assert_eq!(attempt(&server, &[], &form).await, authenticated());
    let typed = json!({ "alg": "RS256", "kid": "one", "typ": "client-authentication+jwt" });
    let typed = TestKey::rsa_one().sign(typed.to_string(), claims(&id, &json!({ "jti": "three" })).to_string());
    assert_eq!(present(&server, &typed).await, authenticated());
}

#[tokio::test]
async fn a_jti_is_good_once_also_after_a_restart_and_another_client_may_use_it() {
    let (server, id) = with_keys().await;
    let assertion = signed(&TestKey::rsa_one(), &claims(&id, &json!({})));
    assert_eq!(present(&server, &assertion).await, authenticated());
    assert_eq!(present(&server, &assertion).await, invalid_client(false));
    let server = server.restart().await;
    assert_eq!(present(&server, &assertion).await, invalid_client(false));
    let other = registered(&server, ("jwks", jwk_set([&TestKey::rsa_one()]))).await;
    assert_eq!(present(&server, &signed(&TestKey::rsa_one(), &claims(&other, &json!({})))).await, authenticated());
}

#[tokio::test]
async fn a_forged_assertion_does_not_use_up_a_jti() {
    let (server, id) = with_keys().await;
    let right = claims(&id, &json!({}));
    let forged = signed(&TestKey::rsa_two().with_kid("one"), &right);
    assert_eq!(present(&server, &forged).await, invalid_client(false));
    assert_eq!(present(&server, &signed(&TestKey::rsa_one(), &right)).await, authenticated());
}

#[tokio::test]
async fn every_claim_has_to_be_right() {
    let (server, id) = with_keys().await;
    let now = NOW.as_second();
    for changes in [
        json!({ "aud": null }),
        json!({ "aud": "http://localhost:9000/" }),
        json!({ "aud": "http://localhost:9000/oauth2/token" }),
        json!({ "aud": [ISSUER, "http://localhost:9000/oauth2/token"] }),
        json!({ "aud": [] }),
        json!({ "iss": null }),
        json!({ "iss": CLIENT }),
        json!({ "sub": null }),
        json!({ "sub": CLIENT }),
        json!({ "iss": CLIENT, "sub": CLIENT }),
        json!({ "exp": null }),
        json!({ "exp": now - 61 }),
        json!({ "exp": now + 4000 }),
        json!({ "exp": "soon" }),
        json!({ "iat": now + 120 }),
        json!({ "nbf": now + 120 }),
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": 1 }),
    ] {
        let assertion = signed(&TestKey::rsa_one(), &claims(&id, &changes));
        assert_eq!(present(&server, &assertion).await, invalid_client(false), "{changes}");
    }
    let old = claims(&id, &json!({ "exp": now - 30 }));
    assert_eq!(present(&server, &signed(&TestKey::rsa_one(), &old)).await, authenticated(), "clocks differ");
}

#[tokio::test]
async fn only_an_asymmetric_signature_of_this_kind_of_token_counts() {
    let (server, id) = with_keys().await;
    let right = claims(&id, &json!({})).to_string();
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256", "kid": "one" }),
        json!({ "alg": "RS512", "kid": "one" }),
        json!({ "alg": "RS256", "kid": "unknown" }),
        json!({ "alg": "RS256", "kid": "one", "typ": "at+jwt" }),
        json!({ "alg": "RS256", "kid": "one", "typ": "oauth-id-jag+jwt" }),
        json!({ "alg": "RS256", "kid": "one", "crit": ["exp"] }),
    ] {
        let assertion = TestKey::rsa_one().sign(header.to_string(), &right);
        assert_eq!(present(&server, &assertion).await, invalid_client(false), "{header}");
    }
    for raw in ["", "x", "a.b.c", &"x".repeat(20_000)] {
        assert_eq!(present(&server, raw).await.0, 401, "{}", raw.len());
    }
}

#[tokio::test]
async fn the_method_is_the_registered_one_and_the_only_one_of_the_request() {
    let (server, id) = with_keys().await;
    let assertion = signed(&TestKey::rsa_one(), &claims(&id, &json!({})));
    let form = |kind| [("client_assertion_type", kind), ("client_assertion", assertion.as_str())];
    assert_eq!(attempt(&server, &[], &form("urn:other")).await, invalid_client(false));
    assert_eq!(attempt(&server, &[], &[("client_assertion", &assertion)]).await, invalid_client(false));
    assert_eq!(attempt(&server, &[], &[("client_id", &id)]).await, invalid_client(false));
    assert_eq!(attempt(&server, &[], &[("client_id", &id), ("client_secret", "x")]).await, invalid_client(false));
    assert_eq!(attempt(&server, &[&basic(CLIENT, SECRET)], &form(TYPE)).await, invalid_request());
    let with_secret = [&form(TYPE)[..], &[("client_secret", SECRET)]].concat();
    assert_eq!(attempt(&server, &[], &with_secret).await, invalid_request());
    let for_another = [&form(TYPE)[..], &[("client_id", CLIENT)]].concat();
    assert_eq!(attempt(&server, &[], &for_another).await, invalid_request());
    let by_demo = signed(&TestKey::rsa_one(), &claims(CLIENT, &json!({})));
    assert_eq!(present(&server, &by_demo).await, invalid_client(false), "that one has a secret");
}

#[tokio::test]
async fn keys_of_a_registration_are_public_and_usable() {
    let server = Server::start().await;
    let mut private = TestKey::rsa_one().jwk();
    private["d"] = json!("AQAB");
    for jwks in [
        json!(null),
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": [private] }),
        json!({ "keys": [TestKey::rsa_one().jwk(), { "kty": "oct", "k": "c2VjcmV0" }] }),
        json!("https://app.example/jwks"),
    ] {
        let metadata = json!({
            "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks,
        });
        let answer = server.post_json(routes::REGISTER, &metadata).await;
        assert_eq!(answer.error(), (400, "invalid_client_metadata".to_owned()), "{jwks}");
    }
}

#[tokio::test]
async fn keys_at_an_address_are_fetched_and_a_forbidden_address_is_not_called() {
    let site = Site::start().await;
    site.answers("200 OK", "content-type: application/json\r\n", &jwk_set([&TestKey::rsa_one()]).to_string());
    for (allowed, expected, requests) in
        [(AllowedAddresses::Public, unavailable(), 0), (AllowedAddresses::PublicAndLoopback, authenticated(), 1)]
    {
        let outgoing = Some(site.outgoing(Names::of([(HOST, &["127.0.0.1"])]), allowed));
        let server = Server::with(Options { outgoing, ..Options::default() }).await;
        let id = registered(&server, ("jwks_uri", json!(site.url("/jwks")))).await;
        let assertion = signed(&TestKey::rsa_one(), &claims(&id, &json!({})));
        assert_eq!(present(&server, &assertion).await, expected);
        assert_eq!(site.requests(), requests);
        assert_eq!(site.connections(), requests);
    }
}

#[tokio::test]
async fn keys_out_of_reach_are_503_with_retry_after_and_a_key_that_is_not_there_is_an_invalid_client() {
    let site = Site::start().await;
    let outgoing = Some(site.outgoing(Names::of([(HOST, &["127.0.0.1"])]), AllowedAddresses::PublicAndLoopback));
    let server = Server::with(Options { outgoing, ..Options::default() }).await;
    let keys = jwk_set([&TestKey::rsa_one()]).to_string();
    let id = registered(&server, ("jwks_uri", json!(site.url("/jwks")))).await;
    let right = signed(&TestKey::rsa_one(), &claims(&id, &json!({})));
    for (status, body) in [("500 Internal Server Error", ""), ("404 Not Found", "gone"), ("200 OK", "<html>")] {
        site.answers(status, "", body);
        let form = [("client_assertion_type", TYPE), ("client_assertion", right.as_str())];
        let answer = server.post(routes::TOKEN, &with(&exchange("x"), &form)).await;
        assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()), "{status}");
        assert_eq!(answer.header(header::RETRY_AFTER), Some("2"));
        server.clock.advance(Duration::from_secs(10));
    }
    site.answers("200 OK", "", &keys);
    for kid in ["absent", "absent too"] {
        let absent = signed(&TestKey::rsa_two().with_kid(kid), &claims(&id, &json!({})));
        assert_eq!(present(&server, &absent).await, invalid_client(false), "{kid}");
    }
    assert_eq!(present(&server, &right).await, authenticated(), "it was not used up");
    site.answers("500 Internal Server Error", "", "");
    server.clock.advance(Duration::from_mins(5));
    let later = json!({ "jti": "two", "exp": NOW.as_second() + 400 });
    let second = signed(&TestKey::rsa_one(), &claims(&id, &later));
    assert_eq!(present(&server, &second).await, authenticated(), "the keys at hand serve on");
    let unknown = signed(&TestKey::rsa_two().with_kid("new"), &claims(&id, &later));
    assert_eq!(present(&server, &unknown).await, unavailable());
}

#[tokio::test]
async fn keys_survive_a_restart() {
    let (server, id) = with_keys().await;
    let id = crate::protocol::ClientId::parse(&id).unwrap();
    let before = server.services.store.client(&id).await.unwrap().unwrap();
    let server = server.restart().await;
    assert_eq!(server.services.store.client(&id).await.unwrap(), Some(before));
    server.clock.advance(Duration::from_secs(1));
}

#[tokio::test]
async fn the_metadata_names_the_method_and_its_algorithms() {
    let server = Server::start().await;
    let metadata = server.get(routes::METADATA).await.json();
    for endpoint in ["token", "revocation", "introspection"] {
        let methods = metadata[format!("{endpoint}_endpoint_auth_methods_supported")].as_array().unwrap();
        assert!(methods.contains(&json!("private_key_jwt")), "{endpoint}");
        let algorithms = &metadata[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")];
        assert_eq!(algorithms, &json!(["RS256", "PS256", "ES256", "EdDSA"]), "{endpoint}");
    }
}
