//! Who signed in, for the client that asked.

use crate::{
    domain::{DisplayName, Email},
    routes,
    testing::*,
    token::OwnAccessToken,
};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, StatusCode, header};
use ring::digest;
use serde_json::{Value, json};
use std::time::Duration;
use verification_keys::{AllowedAlgorithms, jwk_set::JwkSet, jws::CompactJws};

const ALL: &str = "openid profile email mcp:read";

/// The token response for a code of the demo client with `scope`, asked for with a nonce.
async fn signed_in(server: &Server, scope: &str) -> Value {
    let code = server.code(&request_with(&[("scope", scope), ("nonce", "n-0S6_WzA2Mj")])).await;
    let answer = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

async fn user_info(server: &Server, authorization: &[&str]) -> Answer {
    let mut request = Request::get(routes::USERINFO).header(header::HOST, "localhost:9000");
    for value in authorization {
        request = request.header(header::AUTHORIZATION, *value);
    }
    server.send(request.body(Body::empty()).unwrap()).await
}

fn bearer(token: &Value) -> String {
    format!("Bearer {}", token["access_token"].as_str().unwrap())
}

async fn with_name_and_address(server: &Server) {
    let store = &server.services.store;
    let mut person = store.person(&server.subject().await).await.unwrap().unwrap();
    person.name = Some(DisplayName::parse("Ann Example").unwrap());
    person.email = Some(Email::parse("ann@example.com").unwrap());
    store.put_person(&person).await.unwrap();
}

#[tokio::test]
async fn the_scope_openid_gives_an_id_token_for_the_client_with_nonce_and_at_hash() {
    let server = Server::start().await;
    let response = signed_in(&server, ALL).await;
    let raw = response["id_token"].as_str().unwrap();
    let jws = CompactJws::parse(raw, &AllowedAlgorithms::default()).unwrap();
    assert!(jws.header().is_of_type("JWT"));
    let keys = JwkSet::parse(&server.services.keys.jwk_set(NOW).to_json()).unwrap();
    let key = keys.key(jws.header().key_id.as_deref(), jws.header().algorithm).unwrap();
    jws.verify(key.as_ref()).unwrap();
    let access_token = response["access_token"].as_str().unwrap();
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    let claims: Value = serde_json::from_slice(jws.payload()).unwrap();
    let expected = json!({
        "iss": ISSUER,
        "sub": server.subject().await.as_str(),
        "aud": CLIENT,
        "iat": NOW.as_second(),
        "exp": NOW.as_second() + 3600,
        "auth_time": NOW.as_second(),
        "acr": claims["acr"],
        "nonce": "n-0S6_WzA2Mj",
        "at_hash": URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]),
    });
    assert_eq!(claims, expected);
    assert_eq!(response["scope"], ALL);
}

#[tokio::test]
async fn without_the_scope_openid_there_is_no_id_token() {
    let server = Server::start().await;
    for scope in ["mcp:read", "profile email mcp:read"] {
        assert_eq!(signed_in(&server, scope).await.get("id_token"), None, "{scope}");
    }
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    let answer = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(answer.json()["scope"], "mcp:read mcp:write", "nobody gets it who did not ask");
}

#[tokio::test]
async fn an_id_token_is_no_access_token_here() {
    let server = Server::start().await;
    let response = signed_in(&server, ALL).await;
    let id_token = response["id_token"].as_str().unwrap();
    assert!(OwnAccessToken::verify(&server.services, id_token).is_none());
    let answer = user_info(&server, &[&format!("Bearer {id_token}")]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let asked = [("token", id_token)];
    let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &asked).await;
    assert_eq!(answer.json(), json!({ "active": false }));
}

#[tokio::test]
async fn user_info_tells_what_the_scope_allows_and_never_the_login_name() {
    let server = Server::start().await;
    with_name_and_address(&server).await;
    let subject = server.subject().await;
    for (scope, expected) in [
        ("openid", json!({ "sub": subject.as_str() })),
        ("openid profile", json!({ "sub": subject.as_str(), "name": "Ann Example" })),
        ("openid email", json!({ "sub": subject.as_str(), "email": "ann@example.com", "email_verified": false })),
    ] {
        let answer = user_info(&server, &[&bearer(&signed_in(&server, scope).await)]).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::OK, expected));
        assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
        assert!(!answer.body.contains("demo_user"));
    }
}

