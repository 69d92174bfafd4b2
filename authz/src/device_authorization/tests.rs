//! A device and a person, at both endpoints.

use super::{approve, deny};
use crate::{
    domain::{AuthenticatedPerson, DeviceAuthorization, UserCode},
    protocol::GrantType,
    routes,
    testing::*,
};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
async fn ask(server: &Server, changes: &[(&str, &str)]) -> Answer {
    let form = with(&[("resource", RESOURCE)], changes);
    server.post_as((CLIENT, SECRET), routes::DEVICE_AUTHORIZATION, &form).await
}

async fn begun(server: &Server) -> Value {
    let answer = ask(server, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

async fn poll_with(server: &Server, begun: &Value, changes: &[(&str, &str)]) -> Answer {
    let right = [("grant_type", GRANT_TYPE), ("device_code", begun["device_code"].as_str().unwrap())];
    server.post_as((CLIENT, SECRET), routes::TOKEN, &with(&right, changes)).await
}

async fn poll(server: &Server, begun: &Value) -> Answer {
    poll_with(server, begun, &[]).await
}

fn refused(word: &str) -> (u16, String) {
    (400, word.to_owned())
}

async fn waiting(server: &Server, begun: &Value) -> DeviceAuthorization {
    let user_code = UserCode::parse(begun["user_code"].as_str().unwrap()).unwrap();
    server.services.store.device_authorization(&user_code.hash(), server.services.now()).await.unwrap().unwrap()
}

async fn person(server: &Server) -> AuthenticatedPerson {
    AuthenticatedPerson::by_password(server.subject().await, NOW)
}

#[tokio::test]
async fn a_device_that_asks_who_signs_in_gets_an_id_token() {
    let server = Server::start().await;
    for (scope, expected) in [("openid email mcp:read", true), ("mcp:read", false)] {
        let device = ask(&server, &[("scope", scope)]).await.json();
        let asking = waiting(&server, &device).await;
        approve(&server.services, &asking, &person(&server).await).await.unwrap();
        let response = poll(&server, &device).await.json();
        assert_eq!((&response["scope"], response["id_token"].is_string()), (&json!(scope), expected), "{response}");
        let Some(id_token) = response["id_token"].as_str() else { continue };
        let payload = URL_SAFE_NO_PAD.decode(id_token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        let subject = server.subject().await;
        assert_eq!((&claims["aud"], &claims["sub"]), (&json!(CLIENT), &json!(subject.as_str())));
        assert_eq!((&claims["auth_time"], claims.get("nonce")), (&json!(NOW.as_second()), None));
        server.clock.advance(Duration::from_secs(5));
    }
    assert_eq!(ask(&server, &[("scope", "openid admin")]).await.error(), refused("invalid_scope"));
    let form = [("grant_type", "client_credentials"), ("resource", RESOURCE), ("scope", "openid mcp:read")];
    server.add_client("job", &[GrantType::ClientCredentials]).await;
    let answer = server.post_as(("job", SECRET), routes::TOKEN, &form).await;
    assert_eq!(answer.error(), refused("invalid_scope"), "nobody signs in there");
}

#[tokio::test]
async fn a_device_gets_two_codes_and_the_address_of_the_page() {
    let server = Server::start().await;
    let answer = ask(&server, &[]).await;
    assert_eq!((answer.status, answer.header(header::CACHE_CONTROL)), (StatusCode::OK, Some("no-store")));
    let body = answer.json();
    let user_code = body["user_code"].as_str().unwrap();
    assert!(UserCode::parse(user_code).is_some() && body["device_code"].as_str().unwrap().len() == 43);
    assert_eq!(body["verification_uri"], "http://localhost:9000/device");
    assert_eq!(body["verification_uri_complete"], format!("http://localhost:9000/device?user_code={user_code}"));
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(600), &json!(5)));
}

#[tokio::test]
async fn the_device_polls_until_a_person_allows_it() {
    let server = Server::start().await;
    let device = begun(&server).await;
    assert_eq!(poll(&server, &device).await.error(), refused("authorization_pending"));
    server.clock.advance(Duration::from_secs(5));
    assert_eq!(poll(&server, &device).await.error(), refused("authorization_pending"));
    approve(&server.services, &waiting(&server, &device).await, &person(&server).await).await.unwrap();
    server.clock.advance(Duration::from_secs(5));
    let answer = poll(&server, &device).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let tokens = answer.json();
    let claims = claims(&tokens);
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!(server.subject().await.as_str()), &json!(RESOURCE)));
    assert_eq!((&claims["scope"], &claims["auth_time"]), (&json!("mcp:read mcp:write"), &json!(NOW.as_second())));
    assert!(server.is_active(&tokens).await);
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(server.post_as((CLIENT, SECRET), routes::TOKEN, &form).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_device_that_polls_too_soon_has_to_slow_down_by_five_seconds_each_time() {
    let server = Server::start().await;
    let device = begun(&server).await;
    assert_eq!(poll(&server, &device).await.error(), refused("authorization_pending"));
    server.clock.advance(Duration::from_secs(2));
    assert_eq!(poll(&server, &device).await.error(), refused("slow_down"));
    server.clock.advance(Duration::from_secs(5));
    assert_eq!(poll(&server, &device).await.error(), refused("slow_down"), "ten seconds by now");
    server.clock.advance(Duration::from_secs(15));
    assert_eq!(poll(&server, &device).await.error(), refused("authorization_pending"));
    server.clock.advance(Duration::from_secs(10));
    assert_eq!(poll(&server, &device).await.error(), refused("slow_down"), "for all that follow");
}

#[tokio::test]
async fn a_denied_device_is_told_so() {
    let server = Server::start().await;
    let device = begun(&server).await;
    let asking = waiting(&server, &device).await;
    deny(&server.services, &asking, &person(&server).await).await.unwrap();
    assert_eq!(poll(&server, &device).await.error(), refused("access_denied"));
    assert!(approve(&server.services, &asking, &person(&server).await).await.is_err(), "decided once");
}

#[tokio::test]
async fn after_ten_minutes_nothing_is_decided_and_the_device_is_told() {
    let server = Server::start().await;
    let device = begun(&server).await;
    let asking = waiting(&server, &device).await;
    server.clock.advance(Duration::from_mins(10));
    assert!(approve(&server.services, &asking, &person(&server).await).await.is_err());
    assert_eq!(poll(&server, &device).await.error(), refused("expired_token"));
}

#[tokio::test]
async fn a_replayed_device_code_is_refused_and_its_grant_revoked_across_a_restart() {
    let server = Server::start().await;
    let device = begun(&server).await;
    approve(&server.services, &waiting(&server, &device).await, &person(&server).await).await.unwrap();
    let tokens = poll(&server, &device).await.json();
    let server = server.restart().await;
    assert_eq!(poll(&server, &device).await.error(), refused("invalid_grant"));
    assert!(!server.is_active(&tokens).await);
}

#[tokio::test]
async fn another_clients_device_code_is_an_invalid_grant_and_stays_good() {
    let server = Server::start().await;
    server.add_client("other", &[GrantType::DeviceCode]).await;
    let device = begun(&server).await;
    approve(&server.services, &waiting(&server, &device).await, &person(&server).await).await.unwrap();
    let form = [("grant_type", GRANT_TYPE), ("device_code", device["device_code"].as_str().unwrap())];
    assert_eq!(server.post_as(("other", SECRET), routes::TOKEN, &form).await.error(), refused("invalid_grant"));
    for resource in [OTHER_RESOURCE, "mcp"] {
        let answer = poll_with(&server, &device, &[("resource", resource)]).await;
        assert_eq!(answer.error(), refused("invalid_target"));
    }
    assert_eq!(poll_with(&server, &device, &[("resource", RESOURCE)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_grant_that_is_revoked_before_the_poll_brings_no_token() {
    let server = Server::start().await;
    let device = begun(&server).await;
    approve(&server.services, &waiting(&server, &device).await, &person(&server).await).await.unwrap();
    server.change_database("UPDATE grants SET revoked_at = 1").await;
    assert_eq!(poll(&server, &device).await.error(), refused("invalid_grant"));
}

#[tokio::test]
async fn what_is_no_device_code_is_an_invalid_grant() {
    let server = Server::start().await;
    let device = begun(&server).await;
    for hostile in ["x", "' OR 1=1 --", &"a".repeat(43), &"a".repeat(10_000), device["user_code"].as_str().unwrap()] {
        let answer = poll_with(&server, &device, &[("device_code", hostile)]).await;
        assert_eq!(answer.error(), refused("invalid_grant"), "{}", &hostile[..hostile.len().min(40)]);
    }
    let missing = poll_with(&server, &device, &[("device_code", "")]).await;
    assert_eq!(missing.error(), refused("invalid_request"));
}

#[tokio::test]
async fn the_request_keeps_the_rules_of_every_token_request() {
    let server = Server::start().await;
    let robot = server.add_client("robot", &[GrantType::ClientCredentials]).await;
    let form = [("resource", RESOURCE)];
    let answer = server.post_as((robot.id.as_str(), SECRET), routes::DEVICE_AUTHORIZATION, &form).await;
    assert_eq!(answer.error(), refused("unauthorized_client"));
    assert_eq!(ask(&server, &[("scope", "mcp:admin")]).await.error(), refused("invalid_scope"));
    assert_eq!(ask(&server, &[("resource", "http://localhost:9999/mcp")]).await.error(), refused("invalid_target"));
    assert_eq!(ask(&server, &[("scope", "a"), ("scope", "b")]).await.error(), refused("invalid_request"));
    let nobody = server.post(routes::DEVICE_AUTHORIZATION, &form).await;
    assert_eq!(nobody.error(), (401, "invalid_client".to_owned()));
    let get = Request::get(routes::DEVICE_AUTHORIZATION).header(header::HOST, "localhost:9000");
    let get = server.send(get.body(Body::empty()).unwrap()).await;
    assert_eq!(get.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn a_public_client_that_registered_itself_for_devices_may_ask() {
    let server = Server::start().await;
    let metadata = json!({
        "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", GRANT_TYPE],
    });
    let id = server.post_json(routes::REGISTER, &metadata).await.json()["client_id"].as_str().unwrap().to_owned();
    let form = [("resource", RESOURCE), ("client_id", id.as_str())];
    assert_eq!(server.post(routes::DEVICE_AUTHORIZATION, &form).await.status, StatusCode::OK);
}
