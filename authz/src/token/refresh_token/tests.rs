//! Refresh tokens as a client, another client and a thief see them.

use crate::{
    domain::{ResourceScopes, ServedResource},
    protocol::{Resource, Scope},
    routes,
    testing::*,
};
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const FILES: &str = "https://files.example/mcp";
async fn tokens(server: &Server) -> Value {
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    let answer = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

fn refresh_token(response: &Value) -> &str {
    response["refresh_token"].as_str().unwrap()
}

async fn refresh_with(server: &Server, token: &str, changes: &[(&str, &str)]) -> Answer {
    let form = with(&[("grant_type", "refresh_token"), ("refresh_token", token)], changes);
    server.post_as((CLIENT, SECRET), routes::TOKEN, &form).await
}

async fn refresh(server: &Server, token: &str) -> Answer {
    refresh_with(server, token, &[]).await
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn every_use_replaces_the_token_and_keeps_the_grant() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    server.clock.advance(Duration::from_mins(30));
    let answer = refresh(&server, refresh_token(&first)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    let second = answer.json();
    assert_ne!(refresh_token(&first), refresh_token(&second));
    let (one, two) = (claims(&first), claims(&second));
    for same in ["sub", "aud", "client_id", "scope", "grant_id", "auth_time", "acr"] {
        assert_eq!(one[same], two[same], "{same}");
    }
    assert_ne!(one["jti"], two["jti"]);
    assert_eq!(two["exp"], json!(NOW.as_second() + 1800 + 3600));
    assert!(server.is_active(&first).await && server.is_active(&second).await);
    assert_eq!(refresh(&server, refresh_token(&second)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_without_the_grant_type_gets_no_refresh_token_and_can_use_none() {
    let server = Server::start().await;
    let public = server.register_public(&["authorization_code"]).await;
    let code = server.code(&request_with(&[("client_id", &public)])).await;
    let answer = server.post(routes::TOKEN, &with(&exchange(&code), &[("client_id", &public)])).await;
    assert_eq!((answer.status, answer.json().get("refresh_token")), (StatusCode::OK, None));
    let others = tokens(&server).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&others)), ("client_id", &public)];
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), (400, "unauthorized_client".to_owned()));
    assert_eq!(refresh(&server, refresh_token(&others)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_parent_within_the_grace_time_is_refused_without_harm() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let second = refresh(&server, refresh_token(&first)).await.json();
    server.clock.advance(Duration::from_secs(9));
    assert_eq!(refresh(&server, refresh_token(&first)).await.error(), invalid_grant());
    assert!(server.is_active(&first).await && server.is_active(&second).await);
    assert_eq!(refresh(&server, refresh_token(&second)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_parent_after_the_grace_time_ends_the_family_and_its_access_tokens() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let second = refresh(&server, refresh_token(&first)).await.json();
    server.clock.advance(Duration::from_secs(10));
    assert_eq!(refresh(&server, refresh_token(&first)).await.error(), invalid_grant());
    assert!(!server.is_active(&first).await && !server.is_active(&second).await);
    assert_eq!(refresh(&server, refresh_token(&second)).await.error(), invalid_grant());
}

#[tokio::test]
async fn a_grandparent_ends_the_family_at_once_even_with_a_wrong_scope() {
    for changes in [&[][..], &[("scope", "mcp:admin")], &[("resource", OTHER_RESOURCE)]] {
        let server = Server::start().await;
        let first = tokens(&server).await;
        let second = refresh(&server, refresh_token(&first)).await.json();
        let third = refresh(&server, refresh_token(&second)).await.json();
        assert_eq!(refresh_with(&server, refresh_token(&first), changes).await.error(), invalid_grant());
        assert!(!server.is_active(&third).await);
        assert_eq!(refresh(&server, refresh_token(&third)).await.error(), invalid_grant());
    }
}

#[tokio::test]
async fn another_client_ends_the_family() {
    let server = Server::start().await;
    let thief = server.register_public(&["authorization_code", "refresh_token"]).await;
    let first = tokens(&server).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&first)), ("client_id", &thief)];
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), invalid_grant());
    assert!(!server.is_active(&first).await);
    assert_eq!(refresh(&server, refresh_token(&first)).await.error(), invalid_grant());
}

