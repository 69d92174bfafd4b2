//! Revocation as clients see it, and introspection after it.

use crate::{routes, testing::*};
use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::Value;

async fn tokens(server: &Server) -> Value {
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await.json()
}

fn text<'a>(response: &'a Value, name: &str) -> &'a str {
    response[name].as_str().unwrap()
}

async fn refresh(server: &Server, response: &Value) -> Answer {
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(response, "refresh_token"))];
    server.post_as((CLIENT, SECRET), routes::TOKEN, &form).await
}

async fn revoke(server: &Server, form: &[(&str, &str)]) -> Answer {
    server.post_as((CLIENT, SECRET), routes::REVOKE, form).await
}

fn assert_done(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
}

#[tokio::test]
async fn a_refresh_token_takes_its_grant_and_access_tokens_with_it() {
    for hint in ["", "refresh_token", "access_token", "id_token"] {
        let server = Server::start().await;
        let first = tokens(&server).await;
        let second = refresh(&server, &first).await.json();
        let form = with(&[("token", text(&second, "refresh_token"))], &[("token_type_hint", hint)]);
        assert_done(&revoke(&server, &form).await);
        assert!(!server.is_active(&first).await && !server.is_active(&second).await, "{hint}");
        assert_eq!(refresh(&server, &second).await.error(), (400, "invalid_grant".to_owned()));
        assert_done(&revoke(&server, &form).await);
    }
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_revokes_its_grant_as_well() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let second = refresh(&server, &first).await.json();
    assert_done(&revoke(&server, &[("token", text(&first, "refresh_token"))]).await);
    assert_eq!(refresh(&server, &second).await.error(), (400, "invalid_grant".to_owned()));
}

#[tokio::test]
async fn a_revoked_access_token_is_inactive_at_once_and_the_others_live() {
    for hint in ["", "access_token", "refresh_token"] {
        let server = Server::start().await;
        let first = tokens(&server).await;
        let second = refresh(&server, &first).await.json();
        let form = with(&[("token", text(&first, "access_token"))], &[("token_type_hint", hint)]);
        assert_done(&revoke(&server, &form).await);
        assert!(!server.is_active(&first).await, "{hint}");
        let server = server.restart().await;
        assert!(!server.is_active(&first).await && server.is_active(&second).await, "{hint}");
        assert_eq!(refresh(&server, &second).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_no_token_is_gone_already() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let tampered = format!("{}x", text(&first, "access_token"));
    for unknown in ["x", &"a".repeat(64), &"a".repeat(100_000), "a.b.c", &tampered, "\u{0}"] {
        assert_done(&revoke(&server, &[("token", unknown)]).await);
    }
    assert!(server.is_active(&first).await);
}

#[tokio::test]
async fn another_clients_token_stays_alive_and_the_client_is_told() {
    let server = Server::start().await;
    let other = server.register_public(&["authorization_code", "refresh_token"]).await;
    let first = tokens(&server).await;
    for name in ["access_token", "refresh_token"] {
        let form = [("token", text(&first, name)), ("client_id", other.as_str())];
        assert_eq!(server.post(routes::REVOKE, &form).await.error(), (400, "invalid_grant".to_owned()), "{name}");
        let as_resource_server = server.post_as(RESOURCE_SERVER, routes::REVOKE, &form[..1]).await;
        assert_eq!(as_resource_server.error(), (400, "invalid_grant".to_owned()), "{name}");
    }
    assert!(server.is_active(&first).await);
    assert_eq!(refresh(&server, &first).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_public_client_revokes_its_own_tokens_by_its_id() {
    let server = Server::start().await;
    let public = server.register_public(&["authorization_code", "refresh_token"]).await;
    let code = server.code(&request_with(&[("client_id", &public)])).await;
    let first = server.post(routes::TOKEN, &with(&exchange(&code), &[("client_id", &public)])).await.json();
    let form = [("token", text(&first, "refresh_token")), ("client_id", public.as_str())];
    assert_done(&server.post(routes::REVOKE, &form).await);
    assert!(!server.is_active(&first).await);
}

#[tokio::test]
async fn the_client_has_to_prove_who_it_is() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let form = [("token", text(&first, "refresh_token"))];
    let invalid_client = (401, "invalid_client".to_owned());
    assert_eq!(server.post(routes::REVOKE, &form).await.error(), invalid_client);
    assert_eq!(server.post(routes::REVOKE, &with(&form, &[("client_id", CLIENT)])).await.error(), invalid_client);
    assert_eq!(server.post_as((CLIENT, "wrong"), routes::REVOKE, &form).await.error(), invalid_client);
    assert!(server.is_active(&first).await);
}

#[tokio::test]
async fn a_posted_form_with_one_token_is_required() {
    let server = Server::start().await;
    for form in [&[][..], &[("token", "")], &[("token", "a"), ("token", "b")]] {
        assert_eq!(revoke(&server, form).await.error(), (400, "invalid_request".to_owned()), "{form:?}");
    }
    let get = Request::get(routes::REVOKE).header(header::HOST, "localhost:9000").body(Body::empty()).unwrap();
    assert_eq!(server.send(get).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let in_query = format!("{}?token=x", routes::REVOKE);
    assert_eq!(server.post(&in_query, &[]).await.error(), (400, "invalid_request".to_owned()));
}
