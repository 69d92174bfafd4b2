//! The token endpoint as a client and a thief see it.

use crate::{domain::GrantState, protocol::GrantType, routes, testing::*};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use verification_keys::{AllowedAlgorithms, jwk_set::JwkSet, jws::CompactJws};

async fn redeem(server: &Server, form: &[(&str, &str)]) -> Answer {
    server.post_as((CLIENT, SECRET), routes::TOKEN, form).await
}

async fn fresh_code(server: &Server) -> String {
    server.code(&AUTHORIZATION_REQUEST).await
}

/// The tokens of `response` are good for nothing.
async fn assert_dead(server: &Server, response: &Value) {
    let form = [("token", response["access_token"].as_str().unwrap())];
    let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &form).await;
    assert_eq!(answer.json(), json!({ "active": false }));
    let form = [("grant_type", "refresh_token"), ("refresh_token", response["refresh_token"].as_str().unwrap())];
    assert_eq!(redeem(server, &form).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_code_becomes_an_access_token() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    let answer = redeem(&server, &exchange(&code)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    assert_eq!(answer.header(header::CONTENT_TYPE), Some("application/json"));
    let body = answer.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert_eq!(body["scope"], "mcp:read mcp:write");
    assert_eq!(body["refresh_token"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn the_access_token_is_rfc_9068_and_names_its_grant() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    let key_set = JwkSet::parse(server.get(routes::JWKS).await.body.as_bytes()).unwrap();
    let jws = CompactJws::parse(&token, &AllowedAlgorithms::default()).unwrap();
    assert_eq!((jws.header().algorithm.as_str(), jws.header().token_type.as_deref()), ("RS256", Some("at+jwt")));
    jws.verify(key_set.key(jws.header().key_id.as_deref(), jws.header().algorithm).unwrap()).unwrap();
    let claims = claims_of(&token);
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["acr", "aud", "auth_time", "client_id", "exp", "grant_id", "iat", "iss", "jti", "scope", "sub"]);
    assert_eq!(
        (&claims["iss"], &claims["aud"], &claims["client_id"]),
        (&json!(ISSUER), &json!(RESOURCE), &json!(CLIENT))
    );
    assert_eq!((&claims["iat"], &claims["exp"]), (&json!(NOW.as_second()), &json!(NOW.as_second() + 3600)));
    assert_eq!(claims["auth_time"], json!(NOW.as_second()));
    assert_eq!(claims["acr"], "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport");
    let subject = claims["sub"].as_str().unwrap();
    assert!(subject != "demo_user" && subject != CLIENT && subject == server.subject().await.as_str());
    assert!(URL_SAFE_NO_PAD.decode(claims["jti"].as_str().unwrap()).unwrap().len() >= 16);
}

#[tokio::test]
async fn two_tokens_have_different_ids() {
    let server = Server::start().await;
    let (one, two) = (claims_of(&server.token(RESOURCE).await), claims_of(&server.token(OTHER_RESOURCE).await));
    assert_ne!(one["jti"], two["jti"]);
    assert_ne!(one["grant_id"], two["grant_id"]);
    assert_eq!((&one["aud"], &two["aud"]), (&json!(RESOURCE), &json!(OTHER_RESOURCE)));
}

#[tokio::test]
async fn a_replayed_code_is_refused_and_its_grant_revoked() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    let first = redeem(&server, &exchange(&code)).await;
    let grant_id = claims_of(first.json()["access_token"].as_str().unwrap())["grant_id"].as_str().unwrap().to_owned();
    let grant_id = crate::domain::GrantId::parse(&grant_id).unwrap();
    let alive = server.services.store.grant(&grant_id).await.unwrap().unwrap();
    assert_eq!(alive.state, GrantState::Alive);
    assert_eq!(redeem(&server, &exchange(&code)).await.error(), (400, "invalid_grant".to_owned()));
    let revoked = server.services.store.grant(&grant_id).await.unwrap().unwrap();
    assert_eq!(revoked.state, GrantState::Revoked { at: NOW });
}

#[tokio::test]
async fn a_failed_replay_does_not_revoke_the_grant() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    let first = redeem(&server, &exchange(&code)).await.json();
    let other = "x".repeat(43);
    let wrong = with(&exchange(&code), &[("code_verifier", &*other)]);
    assert_eq!(redeem(&server, &wrong).await.error(), (400, "invalid_grant".to_owned()));
    let id = claims_of(first["access_token"].as_str().unwrap())["grant_id"].as_str().unwrap().to_owned();
    let grant = server.services.store.grant(&crate::domain::GrantId::parse(&id).unwrap()).await.unwrap().unwrap();
    assert_eq!(grant.state, GrantState::Alive);
}