#[tokio::test]
async fn a_refresh_token_without_its_client_is_refused_and_stays_good() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&first)), ("client_id", CLIENT)];
    for nobody in [&form[..2], &form[..]] {
        assert_eq!(server.post(routes::TOKEN, nobody).await.error(), (401, "invalid_client".to_owned()));
    }
    let unknown = with(&form, &[("client_id", "c_unknown")]);
    assert_eq!(server.post(routes::TOKEN, &unknown).await.error(), (401, "invalid_client".to_owned()));
    assert_eq!(refresh(&server, refresh_token(&first)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_public_client_refreshes_with_its_id_alone_and_is_rotated_too() {
    let server = Server::start().await;
    let public = server.register_public(&["authorization_code", "refresh_token"]).await;
    let code = server.code(&request_with(&[("client_id", &public)])).await;
    let first = server.post(routes::TOKEN, &with(&exchange(&code), &[("client_id", &public)])).await.json();
    let form = |token: &str| {
        [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &public)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let post = async |token: &str| {
        let form = form(token);
        let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        server.post(routes::TOKEN, &form).await
    };
    let second = post(refresh_token(&first)).await.json();
    server.clock.advance(Duration::from_mins(1));
    assert_eq!(post(refresh_token(&first)).await.error(), invalid_grant());
    assert_eq!(post(refresh_token(&second)).await.error(), invalid_grant(), "the family is dead");
}

#[tokio::test]
async fn the_client_has_to_say_who_it_is() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&first))];
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), (401, "invalid_client".to_owned()));
    let named = with(&form, &[("client_id", CLIENT)]);
    assert_eq!(server.post(routes::TOKEN, &named).await.error(), (401, "invalid_client".to_owned()));
    assert_eq!(refresh(&server, refresh_token(&first)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_scope_may_be_narrowed_and_never_widened() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    for wider in ["mcp:read mcp:write mcp:admin", "mcp:admin", "offline_access", "a\"b", "mcp:read  mcp:write"] {
        let answer = refresh_with(&server, refresh_token(&first), &[("scope", wider)]).await;
        assert_eq!(answer.error(), (400, "invalid_scope".to_owned()), "{wider}");
    }
    let narrow = refresh_with(&server, refresh_token(&first), &[("scope", "mcp:read")]).await.json();
    assert_eq!((&narrow["scope"], &claims(&narrow)["scope"]), (&json!("mcp:read"), &json!("mcp:read")));
    // RFC 6749 §6: the refresh token keeps the scope that was granted.
    let wide = refresh(&server, refresh_token(&narrow)).await.json();
    assert_eq!(wide["scope"], "mcp:read mcp:write");
}

#[tokio::test]
async fn a_scope_that_was_not_granted_is_not_to_be_had_by_refreshing() {
    let server = Server::start().await;
    let code = server.code(&request_with(&[("scope", "mcp:read")])).await;
    let first = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await.json();
    let answer = refresh_with(&server, refresh_token(&first), &[("scope", "mcp:read mcp:write")]).await;
    assert_eq!(answer.error(), (400, "invalid_scope".to_owned()));
    assert_eq!(refresh(&server, refresh_token(&first)).await.json()["scope"], "mcp:read");
}

#[tokio::test]
async fn the_resource_cannot_be_switched_or_widened() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    for others in [&[("resource", OTHER_RESOURCE)][..], &[("resource", RESOURCE), ("resource", OTHER_RESOURCE)]] {
        let answer = refresh_with(&server, refresh_token(&first), others).await;
        assert_eq!(answer.error(), (400, "invalid_target".to_owned()), "{others:?}");
    }
    let second = refresh_with(&server, refresh_token(&first), &[("resource", RESOURCE)]).await.json();
    assert_eq!(claims(&second)["aud"], RESOURCE);
}

