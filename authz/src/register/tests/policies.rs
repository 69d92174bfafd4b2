//! Who may register, and what a client may do then.

use super::*;
use crate::{
    domain::{ClientStanding, InitialAccess, InitialAccessToken, TokenName},
    protocol::Scope,
};
use jiff::ToSpan as _;

async fn server(registration: Registration) -> Server {
    Server::with(Options { registration, ..Options::default() }).await
}

fn public() -> Value {
    changed("token_endpoint_auth_method", json!("none"))
}

/// An initial access token that the server knows for an hour.
async fn initial_access_token(server: &Server) -> String {
    let token = InitialAccessToken::generate(&random()).unwrap();
    let (name, hash) = (TokenName::parse("ci").unwrap(), token.hash());
    let access = InitialAccess { name, hash, created_at: NOW, expires_at: NOW + 1.hour() };
    server.services.store.add_initial_access(&access).await.unwrap();
    token.reveal()
}

#[tokio::test]
async fn a_client_that_awaits_approval_can_do_nothing_and_its_user_is_told() {
    let server = server(Registration::Approval).await;
    let answer = register(&server, &changed("client_name", json!("A client"))).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let (id, secret) = (answer.json()["client_id"].clone(), answer.json()["client_secret"].clone());
    let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
    assert_eq!(stored(&server, &answer).await.standing, ClientStanding::AwaitingApproval);

    let (cookie, _) = server.signed_in().await;
    let page = server.authorize(&cookie, &request_with(&[("client_id", id)])).await;
    assert_eq!((page.status, page.header(header::LOCATION)), (StatusCode::FORBIDDEN, None));
    assert!(page.body.contains("not approved yet"), "{}", page.body);
    assert!(page.body.contains(&format!("authz clients approve {id}")), "{}", page.body);

    let token = |secret| server.post_as((id, secret), routes::TOKEN, &[("grant_type", "authorization_code")]);
    assert_eq!(token(secret).await.error(), (400, "unauthorized_client".to_owned()));
    assert_eq!(token("wrong").await.error(), (401, "invalid_client".to_owned()), "only the client learns of it");

    let parsed = ClientId::parse(id).unwrap();
    server.services.store.set_client_standing(&parsed, ClientStanding::Active, NOW).await.unwrap();
    server.authorize(&cookie, &request_with(&[("client_id", id)])).await.location();
    assert_eq!(token(secret).await.error(), (400, "invalid_request".to_owned()), "the code is missing");
}

#[tokio::test]
async fn with_the_token_policy_nobody_registers_without_an_initial_access_token() {
    let server = server(Registration::Token).await;
    let answer = register(&server, &public()).await;
    assert_eq!(answer.error(), (401, "invalid_token".to_owned()));
    assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Bearer"));
    for wrong in ["x", &"x".repeat(43), &"x".repeat(20_000)] {
        let answer = server.send_json("POST", routes::REGISTER, Some(wrong), &public()).await;
        assert_eq!(answer.error(), (401, "invalid_token".to_owned()));
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), Some("Bearer error=\"invalid_token\""));
    }
    assert!(server.get(routes::METADATA).await.json().get("registration_endpoint").is_some());
}

#[tokio::test]
async fn an_initial_access_token_counts_until_its_time_is_over() {
    let server = server(Registration::Token).await;
    let token = initial_access_token(&server).await;
    let register = async || server.send_json("POST", routes::REGISTER, Some(&token), &public()).await;
    for _ in 0..2 {
        let answer = register().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        assert_eq!(stored(&server, &answer).await.standing, ClientStanding::Active);
    }
    server.clock.advance(std::time::Duration::from_hours(1));
    assert_eq!(register().await.error(), (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn an_initial_access_token_stands_for_the_operator_s_approval() {
    let server = server(Registration::Approval).await;
    let token = initial_access_token(&server).await;
    let answer = server.send_json("POST", routes::REGISTER, Some(&token), &public()).await;
    assert_eq!(stored(&server, &answer).await.standing, ClientStanding::Active);
}

#[tokio::test]
async fn a_client_that_registers_itself_gets_scopes_of_the_configured_set_only() {
    let chosen = Some(Scope::parse("mcp:read").unwrap());
    let server = Server::with(Options { registration_scopes: chosen, ..Options::default() }).await;
    for asked in [json!("mcp:read mcp:write"), json!(""), json!(null)] {
        assert_eq!(register(&server, &changed("scope", asked)).await.json()["scope"], "mcp:read");
    }
    assert_refused(&server, &changed("scope", json!("mcp:write")), "invalid_client_metadata").await;
}