#[tokio::test]
async fn user_info_may_be_asked_by_post_with_the_token_in_the_header() {
    let server = Server::start().await;
    let mut request = post(routes::USERINFO, &[]);
    let token = bearer(&signed_in(&server, "openid").await);
    request.headers_mut().insert(header::AUTHORIZATION, token.parse().unwrap());
    assert_eq!(server.send(request).await.status, StatusCode::OK);
    let answer = server.post(routes::USERINFO, &[("access_token", token.trim_start_matches("Bearer "))]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "RFC 6750 §2.2 is not supported");
}

#[tokio::test]
async fn user_info_challenges_as_rfc_6750_has_it() {
    let server = Server::start().await;
    let without_openid = bearer(&signed_in(&server, "mcp:read").await);
    let good = bearer(&signed_in(&server, "openid").await);
    let plain = r#"Bearer realm="portcullis""#;
    for (authorization, status, challenge) in [
        (vec![], 401, plain.to_owned()),
        (vec!["Basic eDp5"], 401, plain.to_owned()),
        (vec!["Bearer garbage"], 401, format!(r#"{plain}, error="invalid_token""#)),
        (vec![&*without_openid], 403, format!(r#"{plain}, error="insufficient_scope", scope="openid""#)),
        (vec![&*good, &*good], 400, format!(r#"{plain}, error="invalid_request""#)),
    ] {
        let answer = user_info(&server, &authorization).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::WWW_AUTHENTICATE)), (status, Some(&*challenge)));
        assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    }
}

#[tokio::test]
async fn user_info_refuses_a_token_that_is_over_or_revoked() {
    let server = Server::start().await;
    let response = signed_in(&server, "openid").await;
    let token = response["access_token"].as_str().unwrap();
    let revoked = server.post_as((CLIENT, SECRET), routes::REVOKE, &[("token", token)]).await;
    assert_eq!(revoked.status, StatusCode::OK, "{}", revoked.body);
    assert_eq!(user_info(&server, &[&bearer(&response)]).await.status, StatusCode::UNAUTHORIZED);
    let over = signed_in(&server, "openid").await;
    server.clock.advance(Duration::from_hours(1));
    assert_eq!(user_info(&server, &[&bearer(&over)]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_configuration_is_the_metadata_and_what_openid_connect_adds() {
    let server = Server::start().await;
    let (oauth, openid) =
        (server.get(routes::METADATA).await.json(), server.get(routes::OPENID_CONFIGURATION).await.json());
    for (name, value) in oauth.as_object().unwrap() {
        if name != "scopes_supported" {
            assert_eq!(&openid[name], value, "{name}");
        }
    }
    assert_eq!(openid["scopes_supported"], json!(["mcp:read", "mcp:write", "openid", "profile", "email"]));
    assert_eq!(openid["userinfo_endpoint"], "http://localhost:9000/userinfo");
    assert_eq!(openid["subject_types_supported"], json!(["public"]));
    assert_eq!(openid["id_token_signing_alg_values_supported"], json!(["RS256"]));
    assert_eq!(openid["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(openid["request_uri_parameter_supported"], json!(false));
}

#[tokio::test]
async fn with_a_path_in_the_issuer_the_configuration_is_at_both_places() {
    let server = Server::with(Options { public_url: "http://localhost:9000/tenant1", ..Options::default() }).await;
    for path in ["/tenant1/.well-known/openid-configuration", "/.well-known/openid-configuration/tenant1"] {
        assert_eq!(server.get(path).await.json()["issuer"], "http://localhost:9000/tenant1", "{path}");
    }
    assert_eq!(server.get(routes::OPENID_CONFIGURATION).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_client_may_register_for_openid() {
    let server = Server::start().await;
    let metadata = json!({ "redirect_uris": [REDIRECT_URI], "scope": "openid mcp:read unknown" });
    let answer = server.post_json(routes::REGISTER, &metadata).await;
    assert_eq!((answer.status, &answer.json()["scope"]), (StatusCode::CREATED, &json!("openid mcp:read")));
}