#[tokio::test]
async fn a_code_survives_a_restart_and_a_replay_after_it_is_refused() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    let server = server.restart().await;
    let first = redeem(&server, &exchange(&code)).await;
    assert_eq!(first.status, StatusCode::OK);
    let server = server.restart().await;
    assert_eq!(redeem(&server, &exchange(&code)).await.error(), (400, "invalid_grant".to_owned()));
    assert_dead(&server, &first.json()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_parallel_redemptions_exactly_one_succeeds_and_the_others_revoke_it_as_replays() {
    let server = Arc::new(Server::start().await);
    for _ in 0..3 {
        let code = fresh_code(&server).await;
        let attempts: Vec<_> = (0..16)
            .map(|_| {
                let (server, code) = (server.clone(), code.clone());
                tokio::spawn(async move { redeem(&server, &exchange(&code)).await })
            })
            .collect();
        let mut winners = Vec::new();
        for attempt in attempts {
            let answer = attempt.await.unwrap();
            if answer.status == StatusCode::OK {
                winners.push(answer.json());
            } else {
                assert_eq!(answer.error(), (400, "invalid_grant".to_owned()));
            }
        }
        assert_eq!(winners.len(), 1);
        assert_dead(&server, &winners[0]).await;
    }
}

#[tokio::test]
async fn rejects_a_code_issued_to_another_client() {
    let server = Server::start().await;
    let public = server.register_public(&["authorization_code"]).await;
    let code = fresh_code(&server).await;
    let form = with(&exchange(&code), &[("client_id", &public)]);
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), (400, "invalid_grant".to_owned()));
    server.add_client("confidential", &[GrantType::AuthorizationCode]).await;
    let other = server.post_as(("confidential", SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(other.error(), (400, "invalid_grant".to_owned()));
    // It was not used up by the attempt.
    assert_eq!(redeem(&server, &exchange(&code)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_public_client_redeems_with_its_id_and_verifier() {
    let server = Server::start().await;
    let public = server.register_public(&["authorization_code"]).await;
    let code = server.code(&request_with(&[("client_id", &public)])).await;
    let form = with(&exchange(&code), &[("client_id", &public)]);
    assert_eq!(server.post(routes::TOKEN, &form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_verifier_has_to_be_right_and_a_wrong_one_does_not_use_up_the_code() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    let (wrong, short, huge) = ("w".repeat(43), "w".repeat(42), "w".repeat(20_000));
    for (verifier, error) in [
        (wrong.as_str(), "invalid_grant"),
        (CHALLENGE, "invalid_grant"),
        ("", "invalid_request"),
        (&short, "invalid_request"),
        (&huge, "invalid_request"),
        ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX+", "invalid_request"),
    ] {
        let answer = redeem(&server, &with(&exchange(&code), &[("code_verifier", verifier)])).await;
        assert_eq!(answer.error(), (400, error.to_owned()), "{verifier}");
    }
    assert_eq!(redeem(&server, &exchange(&code)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_redirect_uri_has_to_be_the_one_requested_or_absent() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    for other in ["http://localhost:3031/callback", "http://localhost:3030/callback/", "https://evil.example"] {
        let answer = redeem(&server, &with(&exchange(&code), &[("redirect_uri", other)])).await;
        assert_eq!(answer.error(), (400, "invalid_grant".to_owned()), "{other}");
    }
    assert_eq!(redeem(&server, &with(&exchange(&code), &[("redirect_uri", "")])).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_resource_has_to_be_the_one_granted_or_absent() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    for other in [&[("resource", OTHER_RESOURCE)][..], &[("resource", RESOURCE), ("resource", OTHER_RESOURCE)]] {
        let answer = redeem(&server, &with(&exchange(&code), other)).await;
        assert_eq!(answer.error(), (400, "invalid_target".to_owned()), "{other:?}");
    }
    let answer = redeem(&server, &with(&exchange(&code), &[("resource", "")])).await;
    assert_eq!(claims_of(answer.json()["access_token"].as_str().unwrap())["aud"], RESOURCE);
}

#[tokio::test]
async fn a_code_is_good_for_sixty_seconds() {
    let server = Server::start().await;
    let (in_time, late) = (fresh_code(&server).await, fresh_code(&server).await);
    server.clock.advance(Duration::from_secs(59));
    assert_eq!(redeem(&server, &exchange(&in_time)).await.status, StatusCode::OK);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(redeem(&server, &exchange(&late)).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_late_replay_still_revokes_the_grant() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    let first = redeem(&server, &exchange(&code)).await.json();
    server.clock.advance(Duration::from_mins(10));
    assert_eq!(redeem(&server, &exchange(&code)).await.error(), (400, "invalid_grant".to_owned()));
    let id = claims_of(first["access_token"].as_str().unwrap())["grant_id"].as_str().unwrap().to_owned();
    let grant = server.services.store.grant(&crate::domain::GrantId::parse(&id).unwrap()).await.unwrap().unwrap();
    assert!(matches!(grant.state, GrantState::Revoked { .. }));
}

#[tokio::test]
async fn a_code_that_is_none_is_an_invalid_grant() {
    let server = Server::start().await;
    for hostile in ["x", "' OR 1=1 --", &"a".repeat(43), &"a".repeat(10_000), "ä\u{0}"] {
        let answer = redeem(&server, &exchange(hostile)).await;
        assert_eq!(answer.error(), (400, "invalid_grant".to_owned()), "{hostile:?}");
    }
    assert_eq!(redeem(&server, &exchange("")[..1]).await.error(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn only_grants_that_exist_are_supported() {
    let server = Server::start().await;
    for (word, error) in [
        ("", "invalid_request"),
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("client_credentials", "unauthorized_client"),
        ("Authorization_Code", "unsupported_grant_type"),
    ] {
        let answer = redeem(&server, &with(&exchange("x"), &[("grant_type", word)])).await;
        assert_eq!(answer.error(), (400, error.to_owned()), "{word}");
    }
    let answer = server.post_as(RESOURCE_SERVER, routes::TOKEN, &exchange("x")).await;
    assert_eq!(answer.error(), (400, "unauthorized_client".to_owned()));
}

#[tokio::test]
async fn only_a_posted_form_without_a_query_is_taken() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let request = Request::builder().method(method).uri(routes::TOKEN).header(header::HOST, "localhost");
        let answer = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    let in_query = format!("{}?client_id={CLIENT}&client_secret={SECRET}", routes::TOKEN);
    assert_eq!(server.post(&in_query, &exchange(&code)).await.error(), (400, "invalid_request".to_owned()));
    let json = json!({ "grant_type": "authorization_code", "code": code });
    assert_eq!(server.post_json(routes::TOKEN, &json).await.error(), (415, "invalid_request".to_owned()));
    let none = Request::post(routes::TOKEN).header(header::HOST, "localhost").body(Body::empty()).unwrap();
    assert_eq!(server.send(none).await.error(), (415, "invalid_request".to_owned()));
}

#[tokio::test]
async fn a_repeated_parameter_is_refused_and_the_code_lives_on() {
    let server = Server::start().await;
    let code = fresh_code(&server).await;
    for name in ["grant_type", "code", "code_verifier", "redirect_uri", "client_id", "unknown"] {
        let twice: Vec<_> = exchange(&code).into_iter().chain([(name, "x"), (name, "x")]).collect();
        assert_eq!(redeem(&server, &twice).await.error(), (400, "invalid_request".to_owned()), "{name}");
    }
    assert_eq!(redeem(&server, &exchange(&code)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nothing_of_a_refused_request_is_echoed() {
    let server = Server::start().await;
    let answer = redeem(&server, &with(&exchange("<script>"), &[("scope", "<b>")])).await;
    assert!(!answer.body.contains('<') && !answer.body.contains(VERIFIER));
}
