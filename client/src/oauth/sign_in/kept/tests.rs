use super::*;
use crate::oauth::testing::world::{ISSUER_METADATA, RESOURCE_METADATA, Reply, World, allows, lock};
use serde_json::{Value, json};
use std::time::Duration;

const FIRST: &str = "first.refresh.token";

fn challenge(world: &World) -> BearerChallenge {
    BearerChallenge {
        resource_metadata: Some(format!("{}{RESOURCE_METADATA}", world.origin)),
        scope: Scope::parse("mcp:read"),
        ..BearerChallenge::default()
    }
}

fn tokens(access: &str, refresh: Option<&str>) -> Reply {
    let mut body = json!({"access_token": access, "token_type": "Bearer", "expires_in": 3600});
    if let Some(refresh) = refresh {
        body["refresh_token"] = Value::from(refresh);
    }
    Reply::json(200, &body)
}

/// A world in which somebody signed in an hour ago, and got a refresh token.
async fn an_hour_later() -> (World, SignIn) {
    let world = World::start().await;
    world.reply("/token", tokens("first", Some(FIRST)));
    let client = world.client(allows).await;
    assert_eq!(client.access_token(&challenge(&world), Reuse::Kept).await.unwrap().token.reveal(), "first");
    world.clock.advance(Duration::from_secs(3590));
    world.reply("/token", tokens("second", Some("second.refresh.token")));
    (world, client)
}

async fn held(world: &World, client: &SignIn) -> Held {
    client.access_token(&challenge(world), Reuse::Kept).await.unwrap()
}

#[tokio::test]
async fn a_token_near_its_end_is_renewed_without_the_person() {
    let (world, client) = an_hour_later().await;
    let renewed = held(&world, &client).await;
    assert_eq!((renewed.token.reveal(), renewed.kept, world.sign_ins()), ("second", false, 1));
    assert_eq!(renewed.requested_scope, Scope::parse("mcp:read"));
    let sent = world.seen("/token")[1].form();
    assert_eq!((sent["grant_type"].as_str(), sent["refresh_token"].as_str()), ("refresh_token", FIRST));
    assert_eq!(sent["resource"], world.server());
    assert!(!sent.contains_key("scope") && !sent.contains_key("code"));
    assert!(held(&world, &client).await.kept);
    world.clock.advance(Duration::from_hours(1));
    held(&world, &client).await;
    assert_eq!(world.seen("/token")[2].form()["refresh_token"], "second.refresh.token");
}

#[tokio::test]
async fn the_refresh_token_stays_when_the_answer_holds_no_new_one() {
    let (world, client) = an_hour_later().await;
    world.reply("/token", tokens("second", None));
    held(&world, &client).await;
    world.clock.advance(Duration::from_hours(1));
    held(&world, &client).await;
    assert_eq!((world.seen("/token")[2].form()["refresh_token"].as_str(), world.sign_ins()), (FIRST, 1));
}

#[tokio::test]
async fn one_refresh_is_in_flight_however_many_callers_and_processes_wait() {
    let (world, client) = an_hour_later().await;
    // Clients of one world share the folder, as processes do.
    let other = world.client(allows).await;
    let (challenge, kept) = (challenge(&world), Reuse::Kept);
    let (a, b, c, d) = tokio::join!(
        client.access_token(&challenge, kept),
        other.access_token(&challenge, kept),
        client.access_token(&challenge, kept),
        other.access_token(&challenge, kept),
    );
    for held in [a, b, c, d] {
        assert_eq!(held.unwrap().token.reveal(), "second");
    }
    assert_eq!((world.seen("/token").len(), world.sign_ins()), (2, 1));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_then_shared() {
    let (world, client) = an_hour_later().await;
    let first = AccessToken::parse("first").unwrap();
    let renewed = client.access_token(&challenge(&world), Reuse::Except(&first)).await.unwrap();
    assert_eq!((renewed.token.reveal(), world.seen("/token").len()), ("second", 2));
    let again = client.access_token(&challenge(&world), Reuse::Except(&first)).await.unwrap();
    assert_eq!((again.token.reveal(), again.kept, world.seen("/token").len()), ("second", true, 2));
}

#[tokio::test]
async fn a_refused_refresh_leads_to_one_new_sign_in_and_a_server_in_trouble_to_none() {
    let (world, client) = an_hour_later().await;
    world.reply("/token", Reply::json(503, &json!({"error": "temporarily_unavailable"})));
    let error = client.access_token(&challenge(&world), Reuse::Kept).await.unwrap_err();
    assert!(matches!(error, SignInError::Token(TokenError::Refused { .. })), "{error}");
    assert_eq!(world.sign_ins(), 1);
    world.reply("/token", Reply::json(400, &json!({"error": "invalid_grant"})));
    let error = client.access_token(&challenge(&world), Reuse::Kept).await.unwrap_err();
    assert!(matches!(error, SignInError::Token(TokenError::Refused { .. })), "{error}");
    let grants: Vec<_> = world.seen("/token").iter().map(|seen| seen.form()["grant_type"].clone()).collect();
    assert_eq!(grants, ["authorization_code", "refresh_token", "refresh_token", "authorization_code"]);
    assert_eq!(world.sign_ins(), 2);
}

#[tokio::test]
async fn a_refresh_token_is_never_sent_to_another_issuer() {
    let (world, client) = an_hour_later().await;
    let other = World::start().await;
    world.change(RESOURCE_METADATA, "authorization_servers", json!([other.origin]));
    let error = client.access_token(&challenge(&world), Reuse::Kept).await.unwrap_err();
    assert!(matches!(error, SignInError::OtherIssuer { .. }));
    assert!(other.seen("/token").is_empty());
}

#[tokio::test]
async fn offline_access_is_asked_for_only_where_it_is_offered() {
    for (offered, asked) in
        [(json!(["mcp:read", "offline_access"]), "mcp:read offline_access"), (json!(["mcp:read"]), "mcp:read")]
    {
        let world = World::start().await;
        world.change(ISSUER_METADATA, "scopes_supported", offered);
        let client = world.client(allows).await;
        held(&world, &client).await;
        assert_eq!(world.last_asked()["scope"], asked);
        assert!(held(&world, &client).await.kept);
    }
}

#[tokio::test]
async fn logging_out_gives_the_tokens_back_and_forgets_them() {
    let (world, client) = an_hour_later().await;
    let endpoint = format!("{}/revoke", world.origin);
    world.change(ISSUER_METADATA, "revocation_endpoint", json!(endpoint)).reply("/revoke", Reply::raw(200, ""));
    client.forget(&challenge(&world)).await.unwrap();
    let sent = world.seen("/revoke")[0].form();
    assert_eq!((sent["token"].as_str(), sent["token_type_hint"].as_str()), (FIRST, "refresh_token"));
    assert!(!held(&world, &client).await.kept);

    world.reply("/revoke", Reply::raw(500, ""));
    client.forget(&challenge(&world)).await.unwrap();
    assert!(lock(&world.notices).iter().any(|notice| notice.contains("forgotten here, but not revoked")));
    assert!(!held(&world, &client).await.kept);
    assert_eq!(world.sign_ins(), 3);
}