/// A family at a resource whose `files:write` implies `files:read`, of a public client.
async fn at_files(server: &Server) -> (String, Value) {
    let scopes = Scope::parse("files:write files:read").unwrap();
    let scopes = ResourceScopes::with_chains(scopes, "files:write>files:read").unwrap();
    let files = ServedResource { id: Resource::parse(FILES).unwrap(), name: None, scopes };
    server.services.store.put_resource(&files, None).await.unwrap();
    server.services.resources.reload(server.services.store.as_ref()).await.unwrap();
    let client = server.register_public(&["authorization_code", "refresh_token"]).await;
    let asked = [("client_id", client.as_str()), ("resource", FILES), ("scope", "files:write")];
    let code = server.code(&request_with(&asked)).await;
    let form = with(&exchange(&code), &[("client_id", &client), ("resource", FILES)]);
    let tokens = server.post(routes::TOKEN, &form).await.json();
    (client, tokens)
}

#[tokio::test]
async fn a_scope_that_the_granted_one_implies_is_narrower() {
    let server = Server::start().await;
    let (client, first) = at_files(&server).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh_token(&first)),
        ("client_id", &client),
        ("scope", "files:read"),
    ];
    let answer = server.post(routes::TOKEN, &form).await;
    assert_eq!(answer.json()["scope"], "files:read", "{}", answer.body);
}

#[tokio::test]
async fn a_resource_that_is_not_served_any_more_gets_no_token() {
    let server = Server::start().await;
    let (client, first) = at_files(&server).await;
    server.services.store.remove_resource(&Resource::parse(FILES).unwrap(), NOW).await.unwrap();
    server.services.resources.reload(server.services.store.as_ref()).await.unwrap();
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token(&first)), ("client_id", &client)];
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), invalid_grant());
}

#[tokio::test]
async fn a_token_lives_thirty_days_from_its_last_use() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let month = Duration::from_hours(30 * 24);
    server.clock.advance(month.checked_sub(Duration::from_secs(1)).unwrap());
    let second = refresh(&server, refresh_token(&first)).await.json();
    server.clock.advance(month.checked_sub(Duration::from_secs(1)).unwrap());
    let third = refresh(&server, refresh_token(&second)).await.json();
    server.clock.advance(month);
    assert_eq!(refresh(&server, refresh_token(&third)).await.error(), invalid_grant());
}

#[tokio::test]
async fn what_is_no_refresh_token_is_an_invalid_grant() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let access_token = first["access_token"].as_str().unwrap();
    for hostile in ["x", "' OR 1=1 --", &"a".repeat(64), &"a".repeat(100_000), "ä\u{0}", access_token] {
        assert_eq!(refresh(&server, hostile).await.error(), invalid_grant(), "{}", &hostile[..hostile.len().min(40)]);
    }
    assert_eq!(refresh(&server, "").await.error(), (400, "invalid_request".to_owned()));
    assert_eq!(refresh(&server, refresh_token(&first)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_replay_after_a_restart_is_recognised() {
    let server = Server::start().await;
    let first = tokens(&server).await;
    let second = refresh(&server, refresh_token(&first)).await.json();
    let third = refresh(&server, refresh_token(&second)).await.json();
    let server = server.restart().await;
    assert_eq!(refresh(&server, refresh_token(&first)).await.error(), invalid_grant());
    assert!(!server.is_active(&third).await);
}

#[tokio::test]
async fn replaying_the_code_ends_the_family_too() {
    let server = Server::start().await;
    let code = server.code(&AUTHORIZATION_REQUEST).await;
    let first = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await.json();
    let second = refresh(&server, refresh_token(&first)).await.json();
    server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(refresh(&server, refresh_token(&second)).await.error(), invalid_grant());
    assert!(!server.is_active(&second).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_parallel_uses_exactly_one_succeeds_and_its_tokens_live() {
    let server = Arc::new(Server::start().await);
    for _ in 0..3 {
        let first = tokens(&server).await;
        let attempts: Vec<_> = (0..16)
            .map(|_| {
                let (server, token) = (server.clone(), refresh_token(&first).to_owned());
                tokio::spawn(async move { refresh(&server, &token).await })
            })
            .collect();
        let mut winners = Vec::new();
        for attempt in attempts {
            let answer = attempt.await.unwrap();
            if answer.status == StatusCode::OK {
                winners.push(answer.json());
            } else {
                assert_eq!(answer.error(), invalid_grant());
            }
        }
        assert_eq!(winners.len(), 1);
        assert!(server.is_active(&winners[0]).await);
        assert_eq!(refresh(&server, refresh_token(&winners[0])).await.status, StatusCode::OK);
    }
}
