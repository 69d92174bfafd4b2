//! Introspection as resource servers and others see it.

use crate::{
    domain::GrantId,
    protocol::{ClientId, Resource},
    routes,
    testing::*,
    token::ACCESS_TOKEN_TYPE,
};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

async fn introspect(server: &Server, token: &str) -> Answer {
    server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &[("token", token)]).await
}

fn assert_inactive(answer: &Answer, what: &str) {
    assert_eq!(answer.status, StatusCode::OK, "{what}");
    assert_eq!(answer.body, r#"{"active":false}"#, "{what}");
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[tokio::test]
async fn a_live_token_is_active_with_its_claims() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    let answer = introspect(&server, &token).await;
    let claims = claims_of(&token);
    let expected = json!({
        "active": true, "scope": "mcp:read mcp:write", "client_id": CLIENT, "sub": claims["sub"], "aud": RESOURCE,
        "iss": ISSUER, "exp": claims["exp"], "iat": claims["iat"], "jti": claims["jti"], "token_type": "Bearer",
        "auth_time": NOW.as_second(), "acr": claims["acr"],
    });
    assert!(claims["acr"].is_string());
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[tokio::test]
async fn a_token_for_another_resource_is_inactive() {
    let server = Server::start().await;
    assert_inactive(&introspect(&server, &server.token(OTHER_RESOURCE).await).await, "other audience");
}

#[tokio::test]
async fn a_well_signed_token_that_was_never_issued_is_inactive() {
    let server = Server::start().await;
    let issued = claims_of(&server.token(RESOURCE).await);
    let mint = |changes: Value| {
        let mut claims = issued.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        server.services.keys.sign(ACCESS_TOKEN_TYPE, &claims, NOW).unwrap()
    };
    // The forger's hand is steady: with nothing changed the token is active.
    assert_eq!(introspect(&server, &mint(json!({}))).await.json()["active"], true);
    for changes in [
        json!({ "grant_id": "AAAAAAAAAAAAAAAAAAAAAA" }),
        json!({ "grant_id": "' OR 1=1 --" }),
        json!({ "grant_id": 1 }),
        json!({ "sub": "u_somebody_else" }),
        json!({ "client_id": "somebody-else" }),
        json!({ "iss": "http://localhost:9000/" }),
        json!({ "aud": [RESOURCE, OTHER_RESOURCE] }),
        json!({ "aud": null }),
        json!({ "exp": NOW.as_second() }),
        json!({ "exp": null }),
        json!({ "nbf": NOW.as_second() + 1 }),
        json!({ "jti": null }),
        json!({ "jti": "' OR 1=1 --" }),
    ] {
        assert_inactive(&introspect(&server, &mint(changes.clone())).await, &changes.to_string());
    }
    for other_type in ["JWT", "dpop+jwt", "id_token"] {
        let token = server.services.keys.sign(other_type, &issued, NOW).unwrap();
        assert_inactive(&introspect(&server, &token).await, other_type);
    }
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_inactive() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    let (header, rest) = token.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt"}"#);
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    let refreshed = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await.json();
    for hostile in [
        "x".to_owned(),
        "x".repeat(20_000),
        "x".repeat(100_000),
        ["x".repeat(33_000), "y".repeat(33_000), "z".repeat(34_000)].join("."),
        code,
        refreshed["refresh_token"].as_str().unwrap().to_owned(),
        format!("{token}x"),
        format!("{header}x.{rest}"),
        format!("{none}.{rest}"),
        format!("{none}.{}.", rest.split_once('.').unwrap().0),
        "a.b.c.d.e".to_owned(),
        "\u{0}".to_owned(),
    ] {
        assert_inactive(&introspect(&server, &hostile).await, &hostile[..hostile.len().min(60)]);
    }
}

#[tokio::test]
async fn an_expired_token_is_inactive() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    server.clock.advance(Duration::from_secs(3599));
    assert_eq!(introspect(&server, &token).await.json()["active"], true);
    server.clock.advance(Duration::from_secs(1));
    assert_inactive(&introspect(&server, &token).await, "expired");
}

#[tokio::test]
async fn revoking_the_grant_ends_its_token_across_a_restart() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    let server = server.restart().await;
    assert_eq!(introspect(&server, &token).await.json()["active"], true);
    let grant_id = GrantId::parse(claims_of(&token)["grant_id"].as_str().unwrap()).unwrap();
    server.services.store.revoke_grant(&grant_id, NOW).await.unwrap();
    let server = server.restart().await;
    assert_inactive(&introspect(&server, &token).await, "revoked");
}

#[tokio::test]
async fn replaying_a_code_ends_the_token_that_it_gave() {
    let server = Server::start().await;
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    let first = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await.json();
    let token = first["access_token"].as_str().unwrap();
    assert_eq!(introspect(&server, token).await.json()["active"], true);
    server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_inactive(&introspect(&server, token).await, "replayed");
}

#[tokio::test]
async fn the_caller_has_to_prove_who_it_is() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    let form = [("token", token.as_str())];
    let invalid_client = (401, "invalid_client".to_owned());
    assert_eq!(server.post(routes::INTROSPECT, &form).await.error(), invalid_client);
    let wrong = server.post_as(("mcp-server", "wrong"), routes::INTROSPECT, &form).await;
    assert_eq!(wrong.error(), invalid_client);
    assert!(wrong.header(header::WWW_AUTHENTICATE).unwrap().starts_with("Basic"));
    let metadata = json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none" });
    let public = server.post_json(routes::REGISTER, &metadata).await.json();
    let named = [("token", token.as_str()), ("client_id", public["client_id"].as_str().unwrap())];
    assert_eq!(server.post(routes::INTROSPECT, &named).await.error(), invalid_client);
    let mut request = post(routes::INTROSPECT, &form);
    request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    assert_eq!(server.send(request).await.error(), invalid_client);
}

#[tokio::test]
async fn a_client_that_is_no_resource_server_learns_nothing() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    let answer = server.post_as((CLIENT, SECRET), routes::INTROSPECT, &[("token", &token)]).await;
    assert_inactive(&answer, "the client the token was issued to");
}

#[tokio::test]
async fn a_secret_in_the_form_counts_as_well_and_hints_are_ignored() {
    let server = Server::start().await;
    let token = server.token(RESOURCE).await;
    let form = [
        ("token", token.as_str()),
        ("token_type_hint", "refresh_token"),
        ("client_id", RESOURCE_SERVER.0),
        ("client_secret", RESOURCE_SERVER.1),
    ];
    assert_eq!(server.post(routes::INTROSPECT, &form).await.json()["active"], true);
}

#[tokio::test]
async fn a_form_with_one_token_is_required() {
    let server = Server::start().await;
    for form in [&[][..], &[("token", "")], &[("token", "a"), ("token", "b")]] {
        let answer = server.post_as(RESOURCE_SERVER, routes::INTROSPECT, form).await;
        assert_eq!(answer.error(), (400, "invalid_request".to_owned()), "{form:?}");
    }
    let get = Request::builder().method(Method::GET).uri(format!("{}?token=x", routes::INTROSPECT));
    let answer = server.send(get.header(header::HOST, "localhost").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_demo_resource_server_introspects_for_the_first_resource() {
    let server = Server::start().await;
    let client = server.services.store.client(&ClientId::parse("mcp-server").unwrap()).await.unwrap().unwrap();
    assert_eq!(client.introspects, Some(Resource::parse(RESOURCE).unwrap()));
    assert!(client.redirect_uris.is_empty() && client.grant_types.is_empty());
}
